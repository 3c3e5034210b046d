//! Errors as HTTP answers.

use crate::error::{Error, ErrorKind};
use crate::wire::ErrorBody;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An error on its way to the client.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: Error,
    retry_after_seconds: Option<u32>,
}

impl Failure {
    pub(super) fn with_status(status: StatusCode, error: Error) -> Self {
        Self { status, error, retry_after_seconds: None }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::with_status(StatusCode::NOT_FOUND, Error::new(ErrorKind::BadArgument, message))
    }

    pub(super) fn busy(retry_after_seconds: u32) -> Self {
        let error = Error::new(ErrorKind::ServerBusy, "every place in the queue is taken");
        Self { status: StatusCode::SERVICE_UNAVAILABLE, error, retry_after_seconds: Some(retry_after_seconds) }
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
        Self::with_status(status, error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
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
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
