//! Clients that take nothing, send nothing, or open more connections than anybody needs.

use super::Served;
use super::net::{pixel, request, wide};
use super::served::read_answer;
use headwater::codec::Codec;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A connection from another address of this machine.
fn from_elsewhere(served: &Served) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(served.address).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

#[test]
fn answers_that_nobody_reads_are_dropped_with_their_connections() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &["--write-timeout", "1"]);
    let request = request(&pixel(), "image/png", &["t0"], Codec::F32, true);
    let mut clients = Vec::new();
    let (peak, ()) = served.peak(|| {
        for _ in 0..8 {
            let mut stream = served.connect();
            stream.write_all(served.head(request.body.len(), Some(request.json_bytes)).as_bytes()).unwrap();
            stream.write_all(&request.body).unwrap();
            clients.push(stream);
        }
        let started = Instant::now();
        while served.metric("headwater_sent_bytes_total") == 0 {
            assert!(started.elapsed() < Duration::from_secs(60), "nobody is answered");
            std::thread::sleep(Duration::from_millis(20));
        }
        // All are answered, and none of the answers stays.
        served.await_metric("headwater_requests_in_progress", 0);
        served.await_metric("headwater_held_bytes", 0);
    });
    eprintln!("unread answers: a peak of {} MB", peak / 1_000_000);
    let mut cut_off = 0;
    for mut stream in clients {
        let mut heard = Vec::new();
        // Reset, or ended early.
        let _ = stream.read_to_end(&mut heard);
        cut_off += usize::from(!heard.starts_with(b"HTTP/1.1 200") || heard.len() < super::net::TENSOR_BYTES);
    }
    assert_eq!(cut_off, 8);
    served.assert_well("unread answers");
}

#[test]
fn bodies_that_never_come_shut_nobody_out() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &["--body-timeout", "4"]);
    let request = request(&pixel(), "image/png", &["mask"], Codec::Alpha8, true);
    let head = served.head(request.body.len(), Some(request.json_bytes));
    let unfinished: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&request.body[..request.body.len() / 2]).unwrap();
            stream
        })
        .collect();
    assert_eq!(served.post(&request).0, 200);
    let mut other = from_elsewhere(&served);
    other.write_all(head.as_bytes()).unwrap();
    other.write_all(&request.body).unwrap();
    assert_eq!(read_answer(other).0, 200);
    for stream in unfinished {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        assert_eq!(read_answer(stream).0, 408);
    }
    served.assert_well("unfinished bodies");
}

#[test]
fn idle_connections_make_room() {
    let (_folder, model) = wide();
    let served = Served::start(&model, "mini", &["--connections", "32"]);
    let mut idle: Vec<TcpStream> = (0..100).map(|_| served.connect()).collect();
    let started = Instant::now();
    assert_eq!(served.get("/v2/health/live").0, 200);
    let mut other = from_elsewhere(&served);
    other.write_all(b"GET /v2/health/live HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").unwrap();
    assert_eq!(read_answer(other).0, 200);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // The oldest were closed, the newest are still there.
    assert_eq!(idle[0].read(&mut [0]).unwrap(), 0);
    let last = idle.last_mut().unwrap();
    last.write_all(b"GET /v2/health/live HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").unwrap();
    assert_eq!(read_answer(last.try_clone().unwrap()).0, 200);
}
