//! Warming up, and what a balancer is told meanwhile.

use super::*;

/// A client that asks while the server is still warming up is served, and a balancer is told to wait.
#[tokio::test(flavor = "multi_thread")]
async fn ready_means_that_the_bodies_are_warm() {
    struct Slow {
        asked: Sender<()>,
        go: std::sync::Mutex<Receiver<()>>,
        cpu: RtenExecutor,
    }
    impl Executor for Slow {
        fn name(&self) -> &str {
            "slow"
        }
        fn prepare(&self, body: &Body) -> Result<()> {
            // Whoever was told once may have gone.
            let _ = self.asked.send(());
            // A closed channel opens the gate for good.
            let _ = self.go.lock().unwrap().recv();
            self.cpu.prepare(body)
        }
        fn run(&self, body: &Body, inputs: Vec<Tensor>, cancel: &Cancel) -> Result<Vec<Tensor>> {
            self.cpu.run(body, inputs, cancel)
        }
    }
    let ((asked, is_asked), (open, go)) = (channel(), channel());
    let slow = Slow { asked, go: std::sync::Mutex::new(go), cpu: RtenExecutor::new() };
    let (state, sha256) = server(Arc::new(slow), ServerConfig::default());
    let ready = async || {
        let mut said = Vec::new();
        for path in ["/v2/health/ready", "/v2/models/mini/ready"] {
            let request = Request::get(path).body(HttpBody::empty()).unwrap();
            let answer = app(state.clone()).oneshot(request).await.unwrap();
            said.push((answer.status().as_u16(), json(answer).await["ready"].as_bool()));
        }
        said
    };
    assert_eq!(ready().await, [(503, Some(false)); 2], "nobody has begun to warm it up");
    let warming = state.clone();
    let warmer = std::thread::spawn(move || warming.warm_up());
    tokio::task::spawn_blocking(move || is_asked.recv().unwrap()).await.unwrap();
    assert_eq!(ready().await, [(503, Some(false)); 2], "the first body is being made");
    assert_eq!(app(state.clone()).oneshot(post(body_request(&sha256))).await.unwrap().status(), StatusCode::OK);
    drop(open);
    warmer.join().unwrap().unwrap();
    assert_eq!(ready().await, [(200, Some(true)); 2]);
}

#[test]
fn a_server_that_cannot_get_warm_never_says_that_it_is_ready() {
    struct Cold;
    impl Executor for Cold {
        fn name(&self) -> &str {
            "cold"
        }
        fn prepare(&self, _: &Body) -> Result<()> {
            Err(headwater::Error::new(ErrorKind::UnsupportedOperator, "no such operator"))
        }
        fn run(&self, _: &Body, _: Vec<Tensor>, _: &Cancel) -> Result<Vec<Tensor>> {
            Ok(Vec::new())
        }
    }
    let (state, _) = server(Arc::new(Cold), ServerConfig::default());
    assert!(state.warm_up().unwrap_err().to_string().contains("U1"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = Request::get("/v2/health/ready").body(HttpBody::empty()).unwrap();
    assert_eq!(runtime.block_on(app(state).oneshot(request)).unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}
