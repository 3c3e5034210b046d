//! To the server: over HTTP, or in this process.

use headwater::Result;
use headwater::platform::HttpTransport;
use headwater::server::InProcess;
use headwater::wire::client::{HttpAnswer, HttpRequest, Transport};
use std::time::{Duration, Instant};

/// One of the two ways; async traits make no objects.
pub(crate) enum AnyTransport {
    /// Another process, perhaps another machine.
    Http(Patient),
    /// The same router in this process.
    Here(InProcess),
}

impl Transport for AnyTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        match self {
            Self::Http(transport) => transport.send(request).await,
            Self::Here(transport) => transport.send(request).await,
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Http(transport) => transport.address(),
            Self::Here(transport) => transport.address(),
        }
    }

    fn now_millis(&self) -> f64 {
        headwater::platform::now_millis()
    }
}

/// How often a busy server is asked again.
const MAX_RETRIES: u32 = 8;

/// Asks a server again that answers 503 or 429 with `Retry-After`, as long as the waiting stays within a limit. All
/// else is left as it is: a request that may have been computed is not sent twice.
pub(crate) struct Patient {
    transport: HttpTransport,
    limit: Duration,
}

impl Patient {
    /// `limit` is for one request, with all that it waits.
    pub(crate) fn new(transport: HttpTransport, limit: Duration) -> Self {
        Self { transport, limit }
    }

    fn address(&self) -> String {
        self.transport.address()
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        let started = Instant::now();
        for _ in 0..MAX_RETRIES {
            let answer = self.transport.send(request.clone()).await?;
            let busy = matches!(answer.status, 429 | 503);
            // At once would be no rest for either.
            let wait = answer.retry_after.filter(|_| busy).map(|seconds| Duration::from_secs(seconds.max(1)));
            match wait {
                Some(wait) if started.elapsed() + wait < self.limit => std::thread::sleep(wait),
                _ => return Ok(answer),
            }
        }
        self.transport.send(request).await
    }
}
