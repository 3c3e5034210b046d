//! `headwater serve` and a client, as two processes.

use crate::{Desk, PATIENCE, adapter, headwater, refused, run, signal, succeeded};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::time::{Duration, Instant};
use ureq::http::HeaderMap;

/// A server in a process of its own, ended with the test whatever happens.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(desk: &Desk) -> Self {
        Self::start_with(desk, &[])
    }

    fn start_with(desk: &Desk, extra: &[&str]) -> Self {
        let mut command = headwater();
        command.args(["serve", "--listen", "127.0.0.1:0", "--model"]).arg(desk.path("mini.safetensors")).args(extra);
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Read to the end on a thread of its own, so that the server never waits for a reader.
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once(" on http://") {
                    // The test may have what it needs already.
                    let _ = tell.send(format!("http://{address}"));
                }
            }
        });
        // The child is in `Served` before anything can panic, and so is ended.
        let mut served = Self { child, address: String::new() };
        served.address = told.recv_timeout(PATIENCE).expect("the server says its address");
        served
    }

    /// Status and body of a GET.
    fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.get_with(path, &[]);
        (status, String::from_utf8(body).unwrap())
    }

    /// Status, headers and body of a GET.
    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut request = agent.get(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, mut body) = request.call().unwrap().into_parts();
        (parts.status.as_u16(), parts.headers, body.read_to_vec().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already in the test that ends well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn await_state(otherwise: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{otherwise}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_serves_and_stops_when_told() {
    let desk = Desk::new();
    let mut served = Served::start(&desk);
    assert_eq!(served.get("/v2/health/live").0, 200);
    let started = Instant::now();
    while served.get("/v2/health/ready").0 != 200 {
        assert!(started.elapsed() < PATIENCE, "never ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(served.get("/v2/models/mini/ready").0, 200);
    assert_eq!(served.get("/v2/models/other").0, 404);

    let address = served.address.clone();
    let segment = |split: &str| {
        let output = desk.segment(&["--split", split, "--server", &address, "--json", "--codec", "f32"]);
        let report: Value = serde_json::from_str(&succeeded(split, &output)).unwrap();
        assert_eq!(report["executor"].as_str(), Some("cpu"), "{report}");
        assert!(report["up_bytes"].as_u64() > Some(0) && report["down_bytes"].as_u64() > Some(0), "{report}");
        image::open(desk.path("out/cutout.png")).unwrap().into_rgba8()
    };
    let remote = segment("remote");
    let output = desk.segment(&["--split", "remote", "--server", &address, "--json"]);
    let report: Value = serde_json::from_str(&succeeded("remote in 8 bits", &output)).unwrap();
    assert_eq!(report["codec"].as_str(), Some("alpha8"), "{report}");
    let bytes = image::open(desk.path("out/cutout.png")).unwrap().into_rgba8();
    let apart = remote.pixels().zip(bytes.pixels()).map(|(a, b)| a.0[3].abs_diff(b.0[3])).max();
    assert!(apart <= Some(1), "masks in f32 and in 8 bits differ by {apart:?} levels");
    if adapter::open("segment --server --split U1").is_some() {
        let split = segment("U1");
        let apart = remote.pixels().zip(split.pixels()).map(|(a, b)| a.0[3].abs_diff(b.0[3])).max();
        assert!(apart <= Some(1), "split and remote differ by {apart:?} levels");
    }

    signal(served.child.id(), "TERM");
    let started = Instant::now();
    let status = loop {
        match served.child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(started.elapsed() < Duration::from_secs(20), "still there after SIGTERM"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0), "{status}");
}

/// A body that never comes would hold the first signal up for all of `shutdown_timeout`.
#[test]
fn a_second_signal_ends_the_server_at_once() {
    let desk = Desk::new();
    let mut served = Served::start(&desk);
    let address: std::net::SocketAddr = served.address.trim_start_matches("http://").parse().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "POST /v2/models/mini/infer HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{{").unwrap();
    // It is under way once memory is reserved for what has come of its body.
    await_state("the request never came", || !served.get("/metrics").1.contains("\nheadwater_held_bytes 0\n"));
    signal(served.child.id(), "TERM");
    await_state("still accepts after SIGTERM", || std::net::TcpStream::connect(address).is_err());
    // Time to end by mistake.
    std::thread::sleep(Duration::from_millis(500));
    assert!(served.child.try_wait().unwrap().is_none(), "a request is under way");
    signal(served.child.id(), "HUP");
    let started = Instant::now();
    let status = loop {
        match served.child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(started.elapsed() < Duration::from_secs(10), "still there after a second signal"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(1), "{status}");
}

/// What a local run may do, the same process may do by way of its server.
#[test]
fn a_server_in_the_same_process_has_no_limit_of_pixels() {
    let desk = Desk::new();
    let larger = ["--split", "remote", "--adapter", "none", "--size", "96x64", "--json"];
    let report: Value = serde_json::from_str(&succeeded("in process", &desk.segment(&larger))).unwrap();
    assert_eq!(report["size"], serde_json::json!([96, 64]));

    let there =
        |served: &Served| desk.segment(&[&larger[..2], &["--size", "96x64", "--server", &served.address]].concat());
    let line = refused("at another's server", &there(&Served::start(&desk)), 2);
    assert!(line.contains("1024 pixels"), "{line}");
    let allowed = Served::start_with(&desk, &["--max-pixels", "6144"]);
    succeeded("at a server that allows it", &there(&allowed));
}

/// Over a socket, as a browser gets them; `tests/pages.rs` has the particulars.
#[test]
fn pages_and_the_model_are_served_where_they_are_asked_for() {
    let desk = Desk::new();
    let pages = desk.path("pages");
    std::fs::create_dir(&pages).unwrap();
    std::fs::write(pages.join("index.html"), "<!doctype html>a page").unwrap();
    std::fs::write(desk.path("outside.txt"), "secret").unwrap();
    let served = Served::start_with(&desk, &["--pages", pages.to_str().unwrap()]);
    assert_eq!(served.get("/"), (200, "<!doctype html>a page".to_owned()));
    assert_eq!(served.get("/%2e%2e/outside.txt").0, 404);
    assert_eq!(served.get("/v2/models/mini").0, 200);
    let file = std::fs::read(desk.path("mini.safetensors")).unwrap();
    let model = "/models/mini.safetensors";
    let (status, headers, body) = served.get_with(model, &[]);
    assert!(status == 200 && body == file);
    assert_eq!(headers["content-length"], file.len().to_string().as_str());
    let (status, _, body) = served.get_with(model, &[("range", "bytes=8-99")]);
    assert!(status == 206 && body == file[8..100]);
    let (status, _, body) = served.get_with(model, &[("if-none-match", headers["etag"].to_str().unwrap())]);
    assert_eq!((status, body.len()), (304, 0));

    let bare = Served::start(&desk);
    assert_eq!((bare.get("/").0, bare.get(model).0), (404, 404));
}

/// The two ends hold different models.
#[test]
fn a_server_with_another_model_is_not_used() {
    let desk = Desk::new();
    let served = Served::start(&desk);
    let other = desk.path("other.safetensors");
    let (graph, weights) = crate::mini::nets::Form::RESIDUAL.build();
    crate::mini::write_net(&other, &graph, &weights, Vec::new());
    let remote = ["--split", "remote", "--server", &served.address];
    let line = desk.assert_refused("another model", &desk.segment_files(&desk.path("photo.png"), &other, &remote), 1);
    assert!(line.contains("409"), "{line}");
}

#[test]
fn a_place_that_is_taken_and_arguments_that_mean_nothing() {
    let desk = Desk::new();
    let model = desk.path("mini.safetensors");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |extra: [&str; 2]| run(["serve", "--model", model.to_str().unwrap(), extra[0], extra[1]]);
    let line = refused("a taken port", &serve(["--listen", &address]), 1);
    assert!(line.contains(&address), "{line}");
    for wrong in [desk.path("nowhere"), desk.path("photo.png")] {
        let wrong = wrong.to_str().unwrap();
        let line = refused("pages that are none", &serve(["--pages", wrong]), 2);
        assert!(line.contains(wrong) && line.contains("folder"), "{line}");
    }
    refused("no address", &serve(["--listen", "here"]), 2);
    for (flag, wrong) in [
        ("--queue", "18446744073709551615"),
        ("--queue", "2305843009213693952"),
        ("--queue", "-1"),
        ("--connections", "0"),
        ("--connections", "18446744073709551615"),
        ("--memory", "0"),
        ("--memory", "18446744073709551615"),
        ("--request-memory", "400"),
        ("--client-share", "0"),
        ("--client-share", "101"),
        ("--max-pixels", "0"),
        ("--compute-timeout", "0"),
        ("--body-timeout", "nan"),
        ("--write-timeout", "1e300"),
        ("--shutdown-timeout", "-1"),
    ] {
        refused(&format!("{flag} {wrong}"), &serve([flag, wrong]), 2);
    }
    assert!(refused("no such executor", &serve(["--executor", "abacus"]), 2).contains("cpu"));
}
