//! What travels between the two ends: Open Inference Protocol (KServe V2) messages over HTTP, with the
//! binary tensor extension, so that one client talks to our server, to Triton and to KServe.
//!
//! A message is JSON, then the raw little-endian tensors that it announces, one after another; the
//! header [`HEADER_LENGTH`] says where the JSON ends. Nothing here does input or output: messages are
//! encoded to bytes and decoded from them, and what they announce is checked before memory is asked for.
//!
//! How crossing tensors are written:
//!
//! | codec | tensors in the message |
//! | --- | --- |
//! | `f32` | `name`, FP32 |
//! | `f16` | `name`, FP16 |
//! | `int8` | `name`, INT8 with `parameters: {"codec": "int8"}`, and `name.scales`, FP32 `[C]` |
//! | `alpha8` | `name`, UINT8 with `parameters: {"codec": "alpha8"}`: a mask, 255 times alpha |
//!
//! Parameters of a request: `split` (a name, for reports and checks), `model_sha256` (compared when
//! given), `size` (`"WxH"`, when it is not the model's own). The tensors name the body to run: it is what
//! lies between the request's `inputs` and its `outputs`. An output's parameter `codec` asks for a codec;
//! `alpha8` only of the mask, which then comes as alpha whatever the net makes of it (`logit` models get
//! their sigmoid). A client that accepts gzip gets answers that are masks compressed by HTTP's own means.
//! Our server's answers carry `server_millis`, `queue_millis` and `executor`.
//!
//! A picture is sent as one BYTES input called `image`, shape `[1]`, with the parameter `content_type`.

pub mod client;
mod header;
mod numbers;
mod parameters;
mod read;
mod read_response;
mod request;
mod response;
mod tensors;

pub use header::{Datatype, Parameters};
pub use request::{InferRequest, Input, RequestHead, RequestParameters, Upload, WantedOutput};
pub use response::{ErrorBody, InferResponse, ServerReport, kind_of_code};
pub use tensors::NamedTensor;

use crate::error::{Result, bail, brief, error};

/// The HTTP header that carries the length of a message's JSON part.
pub const HEADER_LENGTH: &str = "Inference-Header-Content-Length";

/// The content type of messages with raw tensors.
pub const BINARY: &str = "application/octet-stream";

/// The name of a picture among a request's inputs.
pub const IMAGE: &str = "image";

/// What a reader is willing to hold, whatever a message announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The JSON part of a message with raw tensors.
    pub json_bytes: usize,
    /// Tensors a message, scales included.
    pub tensors: usize,
    /// An encoded picture.
    pub picture_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { json_bytes: 64 << 10, tensors: 64, picture_bytes: 32 << 20 }
    }
}

/// A message ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Value of [`HEADER_LENGTH`].
    pub json_bytes: usize,
    /// JSON, then tensors.
    pub body: Vec<u8>,
}

impl Encoded {
    fn join(header: &impl serde::Serialize, payloads: &[impl AsRef<[u8]>]) -> Result<Self> {
        let mut body = serde_json::to_vec(header)
            .map_err(|e| error!(Internal, "the message's header cannot be written").with_source(e))?;
        let json_bytes = body.len();
        body.reserve_exact(payloads.iter().map(|payload| payload.as_ref().len()).sum());
        for payload in payloads {
            body.extend_from_slice(payload.as_ref());
        }
        Ok(Self { json_bytes, body })
    }
}

/// Divides a body where its JSON ends; without a length, all of it is JSON.
///
/// # Errors
/// `BadMessage` when the length is more than the body or than the limit.
pub fn divide<'a>(json_bytes: Option<usize>, body: &'a [u8], limits: &Limits) -> Result<(&'a [u8], &'a [u8])> {
    let Some(json_bytes) = json_bytes else {
        return Ok((body, &[]));
    };
    if json_bytes > limits.json_bytes {
        bail!(BadMessage, "{HEADER_LENGTH} {json_bytes}: expected at most {}", limits.json_bytes);
    }
    body.split_at_checked(json_bytes)
        .ok_or_else(|| error!(BadMessage, "{HEADER_LENGTH} {json_bytes}: the body has {} bytes", body.len()))
}

/// `WxH` as in the parameter `size`.
pub(crate) fn size_text(size: [usize; 2]) -> String {
    format!("{}x{}", size[0], size[1])
}

/// Width and height from `WxH`.
///
/// # Errors
/// `BadMessage` when it is not of that form or a side is zero.
pub(crate) fn parse_size(text: &str) -> Result<[usize; 2]> {
    let sides = text.split_once('x').and_then(|(width, height)| Some([width.parse().ok()?, height.parse().ok()?]));
    sides
        .filter(|size: &[usize; 2]| !size.contains(&0))
        .ok_or_else(|| error!(BadMessage, "size {}: expected WIDTHxHEIGHT, as in 512x512", brief(text)))
}
