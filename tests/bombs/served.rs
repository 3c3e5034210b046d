//! A server process with little memory, and how much of that it takes.

use headwater::wire::{Encoded, HEADER_LENGTH};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing here takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    model: String,
}

impl Served {
    /// Serves `model`, whose name is `name`, in 2 GB.
    pub(crate) fn start(model: &Path, name: &str, flags: &[&str]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -d 2097152; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_headwater"), "serve"])
            .args(["--listen", "127.0.0.1:0", "--model"])
            .arg(model)
            .args(flags)
            .env("RUST_LOG", "warn")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.rsplit_once("http://").unwrap_or_else(|| panic!("{line}")).1.parse().unwrap();
        // Whatever else it says goes to the test's own output.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        let served = Self { child, address, model: name.to_owned() };
        let started = Instant::now();
        while served.get("/v2/health/ready").0 != 200 {
            assert!(started.elapsed() < PATIENCE, "never ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        served
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Status and body of a GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").unwrap();
        read_answer(stream)
    }

    /// The beginning of a request for an inference.
    pub(crate) fn head(&self, length: usize, json: Option<usize>) -> String {
        let json = json.map_or_else(String::new, |json| format!("{HEADER_LENGTH}: {json}\r\n"));
        format!(
            "POST /v2/models/{}/infer HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {length}\r\n{json}\r\n",
            self.model
        )
    }

    /// Status and body of the answer to a request in binary form.
    pub(crate) fn post(&self, request: &Encoded) -> (u16, String) {
        self.send(&request.body, Some(request.json_bytes))
    }

    pub(crate) fn send(&self, body: &[u8], json: Option<usize>) -> (u16, String) {
        let mut stream = self.connect();
        stream.write_all(self.head(body.len(), json).as_bytes()).unwrap();
        // A server that has refused may close before it has read everything.
        let _ = stream.write_all(body);
        read_answer(stream)
    }

    /// The value of a gauge or counter.
    pub(crate) fn metric(&self, name: &str) -> usize {
        let (_, text) = self.get("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    }

    /// Waits until a metric has a value.
    pub(crate) fn await_metric(&self, name: &str, value: usize) {
        let started = Instant::now();
        while self.metric(name) != value {
            assert!(started.elapsed() < PATIENCE, "{name} is {}, not {value}", self.metric(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The peak of resident memory while `what` is done, in bytes; and what that gives.
    pub(crate) fn peak<T>(&self, what: impl FnOnce() -> T) -> (usize, T) {
        let process = format!("/proc/{}", self.child.id());
        std::fs::write(format!("{process}/clear_refs"), "5").unwrap();
        let done = what();
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        (line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024, done)
    }

    /// It is still there, says so soon, and holds nothing.
    pub(crate) fn assert_well(&self, after: &str) {
        let started = Instant::now();
        assert_eq!(self.get("/v2/health/live").0, 200, "after {after}");
        assert!(started.elapsed() < Duration::from_secs(5), "health took {:?} after {after}", started.elapsed());
        self.await_metric("headwater_held_bytes", 0);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body; the body of an answer with tensors is made printable, and of long ones only the beginning kept.
pub(crate) fn read_answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) if answer.len() < 1 << 20 => answer.extend_from_slice(&piece[..count]),
            Ok(_) => {}
            Err(error) => panic!("after {} bytes of an answer: {error}", answer.len()),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
