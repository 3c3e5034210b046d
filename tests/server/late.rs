//! Time limits: work that cannot be in time, work that is not, and work that nobody waits for any more.

use super::*;

/// An executor whose runs take a time that they are ready to cut short.
struct Steady {
    time: Duration,
    started: Sender<()>,
}

impl Steady {
    fn new(time: Duration) -> (Arc<Self>, Receiver<()>) {
        let (started, has_started) = channel();
        (Arc::new(Self { time, started }), has_started)
    }
}

impl Executor for Steady {
    fn name(&self) -> &str {
        "steady"
    }

    fn run(&self, body: &Body, _: Vec<Tensor>, cancel: &Cancel) -> Result<Vec<Tensor>> {
        // The test may have seen enough.
        let _ = self.started.send(());
        let started = Instant::now();
        while started.elapsed() < self.time {
            cancel.check()?;
            std::thread::sleep(Duration::from_millis(2));
        }
        body.graph.outputs.iter().map(|&id| Tensor::zeros(body.graph.tensors[id].shape.clone())).collect()
    }
}

fn metric(state: &Arc<ServerState>, name: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = Request::get("/metrics").body(HttpBody::empty()).unwrap();
    let text = runtime.block_on(async {
        app(state.clone()).oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    });
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
}

async fn await_metric(state: &Arc<ServerState>, name: &'static str, value: usize) {
    let started = Instant::now();
    loop {
        let asked = state.clone();
        let found = tokio::task::spawn_blocking(move || metric(&asked, name)).await.unwrap();
        if found == value {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{name} is {found}, not {value}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_cannot_be_in_time_is_refused_at_once() {
    // Two are done in 4 s. A second of delay makes neither of them late, nor time for a third.
    let (steady, _started) = Steady::new(Duration::from_secs(2));
    let config = ServerConfig { compute_timeout: Duration::from_secs(5), ..ServerConfig::default() };
    let (state, sha256) = server(steady, config);
    let ask = || app(state.clone()).oneshot(post(body_request(&sha256)));
    // From here on it is known how long this takes.
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    let started = Instant::now();
    let asked: Vec<_> = (0..12)
        .map(|_| {
            let ask = ask();
            tokio::spawn(async move { (ask.await.unwrap(), started.elapsed()) })
        })
        .collect();
    let (mut done, mut refused) = (0, 0);
    for answer in asked {
        let (answer, took) = answer.await.unwrap();
        match answer.status() {
            StatusCode::OK => done += 1,
            StatusCode::SERVICE_UNAVAILABLE => {
                refused += 1;
                assert!(answer.headers().contains_key("retry-after"));
                assert!(took < Duration::from_secs(3), "it waited {took:?} for a refusal");
                assert_eq!(json(answer).await["code"], "server-busy");
            }
            status => panic!("{status} after {took:?}"),
        }
    }
    assert!(done >= 2 && refused >= 8, "{done} done, {refused} refused");
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_work_frees_its_worker_for_the_next_request() {
    let (steady, started) = Steady::new(Duration::from_secs(3600));
    let config = ServerConfig { compute_timeout: Duration::from_secs(3000), ..ServerConfig::default() };
    let (state, sha256) = server(steady, config);
    let first = tokio::spawn(app(state.clone()).oneshot(post(body_request(&sha256))));
    let second = tokio::spawn(app(state.clone()).oneshot(post(body_request(&sha256))));
    let started = tokio::task::spawn_blocking(move || started.recv().map(|()| started)).await.unwrap().unwrap();
    await_metric(&state, "headwater_requests_in_progress", 2).await;
    // Whichever runs: the other one is next.
    first.abort();
    second.abort();
    await_metric(&state, "headwater_requests_in_progress", 0).await;
    await_metric(&state, "headwater_abandoned_total", 2).await;
    await_metric(&state, "headwater_held_bytes", 0).await;
    let third = tokio::spawn(app(state.clone()).oneshot(post(body_request(&sha256))));
    let waited = tokio::task::spawn_blocking(move || started.recv_timeout(Duration::from_secs(20))).await.unwrap();
    waited.expect("the next request runs");
    third.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_not_in_time_ends_and_is_counted() {
    let (steady, _started) = Steady::new(Duration::from_secs(3600));
    let config = ServerConfig { compute_timeout: Duration::from_millis(100), ..ServerConfig::default() };
    let (state, sha256) = server(steady, config);
    let answer = app(state.clone()).oneshot(post(body_request(&sha256))).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["retry-after"]),
        (StatusCode::GATEWAY_TIMEOUT, &"2".parse().unwrap())
    );
    await_metric(&state, "headwater_late_total", 1).await;
    await_metric(&state, "headwater_requests_in_progress", 0).await;
    await_metric(&state, "headwater_queue_seconds_count", 1).await;
    await_metric(&state, "headwater_server_seconds_count", 1).await;
}
