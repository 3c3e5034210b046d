//! Servers that are down, slow, or talk nonsense: status 1, one line, nothing written, no waiting.

use crate::stranger::{http, nobody, told};
use crate::{Desk, assert_soon};
use std::net::TcpListener;
use std::time::Instant;

/// A run of the whole net on the server at `port`, which must fail with status 1.
fn assert_fails(desk: &Desk, what: &str, port: u16, timeout: &str) -> String {
    let started = Instant::now();
    let server = format!("http://127.0.0.1:{port}");
    let output = desk.segment(&["--split", "remote", "--server", &server, "--timeout", timeout]);
    assert_soon(what, started);
    desk.assert_refused(what, &output, 1)
}

#[test]
fn a_server_that_is_down() {
    let desk = Desk::new();
    let line = assert_fails(&desk, "nobody listens", nobody(), "20");
    assert!(line.contains("cannot be reached"), "{line}");
}

#[test]
fn a_server_that_never_answers() {
    let desk = Desk::new();
    // The kernel accepts for it; nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = assert_fails(&desk, "silence", silent.local_addr().unwrap().port(), "1");
    assert!(line.contains("within 1s"), "{line}");
}

#[test]
fn a_server_that_answers_nonsense() {
    let desk = Desk::new();
    let tensors_of_nothing = br#"{"model_name":"mini","outputs":[{"name":"mask","datatype":"FP32","shape":[1,1,32,32],"parameters":{"binary_data_size":0}}]}"#;
    for (what, answer) in [
        ("a web page", http("200 OK", "content-type: text/html\r\n", b"<html>Welcome</html>")),
        ("nothing, with status 200", http("200 OK", "", b"")),
        ("JSON of something else", http("200 OK", "content-type: application/json\r\n", b"[1, 2, 3]")),
        ("JSON of 100,000 levels", http("200 OK", "", "[".repeat(100_000).as_bytes())),
        ("tensors of nothing", http("200 OK", "", tensors_of_nothing)),
        ("a terabyte", b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n".to_vec()),
        ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("an error page", http("502 Bad Gateway", "content-type: text/html\r\n", b"<html>nginx</html>")),
        (
            "an error that paints the terminal",
            http("500 No", "", br#"{"error": "\u001b[2J\u0007\n\nheadwater: all is well"}"#),
        ),
        ("nothing at all", Vec::new()),
    ] {
        told(&answer, |port| assert_fails(&desk, what, port, "20"));
    }
}

/// Half of the tensors' bytes: a connection that breaks must not leave half a mask.
#[test]
fn a_server_that_breaks_off() {
    let desk = Desk::new();
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 2000, b' ');
    told(&answer, |port| assert_fails(&desk, "half an answer", port, "20"));
}
