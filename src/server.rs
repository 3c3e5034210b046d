//! The server: any body of one model, behind the Open Inference Protocol.
//!
//! The tensors of a request name the body that it wants; executors keep bodies ready. Everything that a
//! stranger can ask for has a limit: header, body, work and answer have times, memory is a budget from which every
//! request reserves what it takes before it takes it ([`ServerConfig::memory_bytes`]), and work that cannot be done
//! in time is refused at once.

mod answer;
mod body;
mod budget;
mod client;
mod compress;
mod config;
mod connections;
mod cost;
pub mod executor;
mod impatient;
mod in_process;
mod infer;
mod listen;
mod metrics;
mod model_file;
mod outgoing;
mod pages;
mod picture;
mod queue;
mod rates;
mod resolve;
mod weights;
mod work;

pub use config::ServerConfig;
pub use executor::{Body, BodyKey, Cancel, Executor, RtenExecutor};
pub use in_process::InProcess;
pub use listen::serve;
pub use model_file::ModelFile;

use crate::error::{Error, ErrorKind, Result, brief, cut};
use crate::model::Manifest;
use crate::wire::{HEADER_LENGTH, size_text};
use answer::Failure;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use budget::Budget;
use config::Memory;
use metrics::Metrics;
use pages::Pages;
use queue::Queue;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::trace::{DefaultOnFailure, TraceLayer};

/// One model and what serves it; shared by all requests.
pub struct ServerState {
    model: Arc<ModelFile>,
    executor: Arc<dyn Executor>,
    config: ServerConfig,
    metrics: Metrics,
    pages: Option<Pages>,
    /// Whether the named splits' bodies are warm.
    ready: AtomicBool,
    memory: Memory,
    /// What requests hold of the memory, their work aside.
    budget: Arc<Budget>,
    queue: Arc<Queue>,
}

impl ServerState {
    /// # Errors
    /// Those of [`ModelFile::open`]; `BadArgument` when [`ServerConfig::pages`] is no folder, or
    /// [`ServerConfig::memory_bytes`] are too few for one request.
    pub fn new(model: &std::path::Path, executor: Arc<dyn Executor>, config: ServerConfig) -> Result<Arc<Self>> {
        let memory = config.memory()?;
        let workers = config.concurrency.max(1);
        let places = config.client_share(config.queue.saturating_add(workers));
        let pages = config.pages.as_deref().map(Pages::open).transpose()?;
        Ok(Arc::new(Self {
            model: Arc::new(ModelFile::open(model)?),
            executor,
            metrics: Metrics::default(),
            pages,
            ready: AtomicBool::new(false),
            budget: Budget::new(memory.waiting_bytes, config.client_share(memory.waiting_bytes), memory.request_bytes),
            memory,
            queue: Queue::new(workers, config.queue, places),
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
        // Whatever a proxy in front wants to have: a token has any name.
        .allow_headers(AllowHeaders::mirror_request())
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
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(page);
    if state.pages.is_some() {
        router = router.route(&weights::path(&state.model), get(weights::weights));
    }
    // A full queue is no failure of the server's, and what is one has its line in the log already.
    let trace = TraceLayer::new_for_http().on_failure(DefaultOnFailure::new().level(tracing::Level::DEBUG));
    router.layer(trace).layer(cors).with_state(state)
}

/// The model and the version in a path.
struct Place(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let place = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        place.map(|Path(place)| Self(place)).map_err(|rejection| {
            let message = format!("the path cannot be read: {}", cut(rejection, 200));
            Failure::with_status(StatusCode::BAD_REQUEST, Error::new(ErrorKind::BadMessage, message))
        })
    }
}

async fn method_not_allowed(method: Method) -> Failure {
    let message = format!("method {} is not allowed here", cut(method, 40));
    Failure::with_status(StatusCode::METHOD_NOT_ALLOWED, Error::new(ErrorKind::BadMessage, message))
}

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
    let text = state.metrics.text(state.queue.len(), state.budget.held_bytes());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Whether a path speaks of the model and the version that there is.
fn check_place(state: &ServerState, Place(place): &Place) -> Result<(), Failure> {
    let name = &state.manifest().name;
    for (key, value) in place {
        match key.as_str() {
            "model" if value != name => {
                return Err(Failure::not_found(&format!("no model {} here: this server has {name:?}", brief(value))));
            }
            "version" if value != "1" => {
                return Err(Failure::not_found(&format!(
                    "no version {} of {name:?} here: there is only 1",
                    brief(value)
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The status that goes with a request that took too long to arrive.
const SLOW_REQUEST: StatusCode = StatusCode::REQUEST_TIMEOUT;
