//! Errors as HTTP answers.

use super::budget::NoRoom;
use super::queue::Refused;
use crate::error::{Error, ErrorKind, error};
use crate::wire::ErrorBody;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// The longest `Retry-After`, in seconds.
const MOST_RETRY_SECONDS: u64 = 60;

/// An error on its way to the client.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: Error,
    retry: Retry,
}

/// What `Retry-After` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// Nothing: the same request would fail again.
    Never,
    /// The configured time.
    Later,
    /// When it is expected to be worth it.
    After(Duration),
}

impl Failure {
    pub(super) fn with_status(status: StatusCode, error: Error) -> Self {
        Self { status, error, retry: Retry::Never }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::with_status(StatusCode::NOT_FOUND, Error::new(ErrorKind::BadArgument, message))
    }

    fn busy(status: StatusCode, retry: Option<Duration>, message: &str) -> Self {
        let error = Error::new(ErrorKind::ServerBusy, message);
        Self { status, error, retry: retry.map_or(Retry::Later, Retry::After) }
    }

    /// More bytes than one request may need.
    pub(super) fn too_large(asked: usize, allowed: usize) -> Self {
        let error = error!(
            BadArgument,
            "the request would need {asked} bytes of this server's memory, at most {allowed} are allowed for one"
        );
        Self::with_status(StatusCode::PAYLOAD_TOO_LARGE, error)
    }

    /// The answer, saying `later` in `Retry-After` where nothing better is known.
    pub(super) fn respond(self, later: u32) -> Response {
        let mut body = ErrorBody::new(&self.error);
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = ?self.error, "request failed");
            // What failed inside, paths included, is for this server's log.
            if matches!(self.error.kind(), ErrorKind::Internal | ErrorKind::Io | ErrorKind::BadModel) {
                body =
                    ErrorBody::new(&Error::new(ErrorKind::ServerError, "an internal error; the server's log has more"));
            }
        }
        let mut response = (self.status, Json(body)).into_response();
        let seconds = match self.retry {
            Retry::Never => return response,
            Retry::Later => u64::from(later),
            Retry::After(time) => (time.as_secs() + 1).max(u64::from(later)).min(MOST_RETRY_SECONDS),
        };
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}

impl From<NoRoom> for Failure {
    fn from(reason: NoRoom) -> Self {
        match reason {
            NoRoom::Never { asked, allowed } => Self::too_large(asked, allowed),
            NoRoom::Now => {
                let message = "the server's memory for requests is full";
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, None, message)
            }
            NoRoom::Client => {
                let message = "requests from this address hold as much memory as one address may";
                Self::busy(StatusCode::TOO_MANY_REQUESTS, None, message)
            }
        }
    }
}

impl From<Refused> for Failure {
    fn from(reason: Refused) -> Self {
        match reason {
            Refused::Full { retry } => {
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, retry, "every place in the queue is taken")
            }
            Refused::Client { retry } => {
                let message = "requests from this address have as many places in the queue as one address may";
                Self::busy(StatusCode::TOO_MANY_REQUESTS, retry, message)
            }
            Refused::Late { needed, left } => {
                let message = format!(
                    "this would be done in about {:.1} s, and the time limit is in {:.1} s",
                    needed.as_secs_f64(),
                    left.as_secs_f64()
                );
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, Some(needed.saturating_sub(left)), &message)
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Mismatch => StatusCode::CONFLICT,
            ErrorKind::ServerBusy => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::BadMessage | ErrorKind::UnknownSplit => StatusCode::BAD_REQUEST,
            kind if kind.is_bad_input() && kind != ErrorKind::BadModel => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let retry = match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Retry::Later,
            _ => Retry::Never,
        };
        Self { status, error, retry }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.respond(super::ServerConfig::default().retry_after_seconds)
    }
}
