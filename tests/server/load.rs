//! More work than there is room for, work that takes too long or fails, slow clients, and the end.

use super::*;

/// An executor that says when it starts and waits to be told to go on.
struct Gate {
    started: Sender<()>,
    go: std::sync::Mutex<Receiver<()>>,
}

impl Gate {
    fn new() -> (Arc<Self>, Receiver<()>, Sender<()>) {
        let ((started, has_started), (open, go)) = (channel(), channel());
        (Arc::new(Self { started, go: std::sync::Mutex::new(go) }), has_started, open)
    }
}

impl Executor for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn run(&self, body: &Body, _: Vec<Tensor>, _: &Cancel) -> Result<Vec<Tensor>> {
        // Whoever was told once may have gone.
        let _ = self.started.send(());
        // A closed channel opens the gate for good.
        let _ = self.go.lock().unwrap().recv();
        body.graph.outputs.iter().map(|&id| Tensor::zeros(body.graph.tensors[id].shape.clone())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_queue_the_answer_is_busy_until_there_is_room() {
    let (gate, started, open) = Gate::new();
    let (state, sha256) = server(gate, ServerConfig { queue: 1, ..ServerConfig::default() });
    let ask = || tokio::spawn(app(state.clone()).oneshot(post(body_request(&sha256))));
    let first = ask();
    tokio::task::spawn_blocking(move || started.recv().unwrap()).await.unwrap();
    let second = ask();
    // The second is waiting once both places are taken.
    let in_progress = async || {
        let metrics =
            app(state.clone()).oneshot(Request::get("/metrics").body(HttpBody::empty()).unwrap()).await.unwrap();
        let text = metrics.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8_lossy(&text).contains("headwater_requests_in_progress 2\n")
    };
    while !in_progress().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let third = ask().await.unwrap().unwrap();
    assert_eq!(
        (third.status(), &third.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap())
    );
    assert_eq!(json(third).await["code"], "server-busy");
    drop(open);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(second.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(ask().await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn compute_that_takes_too_long_is_not_waited_for() {
    let (gate, _started, open) = Gate::new();
    let (state, sha256) =
        server(gate, ServerConfig { compute_timeout: Duration::from_millis(50), ..ServerConfig::default() });
    let answer = app(state).oneshot(post(body_request(&sha256))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(json(answer).await["code"], "timeout");
    drop(open);
}

#[tokio::test]
async fn an_executor_that_panics_costs_one_request() {
    struct Bad;
    impl Executor for Bad {
        fn name(&self) -> &str {
            "bad"
        }
        fn run(&self, body: &Body, _: Vec<Tensor>, _: &Cancel) -> Result<Vec<Tensor>> {
            assert!(body.graph.nodes.is_empty(), "as it should be here");
            Ok(vec![])
        }
    }
    let (state, sha256) = server(Arc::new(Bad), ServerConfig { queue: 0, ..ServerConfig::default() });
    for _ in 0..3 {
        let answer = app(state.clone()).oneshot(post(body_request(&sha256))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "its place in the queue is given back");
        assert_eq!(json(answer).await["code"], "server-error");
    }
}

/// Serves on a free port until the sender is dropped.
fn listen(state: Arc<ServerState>) -> (u16, tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let (port_to, port) = channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            port_to.send(listener.local_addr().unwrap().port()).unwrap();
            serve(listener, state, async { drop(stopped.await) }).await.unwrap();
        });
    });
    (port.recv().unwrap(), stop, thread)
}

#[test]
fn slow_header_or_body_is_disconnected() {
    let brief = Duration::from_millis(100);
    // The limit that is not meant is far away, also from a machine with other things to do.
    let far = Duration::from_secs(10);
    for (header_timeout, body_timeout, answer) in [(brief, far, ""), (far, brief, "HTTP/1.1 408")] {
        let config = ServerConfig { header_timeout, body_timeout, ..ServerConfig::default() };
        let (state, sha256) = server(cpu(), config);
        let (port, stop, thread) = listen(state);
        let Encoded { json_bytes, body } = body_request(&sha256);
        let mut said = b"POST /v2/models/mini/infer HTTP/1.1\r\nhost: here\r\n".to_vec();
        if header_timeout == far {
            write!(said, "content-length: {}\r\n{HEADER_LENGTH}: {json_bytes}\r\n\r\n", body.len()).unwrap();
            said.extend_from_slice(&body[..body.len() / 2]);
        }
        let started = Instant::now();
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&said).unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("the server ends the connection");
        let took = started.elapsed();
        assert!(took >= brief / 2, "it did wait");
        assert!(took < far, "{took:?}: the other limit ended it");
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.starts_with(answer), "{heard}");
        drop(stop);
        thread.join().unwrap();
    }
}

#[test]
fn shutting_down_lets_a_request_finish() {
    let (gate, started, open) = Gate::new();
    let (state, sha256) = server(gate, ServerConfig::default());
    let (port, stop, thread) = listen(state);
    let asking = std::thread::spawn(move || {
        let Encoded { json_bytes, body } = body_request(&sha256);
        let address = format!("http://127.0.0.1:{port}/v2/models/mini/infer");
        ureq::post(&address).header(HEADER_LENGTH, json_bytes.to_string()).send(&body).unwrap().status()
    });
    started.recv().unwrap();
    drop(stop);
    // The listener goes at once, the request stays.
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < deadline, "the server still accepts");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!asking.is_finished() && !thread.is_finished());
    drop(open);
    assert_eq!(asking.join().unwrap(), 200);
    thread.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_message_brings_the_server_down(
        changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0usize..3), 1..4),
        in_json in any::<bool>(),
        shift in prop_oneof![3 => Just(0isize), 1 => -5isize..5],
        stated in prop_oneof![9 => Just(true), 1 => Just(false)],
    ) {
        // One server for all cases: what an earlier message broke, a later one finds.
        static SERVER: std::sync::OnceLock<(Arc<ServerState>, String)> = std::sync::OnceLock::new();
        let (state, sha256) = SERVER.get_or_init(|| server(cpu(), ServerConfig::default()));
        let Encoded { json_bytes, mut body } = body_request(sha256);
        for (at, value, kind) in changes {
            let at = at % if in_json { json_bytes.min(body.len()) } else { body.len() };
            match kind {
                0 => body[at] = value,
                1 => drop(body.remove(at)),
                _ => body.insert(at, b'0' + value % 10),
            }
        }
        let mut request = Request::post("/v2/models/mini/infer");
        if stated {
            request = request.header(HEADER_LENGTH, json_bytes.saturating_add_signed(shift));
        }
        let request = request.body(HttpBody::from(body)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (status, length, bytes) = runtime.block_on(async {
            let answer = app(state.clone()).oneshot(request).await.unwrap();
            let length = answer.headers().get(HEADER_LENGTH).map(|length| length.to_str().unwrap().parse().unwrap());
            (answer.status(), length, answer.into_body().collect().await.unwrap().to_bytes())
        });
        if status == StatusCode::OK {
            prop_assert!(InferResponse::decode(length, &bytes, &Limits::default()).is_ok());
        } else {
            prop_assert!(status.is_client_error(), "{status}");
            let error: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert!(error["error"].is_string() && error["code"].is_string());
        }
    }
}
