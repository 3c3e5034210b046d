//! The HTTP surface, without sockets where none are needed.

mod mini;

use axum::body::Body as HttpBody;
use axum::http::{Request, Response, StatusCode};
use headwater::codec::{self, Codec};
use headwater::image::Mask;
use headwater::model::Postprocess;
use headwater::server::{Body, Executor, InProcess, RtenExecutor, ServerConfig, ServerState, app, serve};
use headwater::tensor::Tensor;
use headwater::wire::client::RemoteBody;
use headwater::wire::{
    Encoded, HEADER_LENGTH, InferRequest, InferResponse, Input, Limits, NamedTensor, RequestParameters, Upload,
    WantedOutput,
};
use headwater::{ErrorKind, Result};
use http_body_util::BodyExt;
use mini::Lcg;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tower::ServiceExt;

/// A server of the mini U-net; the model's hash.
fn server(executor: Arc<dyn Executor>, config: ServerConfig) -> (Arc<ServerState>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let manifest = mini::write_unet(&path);
    // The folder goes away here: the state keeps the file open.
    (ServerState::new(&path, executor, config).unwrap(), manifest.sha256)
}

fn cpu() -> Arc<dyn Executor> {
    Arc::new(RtenExecutor::new())
}

fn remote(state: Arc<ServerState>, sha256: String) -> RemoteBody<InProcess> {
    RemoteBody::new(InProcess::new(state).unwrap(), "mini", sha256)
}

/// A request for `down`, given `up`.
fn body_request(sha256: &str) -> Encoded {
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let coded = codec::encode(Codec::F32, &up).unwrap();
    let request = InferRequest {
        parameters: RequestParameters {
            split: Some("U1".to_owned()),
            model_sha256: Some(sha256.to_owned()),
            size: Some([32, 32]),
        },
        input: Input::Tensors(vec![NamedTensor { name: "up".to_owned(), coded, binary: true }]),
        outputs: vec![WantedOutput { name: "down".to_owned(), codec: Codec::F32, binary: true }],
    };
    request.encode().unwrap()
}

fn post(encoded: Encoded) -> Request<HttpBody> {
    Request::post("/v2/models/mini/infer")
        .header(HEADER_LENGTH, encoded.json_bytes)
        .body(HttpBody::from(encoded.body))
        .unwrap()
}

async fn json(response: Response<HttpBody>) -> serde_json::Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_body_far_away_gives_what_it_gives_here() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    state.warm_up().unwrap();
    let remote = remote(state, sha256);
    let picture = Lcg(3).tensor(&[1, 3, 32, 32]);
    let infer = |inputs: &[(&str, &Tensor)], codec, outputs: &[(&str, &[usize])], back| {
        pollster::block_on(remote.infer("test", [32, 32], inputs, codec, outputs, back)).unwrap()
    };
    let (whole, _) = infer(&[("picture", &picture)], Codec::F32, &[("mask", &[1, 1, 32, 32])], Codec::F32);
    let head_outputs: &[(&str, &[usize])] = &[("up", &[1, 4, 16, 16]), ("skip", &[1, 4, 32, 32])];
    let (head, _) = infer(&[("picture", &picture)], Codec::F32, head_outputs, Codec::F32);
    let down_shape: &[usize] = &[1, 4, 16, 16];
    for (codec, allowed) in [(Codec::F32, 0.0), (Codec::F16, 0.002), (Codec::Int8, 0.03)] {
        let (down, timings) = infer(&[("up", &head[0])], codec, &[("down", down_shape)], codec);
        let given: &[(&str, &Tensor)] = &[("skip", &head[1]), ("down", &down[0])];
        let (mask, _) = infer(given, Codec::F32, &[("mask", &[1, 1, 32, 32])], Codec::F32);
        let differences = mask[0].data().iter().zip(whole[0].data()).map(|(a, b)| (a - b).abs());
        let worst = differences.fold(0.0, f32::max);
        assert!(worst <= allowed, "{codec}: the mask is {worst} off");
        assert!(codec == Codec::F32 || worst > 0.0, "{codec} cannot be this exact");
        let values = codec.byte_count(down_shape).unwrap();
        assert!((values..values + 600).contains(&timings.up_bytes), "{codec}: {} bytes up", timings.up_bytes);
        assert!((values..values + 600).contains(&timings.down_bytes), "{codec}: {} bytes down", timings.down_bytes);
        assert_eq!(timings.executor, "cpu");
        assert!(timings.server_millis > 0.0 && timings.network_millis >= 0.0, "{timings:?}");
    }
}

#[test]
fn a_posted_picture_is_decoded_resized_and_run() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let remote = remote(state, sha256);
    let picture = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * 8) as u8, (y * 8) as u8, 200]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let upload =
        |content_type: &str| Upload { content_type: content_type.to_owned(), bytes: png.get_ref().as_slice().into() };
    let wanted: &[(&str, &[usize])] = &[("mask", &[1, 1, 32, 32])];
    let run = |upload| pollster::block_on(remote.infer_image([32, 32], upload, wanted, Codec::F32));
    let (mask, _) = run(upload("image/png")).unwrap();

    let plane = |channel: usize| picture.pixels().map(move |pixel| (f32::from(pixel.0[channel]) - 128.0) / 256.0);
    let input = Tensor::new(vec![1, 3, 32, 32], (0..3).flat_map(plane).collect()).unwrap();
    let given: &[(&str, &Tensor)] = &[("picture", &input)];
    let whole = remote.infer("remote", [32, 32], given, Codec::F32, wanted, Codec::F32);
    assert_eq!(mask, pollster::block_on(whole).unwrap().0);

    for wrong in [upload("image/jpeg"), upload("text/html"), Upload { bytes: vec![].into(), ..upload("image/png") }] {
        assert_eq!(run(wrong).unwrap_err().kind(), ErrorKind::BadImage);
    }
    let small: &[(&str, &[usize])] = &[("mask", &[1, 1, 16, 24])];
    let (mask, _) = pollster::block_on(remote.infer_image([24, 16], upload("image/png"), small, Codec::F16)).unwrap();
    assert_eq!(mask[0].shape(), [1, 1, 16, 24]);
}

/// A picture of the mini net's size, as a PNG.
fn small_png() -> Vec<u8> {
    let picture = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([(x * 8) as u8, (y * 8) as u8, (x ^ y) as u8]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

#[test]
fn a_mask_in_bytes_is_the_mask_to_half_a_level() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let wanted: &[(&str, &[usize])] = &[("mask", &[1, 1, 32, 32])];
    let png = small_png();
    for postprocess in [Postprocess::Alpha, Postprocess::Logit] {
        let (graph, weights) = mini::unet();
        let manifest = mini::write_net_as(&path, &graph, &weights, Vec::new(), postprocess);
        let state = ServerState::new(&path, cpu(), ServerConfig::default()).unwrap();
        let remote = remote(state, manifest.sha256);
        let run = |codec| {
            let upload = Upload { content_type: "image/png".to_owned(), bytes: png.as_slice().into() };
            let (mask, timings) = pollster::block_on(remote.infer_image([32, 32], upload, wanted, codec)).unwrap();
            (mask.into_iter().next().unwrap(), timings)
        };
        let (exact, large) = run(Codec::F32);
        let exact = Mask::from_output(&exact, postprocess).unwrap();
        let (bytes, small) = run(Codec::Alpha8);
        let mut levels = std::collections::BTreeSet::new();
        for (&exact, &level) in exact.alpha().iter().zip(bytes.data()) {
            assert!((exact - level).abs() <= 0.5 / 255.0 + f32::EPSILON, "{postprocess:?}: {exact} became {level}");
            levels.insert((level * 255.0).round() as u8);
        }
        assert!(levels.len() > 4, "a mask of {levels:?} proves nothing");
        assert!(small.down_bytes * 2 < large.down_bytes, "{} and {} bytes", small.down_bytes, large.down_bytes);
    }
}

#[tokio::test]
async fn masks_are_compressed_for_whom_understands_it() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let ask = async |codec, accepted: Option<&str>| {
        let upload = Upload { content_type: "image/png".to_owned(), bytes: small_png().into() };
        let request = InferRequest {
            parameters: RequestParameters { model_sha256: Some(sha256.clone()), ..RequestParameters::default() },
            input: Input::Picture(upload),
            outputs: vec![WantedOutput { name: "mask".to_owned(), codec, binary: true }],
        };
        let mut request = post(request.encode().unwrap());
        if let Some(accepted) = accepted {
            request.headers_mut().insert("accept-encoding", accepted.parse().unwrap());
        }
        let answer = app(state.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let (parts, body) = answer.into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes())
    };
    let (headers, packed) = ask(Codec::Alpha8, Some("gzip, deflate, br")).await;
    assert_eq!(
        (&headers["content-encoding"], &headers["content-length"]),
        (&"gzip".parse().unwrap(), &packed.len().to_string().parse().unwrap())
    );
    assert!(headers.get_all("vary").iter().any(|value| value == "accept-encoding"), "{headers:?}");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    let json = headers[HEADER_LENGTH].to_str().unwrap().parse().unwrap();
    let answer = InferResponse::decode(Some(json), &unpacked, &Limits::default()).unwrap();
    assert_eq!(answer.outputs[0].coded.codec, Codec::Alpha8);
    assert_eq!(answer.outputs[0].coded.bytes.len(), 32 * 32);

    for (codec, accepted) in
        [(Codec::Alpha8, None), (Codec::Alpha8, Some("gzip;q=0, br")), (Codec::F16, Some("gzip")), (Codec::F32, None)]
    {
        let (headers, body) = ask(codec, accepted).await;
        assert!(!headers.contains_key("content-encoding"), "{codec} {accepted:?}");
        let answer = InferResponse::decode(Some(json_length(&headers)), &body, &Limits::default()).unwrap();
        assert_eq!(answer.outputs[0].coded.codec, codec);
    }
}

fn json_length(headers: &axum::http::HeaderMap) -> usize {
    headers[HEADER_LENGTH].to_str().unwrap().parse().unwrap()
}

#[test]
fn bytes_of_alpha_are_for_the_mask_alone() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let remote = remote(state, sha256);
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[("up", &up)], &[("down", &[1, 4, 16, 16])]);
    let answer = remote.infer("U1", [32, 32], given, Codec::F32, wanted, Codec::Alpha8);
    let error = pollster::block_on(answer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadArgument, "{error}");
    assert!(error.to_string().contains("down"), "{error}");
}

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
        fn run(&self, body: &Body, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
            self.cpu.run(body, inputs)
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
        fn run(&self, _: &Body, _: Vec<Tensor>) -> Result<Vec<Tensor>> {
            Ok(Vec::new())
        }
    }
    let (state, _) = server(Arc::new(Cold), ServerConfig::default());
    assert!(state.warm_up().unwrap_err().to_string().contains("U1"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let request = Request::get("/v2/health/ready").body(HttpBody::empty()).unwrap();
    assert_eq!(runtime.block_on(app(state).oneshot(request)).unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// Bodies are run from the middle of one loaded net, at its own size and at others. At odd sizes a pool ends
/// in the middle of a window and is written differently: those need the net a second time.
#[test]
fn a_body_runs_at_any_size() {
    let mut net = mini::Builder::new("picture", &[1, 3, 32, 32]);
    net.conv_relu("wide", "picture", 4).op("half", mini::halve(), &["wide"], &[]).conv_relu("deep", "half", 4);
    net.op("mask", mini::conv3(), &["deep"], &[&[1, 4, 3, 3], &[1]]);
    let (graph, weights) = net.finish(&["mask"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mini.safetensors");
    let manifest = mini::write_net(&path, &graph, &weights, Vec::new());
    let config = ServerConfig { max_pixels: Some(64 * 64), ..ServerConfig::default() };
    let remote = remote(ServerState::new(&path, cpu(), config).unwrap(), manifest.sha256);
    for size in [[32, 32], [64, 48], [31, 32], [29, 31], [32, 32]] {
        let sized = graph.with_input_size(size[1], size[0]).unwrap();
        let id = |name: &str| sized.tensor(name).unwrap();
        let shape = |name: &str| sized.tensors[id(name)].shape.clone();
        let wide = Lcg(size[0] as u64).tensor(&shape("wide"));
        let (deep, half) = (shape("deep"), shape("half"));
        let wanted: &[(&str, &[usize])] = &[("deep", &deep), ("half", &half)];
        let given: &[(&str, &Tensor)] = &[("wide", &wide)];
        let answer = remote.infer("test", size, given, Codec::F32, wanted, Codec::F32);
        let (found, _) = pollster::block_on(answer).unwrap();
        let body = sized.extract(&[id("wide")], &[id("deep"), id("half")]).unwrap();
        let expected = headwater::reference::run(&body, &weights, &[wide]).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            let apart = found.data().iter().zip(expected.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-5, "{size:?}: {apart} off");
        }
    }
}

#[test]
fn requests_that_do_not_fit_the_model_are_refused_with_their_reason() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let ours = remote(state.clone(), sha256);
    let up = Lcg(7).tensor(&[1, 4, 16, 16]);
    let ask = |split: &str, size: [usize; 2], input: &str, output: &str| {
        let (given, wanted): (&[_], &[(&str, &[usize])]) = (&[(input, &up)], &[(output, &[1, 4, 16, 16])]);
        let answer = pollster::block_on(ours.infer(split, size, given, Codec::F32, wanted, Codec::F32));
        answer.map_or_else(|error| error.kind().code(), |_| "fine")
    };
    assert_eq!(ask("mine", [32, 32], "up", "down"), "fine");
    assert_eq!(ask("U1", [32, 32], "up", "down"), "fine");
    assert_eq!(ask("U2", [32, 32], "up", "down"), "mismatch", "U2 has other tensors");
    assert_eq!(ask("mine", [32, 32], "upp", "down"), "unknown-split", "no such tensor");
    assert_eq!(ask("mine", [32, 32], "up", "mask"), "unknown-split", "the mask also needs the skip");
    assert_eq!(ask("mine", [32, 32], "up", "up"), "unknown-split", "nothing lies between");
    assert_eq!(ask("mine", [32, 32], "skip", "down"), "bad-shape", "skip is larger");
    assert_eq!(ask("mine", [16, 16], "up", "down"), "bad-shape", "up is smaller at that size");
    assert_eq!(ask("mine", [1024, 1024], "up", "down"), "bad-argument", "too many pixels");
    let stranger = remote(state, "00".repeat(32));
    let given: &[(&str, &Tensor)] = &[("up", &up)];
    let answer = stranger.infer("U1", [32, 32], given, Codec::F32, &[("down", &[1, 4, 16, 16])], Codec::F32);
    assert_eq!(pollster::block_on(answer).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(pollster::block_on(stranger.describe()).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(pollster::block_on(ours.describe()).unwrap().parameters["splits"], "U1,U2");
}

#[tokio::test]
async fn a_plain_client_may_speak_json_alone() {
    let (state, _) = server(cpu(), ServerConfig::default());
    let data = vec![0.5; 4 * 8 * 8];
    let request = serde_json::json!({
        "parameters": { "size": "16x16" },
        "inputs": [{ "name": "up", "datatype": "FP32", "shape": [1, 4, 8, 8], "data": data }],
        "outputs": [{ "name": "down" }],
    });
    let request = Request::post("/v2/models/mini/versions/1/infer").body(HttpBody::from(request.to_string())).unwrap();
    let answer = app(state).oneshot(request).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let answer = json(answer).await;
    assert_eq!(answer["outputs"][0]["shape"], serde_json::json!([1, 4, 8, 8]));
    assert_eq!(answer["outputs"][0]["data"].as_array().unwrap().len(), 4 * 8 * 8);
}

#[tokio::test]
async fn the_small_routes_answer() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    state.warm_up().unwrap();
    let get = async |path: &str| {
        app(state.clone()).oneshot(Request::get(path).body(HttpBody::empty()).unwrap()).await.unwrap()
    };
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/mini/ready", "/v2/models/mini/versions/1/ready"] {
        assert_eq!(get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(json(get("/v2").await).await["extensions"][0], "binary_tensor_data");
    let model = json(get("/v2/models/mini").await).await;
    assert_eq!(
        model["inputs"][0],
        serde_json::json!({ "name": "picture", "datatype": "FP32", "shape": [1, 3, 32, 32] })
    );
    assert_eq!(model["parameters"]["model_sha256"], sha256.as_str());
    for path in ["/v2/models/maxi", "/v2/models/mini/versions/2", "/v2/models/maxi/ready", "/index.html"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(json(answer).await["error"].is_string(), "{path}");
    }
    assert_eq!(get("/v2/models/mini/infer").await.status(), StatusCode::METHOD_NOT_ALLOWED);

    assert_eq!(app(state.clone()).oneshot(post(body_request(&sha256))).await.unwrap().status(), StatusCode::OK);
    assert_eq!(app(state.clone()).oneshot(post(body_request("no"))).await.unwrap().status(), StatusCode::CONFLICT);
    let metrics = get("/metrics").await.into_body().collect().await.unwrap().to_bytes();
    let metrics = std::str::from_utf8(&metrics).unwrap();
    for line in [
        "headwater_inferences_total{status=\"2xx\"} 1",
        "headwater_inferences_total{status=\"4xx\"} 1",
        "headwater_server_seconds_count 1",
        "headwater_requests_in_progress 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn browsers_of_any_origin_may_ask() {
    let (state, sha256) = server(cpu(), ServerConfig::default());
    let preflight = Request::options("/v2/models/mini/infer")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,inference-header-content-length")
        .body(HttpBody::empty())
        .unwrap();
    let answer = app(state.clone()).oneshot(preflight).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    for header in ["inference-header-content-length", "content-type", "range", "if-range", "if-none-match"] {
        assert!(allowed.split(',').any(|allowed| allowed.trim() == header), "{header} is not in {allowed}");
    }
    let mut request = post(body_request(&sha256));
    request.headers_mut().insert("origin", "https://app.example.com".parse().unwrap());
    let answer = app(state).oneshot(request).await.unwrap();
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    for header in
        ["inference-header-content-length", "retry-after", "accept-ranges", "content-length", "content-range", "etag"]
    {
        assert!(exposed.split(',').any(|exposed| exposed.trim() == header), "{header} is not in {exposed}");
    }
}

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

    fn run(&self, body: &Body, _: Vec<Tensor>) -> Result<Vec<Tensor>> {
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
        fn run(&self, body: &Body, _: Vec<Tensor>) -> Result<Vec<Tensor>> {
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
fn a_client_that_dawdles_is_shown_out() {
    let brief = Duration::from_millis(100);
    let config = ServerConfig { header_timeout: brief, body_timeout: brief, ..ServerConfig::default() };
    let (state, sha256) = server(cpu(), config);
    let (port, stop, thread) = listen(state);
    let Encoded { json_bytes, body } = body_request(&sha256);
    let head = "POST /v2/models/mini/infer HTTP/1.1\r\nhost: here\r\n";
    let full = format!("{head}content-length: {}\r\n{HEADER_LENGTH}: {json_bytes}\r\n\r\n", body.len());
    let half = [full.as_bytes(), &body[..body.len() / 2]].concat();
    for (said, answer) in [(head.as_bytes(), ""), (&half[..], "HTTP/1.1 408")] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(said).unwrap();
        let mut heard = Vec::new();
        let started = Instant::now();
        stream.read_to_end(&mut heard).expect("the server ends the connection");
        assert!(started.elapsed() >= brief / 2, "it did wait");
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.starts_with(answer), "{heard}");
    }
    drop(stop);
    thread.join().unwrap();
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
