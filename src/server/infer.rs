//! `POST /v2/models/{m}/infer`.

use super::answer::Failure;
use super::body::{Incoming, json_bytes};
use super::budget::Hold;
use super::client::Client;
use super::compress::accepts_gzip;
use super::executor::Cancel;
use super::resolve::{Wanted, resolve};
use super::work::{Job, Made};
use super::{Place, SLOW_REQUEST, ServerState, check_place};
use crate::codec::Codec;
use crate::error::{ErrorKind, Result, error};
use crate::wire::{BINARY, HEADER_LENGTH, RequestHead};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// JSON up to this size is read where it arrives; larger JSON on a thread that may be busy for a while.
const SMALL_JSON_BYTES: usize = 16 << 10;

/// Memory for reading JSON, beside the text: at most as much again for nesting, grown by doubling.
const JSON_SCRATCH: usize = 2;

pub(super) async fn infer(
    State(state): State<Arc<ServerState>>,
    place: Result<Place, Failure>,
    request: Request,
) -> Response {
    let answer = match answer(&state, place, request).await {
        Ok(response) => response,
        Err(failure) => {
            if failure.error.kind() == ErrorKind::ServerBusy {
                state.metrics.busy.fetch_add(1, Ordering::Relaxed);
            }
            tracing::debug!(status = failure.status.as_u16(), error = %failure.error, "request refused");
            failure.respond(state.config.retry_after_seconds)
        }
    };
    state.metrics.answered(answer.status().as_u16());
    answer
}

async fn answer(
    state: &Arc<ServerState>,
    place: Result<Place, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts.extensions);
    let hold = state.budget.hold(client);
    let mut incoming = Incoming::new(body, &parts.headers, hold, &state.config);
    let arrival = async {
        check_place(state, &place?)?;
        read(state, client, &parts.headers, &mut incoming).await
    };
    let arrival = match tokio::time::timeout(state.config.body_timeout, arrival).await {
        Ok(arrival) => arrival,
        Err(_) => {
            let slow = error!(Timeout, "the request took longer than {:?} to arrive", state.config.body_timeout);
            Err(Failure::with_status(SLOW_REQUEST, slow))
        }
    };
    state.metrics.received_bytes.fetch_add(incoming.bytes.len() as u64, Ordering::Relaxed);
    let (wanted, head, json) = match arrival {
        Ok(read) => read,
        Err(failure) => {
            if failure.status != SLOW_REQUEST {
                incoming.drain().await;
            }
            return Err(failure);
        }
    };
    // Only masks gain enough by it to be worth the time.
    let only_masks = wanted.outputs.iter().all(|output| output.codec == Codec::Alpha8);
    let pack = only_masks && accepts_gzip(&parts.headers);
    let Incoming { bytes, hold, .. } = incoming;
    let made = compute(state, client, hold, Job { wanted, head, bytes, json, pack }).await?;
    let content_type = if made.json_bytes == made.body_bytes { "application/json" } else { BINARY };
    let headers =
        [(header::CONTENT_TYPE.as_str(), content_type.to_owned()), (HEADER_LENGTH, made.json_bytes.to_string())];
    state.metrics.sent_bytes.fetch_add(made.body.len() as u64, Ordering::Relaxed);
    let mut response = (StatusCode::OK, headers, made.body.into_body()).into_response();
    if only_masks {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if made.packed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// Reads the JSON, decides whether the rest is wanted, and only then reads the rest.
async fn read(
    state: &Arc<ServerState>,
    client: Option<Client>,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<(Wanted, RequestHead, usize), Failure> {
    let limits = &state.config.limits;
    let json = match json_bytes(headers)? {
        Some(json) if json > limits.json_bytes => {
            let message = format!("{HEADER_LENGTH} {json}: expected at most {}", limits.json_bytes);
            return Err(crate::Error::new(ErrorKind::BadMessage, message).into());
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
    let (wanted, head) = understand(state, incoming, json).await?;
    let total = json.checked_add(head.payload_bytes()?);
    let total = total.ok_or_else(|| error!(BadMessage, "the announced bytes do not fit this machine's memory"))?;
    let peak = wanted.cost.peak_bytes(total);
    let allowed = state.memory.request_bytes;
    if peak > allowed {
        return Err(Failure::too_large(peak, allowed));
    }
    // Before the rest is sent for nothing.
    let deadline = Instant::now().checked_add(state.config.compute_timeout);
    state.queue.check(&wanted.cost.work, client, deadline)?;
    incoming.finish(total).await?;
    Ok((wanted, head, json))
}

fn parse(state: &ServerState, json: &[u8]) -> Result<(Wanted, RequestHead)> {
    let head = RequestHead::parse(json, &state.config.limits)?;
    Ok((resolve(&state.model, &state.config, &head)?, head))
}

/// What the JSON at the beginning of `incoming` asks for.
async fn understand(
    state: &Arc<ServerState>,
    incoming: &mut Incoming,
    json: usize,
) -> Result<(Wanted, RequestHead), Failure> {
    if json <= SMALL_JSON_BYTES {
        return parse(state, &incoming.bytes[..json]).map_err(Failure::from);
    }
    let held = incoming.hold.bytes();
    incoming.hold.resize(held.saturating_add(json.saturating_mul(JSON_SCRATCH)))?;
    // They stay reserved for as long as the thread has them, even if the client leaves meanwhile.
    let hold = incoming.hold.split(usize::MAX);
    let bytes = std::mem::take(&mut incoming.bytes);
    let shared = state.clone();
    let parsed = tokio::task::spawn_blocking(move || (parse(&shared, &bytes[..json]), bytes, hold)).await;
    let (parsed, bytes, hold) = parsed.map_err(|e| error!(Internal, "reading the request panicked").with_source(e))?;
    incoming.bytes = bytes;
    incoming.hold = hold;
    incoming.hold.shrink(held);
    parsed.map_err(Failure::from)
}

/// Waits for a worker and for what it makes.
async fn compute(state: &Arc<ServerState>, client: Option<Client>, mut hold: Hold, job: Job) -> Result<Made, Failure> {
    let arrived = Instant::now();
    let deadline = arrived.checked_add(state.config.compute_timeout);
    // What the answer will keep, from now on; what the work needs beside it is set aside for each worker.
    let kept = job.bytes.capacity().max(job.wanted.cost.answer_bytes);
    hold.resize(kept)?;
    let ticket = state.queue.enter(job.wanted.cost.work.clone(), client, deadline)?;
    let mut gone = Gone { cancel: Arc::new(Cancel::new(deadline)), counter: Some(&state.metrics.left) };
    let work = async {
        let worker = ticket.called().await?;
        let queue_millis = arrived.elapsed().as_secs_f64() * 1e3;
        state.metrics.queue.record(queue_millis);
        let (shared, cancel) = (state.clone(), gone.cancel.clone());
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            // The worker is free once this ends, whether anybody waits for it or not.
            let started = Instant::now();
            let made = span.in_scope(|| job.run(&shared, &cancel, hold, queue_millis));
            let millis = started.elapsed().as_secs_f64() * 1e3;
            shared.metrics.server.record(millis);
            match &made {
                Ok(_) => worker.finished(millis),
                // How long it would have taken is not known.
                Err(_) => drop(worker),
            }
            made
        });
        let done = done.await.map_err(|e| error!(Internal, "the executor panicked").with_source(e))?;
        done.map_err(Failure::from)
    };
    let made = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), work)
            .await
            .unwrap_or_else(|_| Err(late(state.config.compute_timeout).into())),
        None => work.await,
    };
    if made.as_ref().is_err_and(|failure| failure.error.kind() == ErrorKind::Timeout) {
        gone.counter = Some(&state.metrics.late);
    } else {
        gone.counter = None;
    }
    made
}

fn late(limit: Duration) -> crate::Error {
    error!(Timeout, "the server took longer than {limit:?}")
}

/// Ends and counts the work of a request when nobody waits for it any more.
struct Gone<'a> {
    cancel: Arc<Cancel>,
    /// `None` once there is an answer.
    counter: Option<&'a AtomicU64>,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.counter {
            self.cancel.cancel();
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}
