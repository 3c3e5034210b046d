//! A server without a socket: requests go through the same router, every byte in wire form.

use super::{ServerState, app};
use crate::error::{Result, bail, error};
use crate::platform::unpack;
use crate::wire::client::{HttpAnswer, HttpRequest, Transport};
use crate::wire::{BINARY, HEADER_LENGTH};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, Limited};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A [`Transport`] to a server in this process.
pub struct InProcess {
    router: Router,
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    start: Instant,
}

impl InProcess {
    /// # Errors
    /// `Internal` when no thread can be started.
    pub fn new(state: Arc<ServerState>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("headwater-server")
            .enable_time()
            .build()
            .map_err(|e| error!(Internal, "the server's thread cannot be started").with_source(e))?;
        Ok(Self { router: app(state), runtime: Some(runtime), start: Instant::now() })
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // Waiting for the threads would panic where this is dropped inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Transport for InProcess {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        let Some(runtime) = &self.runtime else {
            bail!(ServerUnreachable, "the server in this process has ended");
        };
        // Spawned, so that the caller may wait for it with any executor.
        let sent = runtime.spawn(exchange(self.router.clone(), request));
        sent.await.map_err(|e| error!(ServerUnreachable, "the server in this process broke off").with_source(e))?
    }

    fn now_millis(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1e3
    }
}

async fn exchange(router: Router, request: HttpRequest) -> Result<HttpAnswer> {
    let limit = request.max_answer_bytes;
    let built = match request.post {
        None => Request::get(request.path).body(Body::empty()),
        Some(post) => Request::post(request.path)
            .header(header::CONTENT_TYPE, BINARY)
            // So that the report's bytes are those that would travel.
            .header(header::ACCEPT_ENCODING, "gzip")
            .header(HEADER_LENGTH, post.json_bytes)
            .body(Body::from(post.body)),
    };
    let built = built.map_err(|e| error!(BadArgument, "the request cannot be made").with_source(e))?;
    let answer = match router.oneshot(built).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|e| error!(BadMessage, "an answer of more than {limit} bytes").with_source(e))?;
    let text =
        |headers: &HeaderMap, name: &str| headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned));
    let body = body.to_bytes().to_vec();
    let received_bytes = body.len();
    Ok(HttpAnswer {
        status: parts.status.as_u16(),
        json_bytes: text(&parts.headers, HEADER_LENGTH),
        content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default(),
        retry_after: text(&parts.headers, header::RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()),
        body: unpack(body, text(&parts.headers, header::CONTENT_ENCODING.as_str()).as_deref(), limit)?,
        received_bytes,
    })
}
