//! `POST /v2/models/{m}/infer`.

use super::answer::Failure;
use super::body::{Incoming, json_bytes};
use super::compress::{accepts_gzip, gzip};
use super::resolve::{Wanted, resolve};
use super::{Place, SLOW_REQUEST, ServerState, check_place, picture};
use crate::codec::{self, Codec};
use crate::error::{ErrorKind, Result, bail, error};
use crate::image::Mask;
use crate::model::Postprocess;
use crate::tensor::Tensor;
use crate::wire::{BINARY, Encoded, HEADER_LENGTH, InferResponse, Input, NamedTensor, RequestHead, ServerReport};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout_at;

pub(super) async fn infer(State(state): State<Arc<ServerState>>, place: Place, request: Request) -> Response {
    let answer = match answer(&state, &place, request).await {
        Ok(response) => response,
        Err(failure) => {
            if failure.error.kind() == ErrorKind::ServerBusy {
                state.metrics.busy.fetch_add(1, Ordering::Relaxed);
            }
            tracing::debug!(status = failure.status.as_u16(), error = %failure.error, "request refused");
            failure.into_response()
        }
    };
    state.metrics.answered(answer.status().as_u16());
    answer
}

async fn answer(state: &Arc<ServerState>, place: &Place, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let mut incoming = Incoming::new(body);
    let read = async {
        check_place(state, place)?;
        // A place in memory, held until the answer is made.
        let busy = || Failure::busy(state.config.retry_after_seconds);
        let held = state.requests.clone().try_acquire_owned().map_err(|_| busy())?;
        let arrival = read(state, &parts.headers, &mut incoming);
        let (wanted, head, json) = match tokio::time::timeout(state.config.body_timeout, arrival).await {
            Ok(read) => read?,
            Err(_) => {
                let slow = error!(Timeout, "the request took longer than {:?} to arrive", state.config.body_timeout);
                return Err(Failure::with_status(SLOW_REQUEST, slow));
            }
        };
        let place = state.places.clone().try_acquire_owned().map_err(|_| busy())?;
        Ok((held, place, wanted, head, json))
    };
    let (held, place, wanted, head, json) = match read.await {
        Ok(read) => read,
        Err(failure) => {
            if failure.status != SLOW_REQUEST {
                incoming.drain().await;
            }
            return Err(failure);
        }
    };
    let bytes = incoming.bytes;
    state.metrics.received_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    // Only masks gain enough by it to be worth the time.
    let only_masks = wanted.outputs.iter().all(|output| output.codec == Codec::Alpha8);
    let pack = only_masks && accepts_gzip(&parts.headers);
    let Made { encoded, packed, report } = compute(state, [held, place], wanted, head, bytes, json, pack).await?;
    state.metrics.server.record(report.server_millis);
    state.metrics.queue.record(report.queue_millis);
    let content_type = if encoded.json_bytes == encoded.body.len() { "application/json" } else { BINARY };
    let headers =
        [(header::CONTENT_TYPE.as_str(), content_type.to_owned()), (HEADER_LENGTH, encoded.json_bytes.to_string())];
    let is_packed = packed.is_some();
    let body = packed.unwrap_or(encoded.body);
    state.metrics.sent_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    let mut response = (StatusCode::OK, headers, body).into_response();
    if only_masks {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if is_packed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// What a request comes to.
struct Made {
    encoded: Encoded,
    /// The same, compressed.
    packed: Option<Vec<u8>>,
    report: ServerReport,
}

/// Reads the JSON, decides whether the rest is wanted, and only then reads the rest.
async fn read(
    state: &ServerState,
    headers: &axum::http::HeaderMap,
    incoming: &mut Incoming,
) -> Result<(Wanted, RequestHead, usize)> {
    let limits = &state.config.limits;
    let json = match json_bytes(headers)? {
        Some(json) if json > limits.json_bytes => {
            bail!(BadMessage, "{HEADER_LENGTH} {json}: expected at most {}", limits.json_bytes)
        }
        Some(json) => {
            incoming.fill(json).await?;
            json
        }
        None => {
            incoming.whole(state.config.json_body_bytes).await?;
            incoming.bytes.len()
        }
    };
    let head = RequestHead::parse(&incoming.bytes[..json], limits)?;
    let wanted = resolve(&state.model, &state.config, &head)?;
    let total = json.checked_add(head.payload_bytes()?);
    let total = total.ok_or_else(|| error!(BadMessage, "the announced bytes do not fit this machine's memory"))?;
    incoming.finish(total).await?;
    Ok((wanted, head, json))
}

async fn compute(
    state: &Arc<ServerState>,
    places: [OwnedSemaphorePermit; 2],
    wanted: Wanted,
    head: RequestHead,
    bytes: Vec<u8>,
    json: usize,
    pack: bool,
) -> Result<Made, Failure> {
    let arrived = Instant::now();
    let deadline = tokio::time::Instant::now() + state.config.compute_timeout;
    let late = |_| error!(Timeout, "the server took longer than {:?}", state.config.compute_timeout);
    let worker = timeout_at(deadline, state.workers.clone().acquire_owned()).await.map_err(late)?;
    let worker = worker.map_err(|_| error!(Internal, "the workers are gone"))?;
    let queue_millis = arrived.elapsed().as_secs_f64() * 1e3;
    let shared = state.clone();
    let span = tracing::Span::current();
    let job = tokio::task::spawn_blocking(move || {
        // Work cannot be stopped: it keeps its places until it is done, though nobody waits for it any more.
        let _held = (places, worker);
        span.in_scope(|| -> Result<Made> {
            let (encoded, report) = run(&shared, &wanted, head, &bytes[json..], queue_millis)?;
            let packed = pack.then(|| gzip(&encoded.body)).transpose();
            let packed = packed.map_err(|e| error!(Internal, "the answer cannot be compressed").with_source(e))?;
            Ok(Made { encoded, packed, report })
        })
    });
    let done = timeout_at(deadline, job).await.map_err(late)?;
    Ok(done.map_err(|e| error!(Internal, "the executor panicked").with_source(e))??)
}

fn run(
    state: &ServerState,
    wanted: &Wanted,
    head: RequestHead,
    binary: &[u8],
    queue_millis: f64,
) -> Result<(Encoded, ServerReport)> {
    let started = Instant::now();
    let graph = &wanted.body.graph;
    let request = head.finish(binary)?;
    let mut inputs = Vec::with_capacity(graph.inputs.len());
    match &request.input {
        Input::Tensors(tensors) => {
            for (&id, tensor) in graph.inputs.iter().zip(tensors) {
                let decoded = codec::decode(&tensor.coded, &graph.tensors[id].shape);
                inputs.push(decoded.map_err(|e| e.context(format!("tensor {:?}", tensor.name)))?);
            }
        }
        Input::Picture(upload) => {
            inputs.push(picture::to_input(upload, wanted.size, &wanted.body.manifest().preprocess)?);
        }
    }
    let mut made = state.executor.run(&wanted.body, inputs)?;
    check_made(wanted, &made)?;
    let mut outputs = Vec::with_capacity(made.len());
    for (output, tensor) in wanted.outputs.iter().zip(&mut made) {
        if output.codec == Codec::Alpha8 {
            *tensor = alpha(tensor, state.manifest().postprocess)?;
        }
        let coded = codec::encode(output.codec, tensor)
            .map_err(|e| error!(ServerError, "output {:?}: {}", output.name, e.message()))?;
        outputs.push(NamedTensor { name: output.name.clone(), coded, binary: output.binary });
    }
    let server_millis = started.elapsed().as_secs_f64() * 1e3;
    let report = ServerReport { server_millis, queue_millis, executor: state.executor.name().to_owned() };
    let model_name = state.manifest().name.clone();
    let response = InferResponse { model_name, report: report.clone(), outputs };
    tracing::info!(server_millis, queue_millis, inputs = ?wanted.body.key.inputs, "inference done");
    Ok((response.encode()?, report))
}

/// A net's output as alpha.
fn alpha(output: &Tensor, postprocess: Postprocess) -> Result<Tensor> {
    let mask = Mask::from_output(output, postprocess).map_err(|e| error!(ServerError, "the mask: {}", e.message()))?;
    Tensor::new(output.shape().to_vec(), mask.alpha().to_vec())
}

/// Executors may be other people's servers.
fn check_made(wanted: &Wanted, made: &[Tensor]) -> Result<()> {
    let graph = &wanted.body.graph;
    let expected = graph.outputs.iter().map(|&id| graph.tensors[id].shape.as_slice());
    if !expected.clone().eq(made.iter().map(Tensor::shape)) {
        let found: Vec<_> = made.iter().map(Tensor::shape).collect();
        bail!(ServerError, "the executor made {found:?}, expected {:?}", expected.collect::<Vec<_>>());
    }
    Ok(())
}
