//! To the server: over HTTP, or in this process.

use headwater::Result;
use headwater::platform::HttpTransport;
use headwater::server::InProcess;
use headwater::wire::client::{HttpAnswer, HttpRequest, Transport};

/// One of the two ways; async traits make no objects.
pub(crate) enum AnyTransport {
    /// Another process, perhaps another machine.
    Http(HttpTransport),
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
