//! What the server answers.

use super::header::{Parameters, WrittenResponse};
use super::read_response;
use super::tensors::{self, NamedTensor};
use super::{Encoded, Limits, divide};
use crate::error::{Error, ErrorKind, Result, cut, error};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The tensors that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct InferResponse<'a> {
    /// The model that ran.
    pub model_name: String,
    /// What the server says about its work; zeros and an empty name from servers that say nothing.
    pub report: ServerReport,
    /// In the order asked for, when our server answers.
    pub outputs: Vec<NamedTensor<'a>>,
}

/// The server's account of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerReport {
    /// Decoding, computing and encoding.
    pub server_millis: f64,
    /// Waiting for other requests' work.
    pub queue_millis: f64,
    /// What ran the body.
    pub executor: String,
}

impl InferResponse<'_> {
    /// The bytes to answer with.
    ///
    /// # Errors
    /// `BadMessage` when a tensor is to stand in the JSON and cannot.
    pub fn encode(&self) -> Result<Encoded> {
        let mut body = Vec::new();
        let payloads = self.write_json(&mut body)?;
        let json_bytes = body.len();
        body.reserve_exact(payloads.iter().map(|payload| payload.len()).sum());
        payloads.iter().for_each(|payload| body.extend_from_slice(payload));
        Ok(Encoded { json_bytes, body })
    }

    /// Writes the JSON part, and returns the bytes that must follow it, in order.
    ///
    /// # Errors
    /// `BadMessage` when a tensor is to stand in the JSON and cannot.
    pub fn write_json(&self, to: impl std::io::Write) -> Result<Vec<Cow<'_, [u8]>>> {
        let (outputs, payloads) = tensors::write(&self.outputs)?;
        let parameters = Parameters::from_iter([
            ("server_millis".to_owned(), self.report.server_millis.into()),
            ("queue_millis".to_owned(), self.report.queue_millis.into()),
            ("executor".to_owned(), self.report.executor.as_str().into()),
        ]);
        let header = WrittenResponse { model_name: &self.model_name, model_version: "1", parameters, outputs };
        serde_json::to_writer(to, &header)
            .map_err(|e| error!(Internal, "the message's header cannot be written").with_source(e))?;
        Ok(payloads)
    }

    /// Reads a whole body.
    ///
    /// # Errors
    /// `BadMessage` or `BadShape`, saying what was expected and what was found.
    pub fn decode<'a>(json_bytes: Option<usize>, body: &'a [u8], limits: &Limits) -> Result<InferResponse<'a>> {
        let (json, binary) = divide(json_bytes, body, limits)?;
        let header = read_response::response(json)?;
        let mut outputs = header.outputs;
        let parts = tensors::parts(&outputs, limits)?;
        let mut payloads = tensors::payloads(&mut outputs, binary)?;
        let outputs = tensors::read(&outputs, &parts, &mut payloads);
        let millis = |key: &str| {
            let value = header.parameters.number(key);
            value.filter(|millis| millis.is_finite() && *millis >= 0.0).unwrap_or(0.0)
        };
        let executor = header.parameters.text("executor").ok().flatten().unwrap_or_default();
        let report = ServerReport {
            server_millis: millis("server_millis"),
            queue_millis: millis("queue_millis"),
            executor: printable(executor, 64),
        };
        Ok(InferResponse { model_name: header.model_name, report, outputs })
    }
}

/// The body of a 4xx or 5xx answer: the protocol's `error`, and our `code` beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A sentence.
    pub error: String,
    /// [`ErrorKind::code`]; other servers send none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The longest sentence in an [`ErrorBody`], in characters: the causes of an error may repeat what was sent.
const ERROR_CHARACTERS: usize = 1000;

impl ErrorBody {
    /// For an error that is to be answered with.
    pub fn new(error: &Error) -> Self {
        Self { error: cut(error, ERROR_CHARACTERS), code: Some(error.kind().code().to_owned()) }
    }
}

/// The kind that a code on the wire stands for; `None` for codes that a server has no business sending.
pub fn kind_of_code(code: &str) -> Option<ErrorKind> {
    use ErrorKind::{
        BadArgument, BadImage, BadMessage, BadModel, BadShape, Mismatch, ServerBusy, ServerError, Timeout,
        UnknownSplit, UnsupportedOperator,
    };
    ErrorKind::of_code(code).filter(|kind| {
        matches!(
            kind,
            BadArgument
                | BadImage
                | BadMessage
                | BadModel
                | BadShape
                | Mismatch
                | ServerBusy
                | ServerError
                | Timeout
                | UnknownSplit
                | UnsupportedOperator
        )
    })
}

/// A stranger's text made fit for a terminal and a log: no control characters, at most `length` characters.
pub(super) fn printable(text: &str, length: usize) -> String {
    text.chars().take(length).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
