//! The JSON part of messages, as the protocol spells it, when it is written.

use super::tensors::Numbers;
use serde::{Deserialize, Serialize};

/// Free-form values beside a message, a tensor or an output.
pub type Parameters = serde_json::Map<String, serde_json::Value>;

/// The protocol's tensor types, as far as they travel here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Datatype {
    /// IEEE 754 single precision.
    #[serde(rename = "FP32")]
    Fp32,
    /// IEEE 754 half precision; has no JSON form.
    #[serde(rename = "FP16")]
    Fp16,
    /// Signed bytes.
    #[serde(rename = "INT8")]
    Int8,
    /// Bytes.
    #[serde(rename = "UINT8")]
    Uint8,
    /// Elements of any length, each behind its length in 4 bytes.
    #[serde(rename = "BYTES")]
    Bytes,
}

impl Datatype {
    /// The one that the protocol calls `name`.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "FP32" => Self::Fp32,
            "FP16" => Self::Fp16,
            "INT8" => Self::Int8,
            "UINT8" => Self::Uint8,
            "BYTES" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A tensor that a message announces.
#[derive(Debug, Serialize)]
pub(super) struct WrittenTensor<'a> {
    pub(super) name: std::borrow::Cow<'a, str>,
    pub(super) datatype: Datatype,
    pub(super) shape: std::borrow::Cow<'a, [usize]>,
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Numbers<'a>>,
}

/// An output as a request asks for it.
#[derive(Debug, Serialize)]
pub(super) struct WrittenOutput<'a> {
    pub(super) name: &'a str,
    pub(super) parameters: Parameters,
}

#[derive(Debug, Serialize)]
pub(super) struct WrittenRequest<'a> {
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
    pub(super) inputs: Vec<WrittenTensor<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) outputs: Vec<WrittenOutput<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct WrittenResponse<'a> {
    pub(super) model_name: &'a str,
    pub(super) model_version: &'static str,
    pub(super) parameters: Parameters,
    pub(super) outputs: Vec<WrittenTensor<'a>>,
}
