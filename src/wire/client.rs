//! The client's end: a body that runs somewhere else.

use super::response::printable;
use super::{
    ErrorBody, HEADER_LENGTH, InferRequest, InferResponse, Input, Limits, NamedTensor, RequestParameters, Upload,
    WantedOutput, kind_of_code,
};
use crate::codec::{self, Codec};
use crate::error::{Error, ErrorKind, Result, bail, error};
use crate::tensor::{Tensor, value_count};
use serde::Deserialize;

/// Room for JSON around the tensors of an answer.
const ANSWER_JSON_BYTES: usize = 256 << 10;

/// Carries requests to a server; native, browser and in-process twins.
#[allow(async_fn_in_trait, reason = "futures stay on one thread in the browser and are blocked on natively")]
pub trait Transport {
    /// Sends one request and reads the whole answer, whatever its status. Redirects are not followed.
    ///
    /// # Errors
    /// `ServerUnreachable` when no connection is made or it breaks, `Timeout` when the answer takes too
    /// long, `BadMessage` when it is larger than [`HttpRequest::max_answer_bytes`] or is no HTTP.
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer>;

    /// The server's address for messages, without a slash at its end; empty where it has none.
    fn address(&self) -> String {
        String::new()
    }

    /// A clock that never goes back, in milliseconds from some moment.
    fn now_millis(&self) -> f64;
}

/// A request as transports see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// With its leading slash.
    pub path: String,
    /// What is posted; `None` makes it a GET.
    pub post: Option<Post>,
    /// The longest answer that can be right.
    pub max_answer_bytes: usize,
}

/// A body that is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Value of [`HEADER_LENGTH`].
    pub json_bytes: usize,
    /// JSON, then tensors.
    pub body: Vec<u8>,
}

/// An answer as transports give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// Value of [`HEADER_LENGTH`] where it is given, as it came.
    pub json_bytes: Option<String>,
    /// Value of `Content-Type`, or nothing.
    pub content_type: String,
    /// Seconds to wait before another try, from `Retry-After`.
    pub retry_after: Option<u64>,
    /// All of it.
    pub body: Vec<u8>,
    /// Bytes of the body as it travelled: fewer than it has where HTTP compressed it.
    pub received_bytes: usize,
}

/// Where the time and the bytes of one request went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InferTimings {
    /// Tensors to bytes, here.
    pub encode_millis: f64,
    /// From the first byte sent to the last received, less what the server says it took.
    pub network_millis: f64,
    /// The server's work, by its own account.
    pub server_millis: f64,
    /// Waiting in the server's queue, by its own account.
    pub queue_millis: f64,
    /// Bytes to tensors, here.
    pub decode_millis: f64,
    /// Body bytes sent.
    pub up_bytes: usize,
    /// Body bytes received, as they travelled.
    pub down_bytes: usize,
    /// What ran the body, by the server's account; empty when it says nothing.
    pub executor: String,
}

/// What a server says about a model (`GET /v2/models/{m}`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelDescription {
    /// Its name there.
    pub name: String,
    /// `headwater`, or another server's backend.
    #[serde(default)]
    pub platform: String,
    /// From our servers: `model_sha256`, `executor`, `splits`.
    #[serde(default)]
    pub parameters: super::Parameters,
}

/// Runs bodies of one model on a server.
#[derive(Debug, Clone)]
pub struct RemoteBody<T> {
    transport: T,
    model: String,
    sha256: String,
}

impl<T: Transport> RemoteBody<T> {
    /// `sha256` is the [`crate::model::Manifest::sha256`] that the server must have too; empty to ask
    /// servers that know no such thing.
    pub fn new(transport: T, model: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { transport, model: model.into(), sha256: sha256.into() }
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Runs what lies between `inputs` and `outputs` at input size `size` (width, height). Inputs travel
    /// as `codec`, outputs as `output_codec` if the server can. Tensors come back in the order of `outputs`.
    ///
    /// # Errors
    /// Those of the transport; `ServerBusy`, `ServerError`, `Mismatch`, `UnknownSplit` and others as the
    /// server says; `BadMessage` when the answer is not what the protocol or the shapes require.
    pub async fn infer(
        &self,
        split: &str,
        size: [usize; 2],
        inputs: &[(&str, &Tensor)],
        codec: Codec,
        outputs: &[(&str, &[usize])],
        output_codec: Codec,
    ) -> Result<(Vec<Tensor>, InferTimings)> {
        let start = self.transport.now_millis();
        let mut named = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let coded = codec::encode(codec, tensor).map_err(|e| e.context(format!("tensor {name:?}")))?;
            named.push(NamedTensor { name: (*name).to_owned(), coded, binary: true });
        }
        let request = self.request(split, size, Input::Tensors(named), outputs, output_codec);
        self.exchange(start, request, outputs, output_codec).await
    }

    /// Has the server decode a picture and run the whole net at `size` (width, height). With [`Codec::Alpha8`]
    /// the mask comes as alpha in bytes, ready to be shown; with any other as the net's own output.
    ///
    /// # Errors
    /// As [`Self::infer`]; `BadImage` when the server cannot read the picture.
    pub async fn infer_image(
        &self,
        size: [usize; 2],
        upload: Upload<'_>,
        outputs: &[(&str, &[usize])],
        output_codec: Codec,
    ) -> Result<(Vec<Tensor>, InferTimings)> {
        let start = self.transport.now_millis();
        let request = self.request("remote", size, Input::Picture(upload), outputs, output_codec);
        self.exchange(start, request, outputs, output_codec).await
    }

    /// What the server says about the model, and whether it is the same as ours.
    ///
    /// # Errors
    /// `Mismatch` when the server states another hash; else as [`Self::infer`].
    pub async fn describe(&self) -> Result<ModelDescription> {
        let path = format!("/v2/models/{}", self.model);
        let place = self.place(&path);
        let request = HttpRequest { path, post: None, max_answer_bytes: ANSWER_JSON_BYTES };
        let answer = accepted(self.transport.send(request).await?, &place)?;
        let description: ModelDescription = serde_json::from_slice(&answer.body).map_err(|e| {
            error!(BadMessage, "{place}: expected a model's description, found {}", found(&answer)).with_source(e)
        })?;
        let theirs = description.parameters.get("model_sha256").and_then(|sha256| sha256.as_str());
        if let Some(theirs) = theirs.filter(|theirs| !self.sha256.is_empty() && *theirs != self.sha256) {
            let theirs = printable(theirs, 64);
            bail!(Mismatch, "{place}: expected the model with hash {}, found {theirs}", self.sha256);
        }
        Ok(description)
    }

    /// What messages call the other end.
    fn place(&self, path: &str) -> String {
        let address = self.transport.address();
        if address.is_empty() { "the server".to_owned() } else { format!("the server {address}{path}") }
    }

    fn request<'a>(
        &self,
        split: &str,
        size: [usize; 2],
        input: Input<'a>,
        outputs: &[(&str, &[usize])],
        codec: Codec,
    ) -> InferRequest<'a> {
        let wanted = |(name, _): &(&str, &[usize])| WantedOutput { name: (*name).to_owned(), codec, binary: true };
        let model_sha256 = Some(self.sha256.clone()).filter(|sha256| !sha256.is_empty());
        let parameters = RequestParameters { split: Some(split.to_owned()), model_sha256, size: Some(size) };
        InferRequest { parameters, input, outputs: outputs.iter().map(wanted).collect() }
    }

    async fn exchange(
        &self,
        start: f64,
        request: InferRequest<'_>,
        outputs: &[(&str, &[usize])],
        codec: Codec,
    ) -> Result<(Vec<Tensor>, InferTimings)> {
        // No codec makes a tensor larger than its f32 values and a scale a channel.
        let mut max_answer_bytes = ANSWER_JSON_BYTES;
        for (_, shape) in outputs {
            max_answer_bytes = max_answer_bytes.saturating_add(value_count(shape)?.saturating_mul(4));
        }
        let encoded = request.encode()?;
        drop(request);
        let up_bytes = encoded.body.len();
        let sent = self.transport.now_millis();
        let path = format!("/v2/models/{}/infer", self.model);
        let place = self.place(&path);
        let post = Some(Post { json_bytes: encoded.json_bytes, body: encoded.body });
        let answer = self.transport.send(HttpRequest { path, post, max_answer_bytes }).await?;
        let received = self.transport.now_millis();
        let answer = accepted(answer, &place)?;
        let (tensors, report) = read(&answer, outputs, codec).map_err(|e| e.context(place))?;
        // A server's account is worth no more than the time that really passed.
        let away = received - sent;
        let queue_millis = report.queue_millis.min(away);
        let server_millis = report.server_millis.min(away - queue_millis);
        let timings = InferTimings {
            encode_millis: sent - start,
            network_millis: away - server_millis - queue_millis,
            server_millis,
            queue_millis,
            decode_millis: self.transport.now_millis() - received,
            up_bytes,
            down_bytes: answer.received_bytes,
            executor: report.executor,
        };
        Ok((tensors, timings))
    }
}

/// The outputs that were asked for, each with exactly the shape it must have.
fn read(answer: &HttpAnswer, outputs: &[(&str, &[usize])], codec: Codec) -> Result<(Vec<Tensor>, super::ServerReport)> {
    let json_bytes = match &answer.json_bytes {
        None => None,
        Some(text) => Some(text.trim().parse().map_err(|_| {
            error!(BadMessage, "{HEADER_LENGTH} {:?}: expected a number of bytes", printable(text, 32))
        })?),
    };
    let limits = Limits { json_bytes: ANSWER_JSON_BYTES, ..Limits::default() };
    let response = InferResponse::decode(json_bytes, &answer.body, &limits)
        .map_err(|e| e.context(format!("its answer ({})", found(answer))))?;
    let mut tensors = Vec::with_capacity(outputs.len());
    for (name, shape) in outputs {
        let place = || format!("its tensor {name:?}");
        let Some(output) = response.outputs.iter().find(|output| output.name == *name) else {
            bail!(BadMessage, "its answer lacks tensor {name:?}");
        };
        // A server may answer in a codec of its own choice, but alpha and the net's output are different numbers.
        if (output.coded.codec == Codec::Alpha8) != (codec == Codec::Alpha8) {
            bail!(BadMessage, "{}: expected {codec}, found {}", place(), output.coded.codec);
        }
        let tensor = codec::decode(&output.coded, shape);
        // Whatever is wrong with it, it is the message that is, not the caller's shape.
        tensors.push(tensor.map_err(|e| Error::new(ErrorKind::BadMessage, e.message()).context(place()))?);
    }
    Ok((tensors, response.report))
}

/// Lets answers of status 200 pass and turns all others into errors. `place` is where they come from.
fn accepted(answer: HttpAnswer, place: &str) -> Result<HttpAnswer> {
    let status = answer.status;
    if status == 200 {
        return Ok(answer);
    }
    if (300..400).contains(&status) {
        bail!(BadMessage, "{place} redirects (status {status}), which is not followed: give its real address");
    }
    let body: Option<ErrorBody> = serde_json::from_slice(&answer.body).ok();
    let said = match &body {
        Some(body) => printable(&body.error, 500),
        None => format!("no reason given ({})", found(&answer)),
    };
    let stated = body.as_ref().and_then(|body| body.code.as_deref()).and_then(kind_of_code);
    let kind = match (stated, status) {
        (_, 429 | 503) => ErrorKind::ServerBusy,
        (_, 504) => ErrorKind::Timeout,
        (_, 409) => ErrorKind::Mismatch,
        (Some(kind), 400..500) => kind,
        _ => ErrorKind::ServerError,
    };
    let later = answer.retry_after.map_or_else(String::new, |seconds| format!("; try again in {seconds} s"));
    Err(Error::new(kind, format!("{place} answered {status}: {said}{later}")))
}

/// A word on what came instead of what was expected.
fn found(answer: &HttpAnswer) -> String {
    format!("{:?}, {} bytes", printable(&answer.content_type, 64), answer.body.len())
}
