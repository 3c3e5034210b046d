//! The client's end against servers that are down, slow, broken or lying. Each is a socket on the loopback
//! that says exactly what the test wants.

mod mini;
mod stranger;

use headwater::codec::Codec;
use headwater::platform::{HttpConfig, HttpTransport};
use headwater::server::{RtenExecutor, ServerConfig, ServerState, serve};
use headwater::tensor::Tensor;
use headwater::wire::client::{InferTimings, RemoteBody};
use headwater::wire::{HEADER_LENGTH, InferResponse, NamedTensor, ServerReport, Upload};
use headwater::{Error, ErrorKind, Result, codec};
use mini::Lcg;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stranger::{hear, http};

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks the server at `port` for `down`, `[1, 2, 2, 2]`.
fn ask(port: u16, timeout: Duration) -> Result<(Vec<Tensor>, InferTimings)> {
    let config = HttpConfig { connect_timeout: timeout, timeout, ..HttpConfig::default() };
    let transport = HttpTransport::new(&format!("http://127.0.0.1:{port}/"), config).unwrap();
    let up = Lcg(1).tensor(&[1, 2, 2, 2]);
    let remote = RemoteBody::new(transport, "mini", "00");
    let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[("up", &up)], &[("down", &[1, 2, 2, 2])]);
    pollster::block_on(remote.infer("U1", [32, 32], given, Codec::F32, wanted, Codec::F32))
}

/// What the client makes of a server that hears one request, says `answer`, and closes the connection.
fn told(answer: &[u8]) -> Result<(Vec<Tensor>, InferTimings)> {
    stranger::told(answer, |port| ask(port, PATIENCE))
}

/// An answer with one tensor.
fn tensors(name: &str, shape: &[usize]) -> Vec<u8> {
    let tensor = Lcg(2).tensor(shape);
    let coded = codec::encode(Codec::F32, &tensor).unwrap();
    let outputs = vec![NamedTensor { name: name.to_owned(), coded, binary: true }];
    let report = ServerReport { server_millis: 1e9, queue_millis: -1.0, executor: "x\u{1b}[2J".to_owned() };
    let encoded = InferResponse { model_name: "mini".to_owned(), report, outputs }.encode().unwrap();
    http("200 OK", &format!("{HEADER_LENGTH}: {}\r\n", encoded.json_bytes), &encoded.body)
}

fn refused(answer: &[u8]) -> (ErrorKind, String) {
    let error: Error = told(answer).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_right_answer_is_read_and_a_boastful_account_is_not_believed() {
    let (made, timings) = told(&tensors("down", &[1, 2, 2, 2])).unwrap();
    assert_eq!(made[0], Lcg(2).tensor(&[1, 2, 2, 2]));
    assert!(timings.network_millis >= 0.0 && timings.server_millis < 60_000.0, "{timings:?}");
    assert_eq!(timings.queue_millis, 0.0);
    assert!(!timings.executor.contains('\u{1b}'), "nothing that a terminal would obey");
}

#[test]
fn nobody_there() {
    assert_eq!(ask(stranger::nobody(), PATIENCE).unwrap_err().kind(), ErrorKind::ServerUnreachable);
    let transport = HttpTransport::new("http://headwater.invalid", HttpConfig::default()).unwrap();
    let described = pollster::block_on(RemoteBody::new(transport, "mini", "").describe());
    assert_eq!(described.unwrap_err().kind(), ErrorKind::ServerUnreachable);
}

#[test]
fn no_answer_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let error = ask(listener.local_addr().unwrap().port(), Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn an_answer_that_trickles_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let trickle = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        hear(&mut stream);
        let answer = tensors("down", &[1, 2, 2, 2]);
        // Slower than the client is patient; it ends when the client closes the connection.
        for byte in answer.chunks(1) {
            if stream.write_all(byte).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    let error = ask(port, Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    trickle.join().unwrap();
}

#[test]
fn a_connection_that_breaks() {
    assert_eq!(refused(b"").0, ErrorKind::ServerUnreachable);
    let whole = tensors("down", &[1, 2, 2, 2]);
    for cut in [whole.len() - 1, whole.len() - 40, 30] {
        let (kind, message) = refused(&whole[..cut]);
        assert!(matches!(kind, ErrorKind::ServerUnreachable | ErrorKind::BadMessage), "{cut}: {kind:?} {message}");
    }
}

#[test]
fn answers_that_are_something_else() {
    let html = http("200 OK", "content-type: text/html\r\n", b"<html>Welcome to the hotel's network</html>");
    let (kind, message) = refused(&html);
    assert_eq!(kind, ErrorKind::BadMessage);
    assert!(message.contains("text/html"), "{message}");
    assert_eq!(refused(b"SSH-2.0-OpenSSH_9.6\r\n").0, ErrorKind::BadMessage);
    assert_eq!(refused(&http("200 OK", "", b"")).0, ErrorKind::BadMessage);
    assert_eq!(refused(&http("200 OK", &format!("{HEADER_LENGTH}: lots\r\n"), b"{}")).0, ErrorKind::BadMessage);
    assert_eq!(refused(&http("200 OK", &format!("{HEADER_LENGTH}: 99\r\n"), b"{}")).0, ErrorKind::BadMessage);
    let (kind, message) = refused(&http("302 Found", "location: http://127.0.0.1:1/\r\n", b""));
    assert_eq!(kind, ErrorKind::BadMessage);
    assert!(message.contains("302"), "{message}");
}

#[test]
fn tensors_that_are_not_the_ones_asked_for() {
    // What Triton answers when its backend is broken: 200, and tensors of nothing.
    let empty = br#"{"model_name":"mini","outputs":[{"name":"down","datatype":"FP32","shape":[1,2,2,2],"parameters":{"binary_data_size":0}}]}"#;
    let empty = http("200 OK", &format!("{HEADER_LENGTH}: {}\r\n", empty.len()), empty);
    assert_eq!(refused(&empty).0, ErrorKind::BadMessage);
    let none = http("200 OK", "", br#"{"model_name":"mini","outputs":[]}"#);
    assert!(refused(&none).1.contains("lacks tensor \"down\""));
    for (name, shape) in [("up", [1, 2, 2, 2]), ("down", [1, 2, 4, 1]), ("down", [1, 2, 2, 1]), ("down", [1, 4, 2, 2])]
    {
        assert_eq!(refused(&tensors(name, &shape)).0, ErrorKind::BadMessage, "{name} {shape:?}");
    }
}

/// An answer with a mask, compressed.
fn mask(codec: Codec, shape: &[usize], content_encoding: &str, spoil: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let tensor = Tensor::zeros(shape.to_vec()).unwrap();
    let outputs =
        vec![NamedTensor { name: "mask".to_owned(), coded: codec::encode(codec, &tensor).unwrap(), binary: true }];
    let encoded =
        InferResponse { model_name: "mini".to_owned(), report: ServerReport::default(), outputs }.encode().unwrap();
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(&encoded.body[..], flate2::Compression::default()).read_to_end(&mut packed).unwrap();
    spoil(&mut packed);
    let headers = format!("{HEADER_LENGTH}: {}\r\ncontent-encoding: {content_encoding}\r\n", encoded.json_bytes);
    http("200 OK", &headers, &packed)
}

/// Asks for a mask of 64x32 in bytes of alpha.
fn ask_for_mask(answer: &[u8]) -> Result<(Vec<Tensor>, InferTimings)> {
    stranger::told(answer, |port| {
        let config = HttpConfig { connect_timeout: PATIENCE, timeout: PATIENCE, ..HttpConfig::default() };
        let transport = HttpTransport::new(&format!("http://127.0.0.1:{port}/"), config).unwrap();
        let upload = Upload { content_type: "image/png".to_owned(), bytes: vec![1; 9].into() };
        let remote = RemoteBody::new(transport, "mini", "00");
        let wanted: &[(&str, &[usize])] = &[("mask", &[1, 1, 32, 64])];
        pollster::block_on(remote.infer_image([64, 32], upload, wanted, Codec::Alpha8))
    })
}

#[test]
fn a_compressed_mask_is_read_and_its_bytes_are_counted_as_they_travelled() {
    let answer = mask(Codec::Alpha8, &[1, 1, 32, 64], "gzip", |_| {});
    let (made, timings) = ask_for_mask(&answer).unwrap();
    assert_eq!(made[0], Tensor::zeros(vec![1, 1, 32, 64]).unwrap());
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(timings.down_bytes, answer.len() - body);
    assert!(timings.down_bytes < 32 * 64);
}

#[test]
fn a_mask_that_is_not_the_one_asked_for() {
    let refused = |answer: &[u8], part: &str| {
        let error = ask_for_mask(answer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadMessage, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let shape = [1, 1, 32, 64];
    // The net's own output, from a server that knows no other: not alpha in a net whose output is a logit.
    refused(&mask(Codec::F32, &shape, "gzip", |_| {}), "expected alpha8, found f32");
    refused(&mask(Codec::Alpha8, &[1, 1, 64, 32], "gzip", |_| {}), "expected shape");
    refused(&mask(Codec::Alpha8, &shape, "br", |_| {}), "expected gzip");
    refused(&mask(Codec::Alpha8, &shape, "gzip", |packed| packed.truncate(packed.len() / 2)), "gzip is broken");
    // A thousandfold more than is there: read no further than could be right.
    let bomb = mask(Codec::Alpha8, &[1, 1, 8192, 8192], "gzip", |_| {});
    assert!(bomb.len() < 200_000);
    refused(&bomb, "could be right");
}

#[test]
fn more_than_could_be_right_is_not_read() {
    let started = Instant::now();
    let (kind, message) = refused(b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n{");
    assert_eq!(kind, ErrorKind::BadMessage);
    assert!(message.contains("1099511627776"), "{message}");
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..64 {
        endless.extend_from_slice(b"10000\r\n");
        endless.resize(endless.len() + 0x10000, b' ');
        endless.extend_from_slice(b"\r\n");
    }
    assert_eq!(refused(&endless).0, ErrorKind::BadMessage);
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn refusals_keep_their_kind_and_their_reason() {
    let says = |status: &str, code: &str| {
        let body = format!(r#"{{"error": "reason\u001b[31m", "code": "{code}"}}"#);
        let (kind, message) = refused(&http(status, "retry-after: 7\r\n", body.as_bytes()));
        assert!(message.contains("reason") && !message.contains('\u{1b}'), "{message}");
        (kind, message)
    };
    let (kind, message) = says("503 Service Unavailable", "server-busy");
    assert_eq!(kind, ErrorKind::ServerBusy);
    assert!(message.contains("7 s"), "{message}");
    for (status, code, kind) in [
        ("400 Bad Request", "unknown-split", ErrorKind::UnknownSplit),
        ("400 Bad Request", "bad-shape", ErrorKind::BadShape),
        ("400 Bad Request", "no such code", ErrorKind::ServerError),
        ("400 Bad Request", "no-adapter", ErrorKind::ServerError),
        ("409 Conflict", "mismatch", ErrorKind::Mismatch),
        ("500 Internal Server Error", "bad-shape", ErrorKind::ServerError),
        ("504 Gateway Timeout", "timeout", ErrorKind::Timeout),
    ] {
        assert_eq!(says(status, code).0, kind, "{status} {code}");
    }
    assert_eq!(refused(&http("502 Bad Gateway", "", b"<html>nginx</html>")).0, ErrorKind::ServerError);
}

#[test]
fn only_web_addresses_are_servers() {
    for wrong in ["", "localhost:8080", "ftp://example.com", "http://", "file:///etc/passwd", "http://a b"] {
        let error = HttpTransport::new(wrong, HttpConfig::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadArgument, "{wrong}");
    }
    for wrong in ["http://127.0.0.1:99999", "http://u:p@host:/v", "https://[::1]:70000/", "http://host:"] {
        let error = HttpTransport::new(wrong, HttpConfig::default()).unwrap_err();
        assert!(error.kind() == ErrorKind::BadArgument && error.message().contains("port"), "{wrong}: {error}");
    }
    for right in ["http://127.0.0.1:65535", "http://u:p@host/v", "https://[::1]/", "https://[::1]:8443"] {
        HttpTransport::new(right, HttpConfig::default()).unwrap();
    }
}

/// Our own server, over a real socket: a refusal arrives although megabytes are still under way.
#[test]
fn a_large_request_that_is_refused_early_hears_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    mini::write_unet(&path);
    let state = ServerState::new(&path, Arc::new(RtenExecutor::new()), ServerConfig::default()).unwrap();
    let (port_to, port) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            port_to.send(listener.local_addr().unwrap().port()).unwrap();
            serve(listener, state, async { drop(stopped.await) }).await.unwrap();
        });
    });
    let address = format!("http://127.0.0.1:{}", port.recv().unwrap());
    let transport = HttpTransport::new(&address, HttpConfig { timeout: PATIENCE, ..HttpConfig::default() }).unwrap();
    let remote = RemoteBody::new(transport, "mini", "00");
    let large = Tensor::zeros(vec![1, 64, 256, 256]).unwrap();
    let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[("up", &large)], &[("down", &[1, 4, 16, 16])]);
    for _ in 0..3 {
        let answer = pollster::block_on(remote.infer("U1", [32, 32], given, Codec::F32, wanted, Codec::F32));
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Mismatch);
    }
    drop(remote);
    drop(stop);
    server.join().unwrap();
}
