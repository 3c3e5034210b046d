//! The server: any body of one model, behind the Open Inference Protocol.
//!
//! The tensors of a request name the body that it wants; executors keep bodies ready. Everything that a
//! stranger can ask for has a limit: header, body and compute have times, sizes follow from the model's
//! shapes, and only so many requests wait.

mod answer;
mod body;
mod compress;
pub mod executor;
mod in_process;
mod infer;
mod listen;
mod metrics;
mod model_file;
mod pages;
mod picture;
mod resolve;
mod weights;

pub use executor::{Body, BodyKey, Executor, RtenExecutor};
pub use in_process::InProcess;
pub use listen::serve;
pub use model_file::ModelFile;

use crate::error::Result;
use crate::model::Manifest;
use crate::wire::{HEADER_LENGTH, Limits, size_text};
use answer::Failure;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics::Metrics;
use pages::Pages;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::trace::TraceLayer;

/// What a server allows.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// What messages may hold.
    pub limits: Limits,
    /// A message that is JSON from end to end.
    pub json_body_bytes: usize,
    /// The largest picture that a net is run at, in pixels; `None` for the model's own size.
    pub max_pixels: Option<usize>,
    /// Inferences at a time.
    pub concurrency: usize,
    /// Requests that may wait for an inference; beyond them the answer is 503.
    pub queue: usize,
    /// Requests whose bodies may be in memory at a time; beyond them the answer is 503.
    pub requests: usize,
    /// Connections at a time; beyond them nothing is accepted.
    pub connections: usize,
    /// For a request's header, and between requests.
    pub header_timeout: Duration,
    /// For a request's body.
    pub body_timeout: Duration,
    /// For waiting, preparing and computing together.
    pub compute_timeout: Duration,
    /// For requests under way when the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Said in `Retry-After`.
    pub retry_after_seconds: u32,
    /// A folder whose files are served at `/`, and with them the model file at `/models/{name}.safetensors`.
    pub pages: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            json_body_bytes: 64 << 20,
            max_pixels: None,
            concurrency: 1,
            queue: 16,
            requests: 64,
            connections: 1024,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            compute_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(30),
            retry_after_seconds: 2,
            pages: None,
        }
    }
}

/// One model and what serves it; shared by all requests.
pub struct ServerState {
    model: Arc<ModelFile>,
    executor: Arc<dyn Executor>,
    config: ServerConfig,
    metrics: Metrics,
    pages: Option<Pages>,
    /// Whether the named splits' bodies are warm.
    ready: AtomicBool,
    /// A place for a request's body in memory.
    requests: Arc<Semaphore>,
    /// A place in the queue or at work.
    places: Arc<Semaphore>,
    /// A place at work.
    workers: Arc<Semaphore>,
}

impl ServerState {
    /// # Errors
    /// Those of [`ModelFile::open`]; `BadArgument` when [`ServerConfig::pages`] is no folder.
    pub fn new(model: &std::path::Path, executor: Arc<dyn Executor>, config: ServerConfig) -> Result<Arc<Self>> {
        let concurrency = config.concurrency.max(1);
        let pages = config.pages.as_deref().map(Pages::open).transpose()?;
        Ok(Arc::new(Self {
            model: Arc::new(ModelFile::open(model)?),
            executor,
            metrics: Metrics::default(),
            pages,
            ready: AtomicBool::new(false),
            requests: Arc::new(Semaphore::new(config.requests.max(1))),
            places: Arc::new(Semaphore::new(concurrency + config.queue)),
            workers: Arc::new(Semaphore::new(concurrency)),
            config,
        }))
    }

    /// The model served.
    pub fn manifest(&self) -> &Manifest {
        self.model.manifest()
    }

    /// Makes the bodies of the model's named splits ready, at the model's own size, so that the first
    /// requests need not wait; from then on the server says that it is ready. It serves all along. Blocks.
    ///
    /// # Errors
    /// Those of the executor, naming the split.
    pub fn warm_up(&self) -> Result<()> {
        for split in &self.manifest().splits {
            let body = resolve::named(&self.model, split)?;
            self.executor.prepare(&body).map_err(|e| e.context(format!("split {:?}", split.name)))?;
        }
        self.ready.store(true, Ordering::Release);
        Ok(())
    }
}

/// The HTTP surface.
pub fn app(state: Arc<ServerState>) -> Router {
    let length = HeaderName::from_static("inference-header-content-length");
    debug_assert!(length.as_str().eq_ignore_ascii_case(HEADER_LENGTH));
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([header::CONTENT_TYPE, length.clone(), header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH])
        .expose_headers([
            length,
            header::RETRY_AFTER,
            header::ACCEPT_RANGES,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
        ])
        .max_age(Duration::from_secs(24 * 60 * 60));
    let mut router = Router::new()
        .route("/v2", get(describe_server))
        .route("/v2/health/live", get(|| async { Json(json!({ "live": true })) }))
        .route("/v2/health/ready", get(server_ready))
        .route("/v2/models/{model}", get(describe_model))
        .route("/v2/models/{model}/versions/{version}", get(describe_model))
        .route("/v2/models/{model}/ready", get(model_ready))
        .route("/v2/models/{model}/versions/{version}/ready", get(model_ready))
        .route("/v2/models/{model}/infer", post(infer::infer))
        .route("/v2/models/{model}/versions/{version}/infer", post(infer::infer))
        .route("/metrics", get(show_metrics))
        .fallback(page);
    if state.pages.is_some() {
        router = router.route(&weights::path(&state.model), get(weights::weights));
    }
    router.layer(TraceLayer::new_for_http()).layer(cors).with_state(state)
}

type Place = Path<Vec<(String, String)>>;

async fn describe_server() -> Json<Value> {
    Json(json!({
        "name": "headwater",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    }))
}

async fn describe_model(State(state): State<Arc<ServerState>>, place: Place) -> Result<Response, Failure> {
    check_place(&state, &place)?;
    let Manifest { graph, splits, preprocess, sha256, name, .. } = state.manifest();
    let tensors = |ids: &[usize]| {
        let tensors = ids.iter().map(|&id| &graph.tensors[id]);
        let described = |tensor: &crate::graph::TensorSpec| json!({ "name": tensor.name, "datatype": "FP32", "shape": tensor.shape });
        tensors.map(described).collect::<Vec<_>>()
    };
    let splits: Vec<&str> = splits.iter().map(|split| split.name.as_str()).collect();
    Ok(Json(json!({
        "name": name,
        "versions": ["1"],
        "platform": "headwater",
        "inputs": tensors(&graph.inputs),
        "outputs": tensors(&graph.outputs),
        "parameters": {
            "model_sha256": sha256,
            "executor": state.executor.name(),
            "size": size_text(preprocess.size),
            "splits": splits.join(","),
        },
    }))
    .into_response())
}

async fn server_ready(State(state): State<Arc<ServerState>>) -> Response {
    let (status, ready) = readiness(&state);
    (status, Json(json!({ "ready": ready }))).into_response()
}

async fn model_ready(State(state): State<Arc<ServerState>>, place: Place) -> Result<Response, Failure> {
    check_place(&state, &place)?;
    let (status, ready) = readiness(&state);
    Ok((status, Json(json!({ "name": state.manifest().name, "ready": ready }))).into_response())
}

/// Until the bodies are warm a balancer should prefer other servers; whoever asks is served all the same.
fn readiness(state: &ServerState) -> (StatusCode, bool) {
    let ready = state.ready.load(Ordering::Acquire);
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, ready)
}

/// Whatever is no part of the API.
async fn page(State(state): State<Arc<ServerState>>, request: Request) -> Response {
    match &state.pages {
        Some(pages) => pages.answer(request).await,
        None => Failure::not_found("nothing is served here").into_response(),
    }
}

async fn show_metrics(State(state): State<Arc<ServerState>>) -> Response {
    let waiting = state.config.queue + state.config.concurrency.max(1) - state.places.available_permits();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.text(waiting)).into_response()
}

/// Whether a path speaks of the model and the version that there is.
fn check_place(state: &ServerState, Path(place): &Place) -> Result<(), Failure> {
    let name = &state.manifest().name;
    for (key, value) in place {
        match key.as_str() {
            "model" if value != name => {
                return Err(Failure::not_found(&format!("no model {value:?} here: this server has {name:?}")));
            }
            "version" if value != "1" => {
                return Err(Failure::not_found(&format!("no version {value:?} of {name:?} here: there is only 1")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The status that goes with a request that took too long to arrive.
const SLOW_REQUEST: StatusCode = StatusCode::REQUEST_TIMEOUT;
