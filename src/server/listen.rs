//! Accepting connections, and ending in peace.

use super::connections::{Connections, UnderWay};
use super::impatient::Impatient;
use super::{ServerState, app};
use crate::error::Result;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// A pause after a failed `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A connection's buffers, each way: the longest header that is read, and the most of a body that is read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Serves until `shutdown` is done; then accepts nothing more and lets requests under way finish,
/// for as long as the configuration allows. What is still under way then is dropped.
///
/// # Errors
/// None today: a connection's troubles are its own.
pub async fn serve(listener: TcpListener, state: Arc<ServerState>, shutdown: impl Future<Output = ()>) -> Result<()> {
    let config = &state.config;
    let connections = Connections::new(config.connections, config.client_share(config.connections));
    let (header_timeout, write_timeout) = (config.header_timeout, config.write_timeout);
    let grace = config.shutdown_timeout;
    let router = app(state);
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Most often for want of file descriptors, of which each connection has one.
                connections.close_one();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(open) = connections.open(address.ip().into()) else {
            tracing::debug!(%address, "a connection too many is closed");
            continue;
        };
        // Answers are written in one go: nothing is gained by holding back their ends.
        let _ = stream.set_nodelay(true);
        let (router, connection) = (router.clone(), open.connection.clone());
        let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(address));
            let (router, under_way) = (router.clone(), open.request());
            async move {
                let answer = router.oneshot(request.map(Body::new)).await?;
                Ok::<_, std::convert::Infallible>(answer.map(|body| Answer { body, _under_way: under_way }))
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(Impatient::new(stream, write_timeout, connection.writing.clone())), service);
        let served = graceful.watch(served);
        tasks.spawn(async move {
            tokio::select! {
                served = served => if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended");
                },
                () = connection.closed() => tracing::debug!(%address, "a waiting connection makes room"),
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {grace:?}");
    }
    tasks.shutdown().await;
    Ok(())
}

/// An answer's body; its request is under way until it is dropped.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
