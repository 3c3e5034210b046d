//! Servers that say exactly what a test wants them to.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Reads one whole request off a connection; gives its head, in lower case.
pub(crate) fn hear(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the client left before it had finished");
        heard.extend_from_slice(&piece[..count]);
        let Some(end) = heard.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&heard[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if heard.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return head;
        }
    }
}

/// What `client` makes of a server, at the port that it is given, that hears one request, says `answer`,
/// and closes the connection.
pub(crate) fn told<T>(answer: &[u8], client: impl FnOnce(u16) -> T) -> T {
    overheard(&[answer], client).0
}

/// The same with an answer for each of several requests, each on a connection of its own; gives their heads too.
pub(crate) fn overheard<T>(answers: &[&[u8]], client: impl FnOnce(u16) -> T) -> (T, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            let answered = answers.iter().map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let head = hear(&mut stream);
                // A client that has read enough may be gone already.
                let _ = stream.write_all(answer);
                head
            });
            answered.collect()
        });
        let result = client(port);
        (result, server.join().unwrap())
    })
}

/// An answer with its length.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A port with no listener on it: one that was just free.
pub(crate) fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
