//! The JSON part of messages, as the protocol spells it.

use crate::error::{Result, bail, error};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

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

/// A tensor as a message announces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TensorHeader {
    pub(super) name: String,
    pub(super) datatype: Datatype,
    pub(super) shape: Vec<usize>,
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Numbers>,
}

/// An output as a request asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OutputHeader {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RequestHeader {
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
    pub(super) inputs: Vec<TensorHeader>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) outputs: Vec<OutputHeader>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ResponseHeader {
    #[serde(default)]
    pub(super) model_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model_version: Option<String>,
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub(super) parameters: Parameters,
    pub(super) outputs: Vec<TensorHeader>,
}

impl TensorHeader {
    /// Bytes of the raw payload; `None` when the values stand in the JSON.
    pub(super) fn payload_bytes(&self) -> Result<Option<usize>> {
        let Some(stated) = self.parameters.get("binary_data_size") else {
            if self.data.is_none() {
                bail!(BadMessage, "tensor {:?} has neither binary_data_size nor data", self.name);
            }
            return Ok(None);
        };
        if self.data.is_some() {
            bail!(BadMessage, "tensor {:?} has both binary_data_size and data", self.name);
        }
        let bytes = stated.as_u64().and_then(|bytes| usize::try_from(bytes).ok());
        let bad = || error!(BadMessage, "tensor {:?}: binary_data_size {stated} is no length", self.name);
        bytes.ok_or_else(bad).map(Some)
    }

    /// A parameter that must be text where it is given.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        text(&self.parameters, key).map_err(|e| e.context(format!("tensor {:?}", self.name)))
    }
}

/// A parameter that must be text where it is given.
pub(super) fn text<'a>(parameters: &'a Parameters, key: &str) -> Result<Option<&'a str>> {
    match parameters.get(key) {
        None => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(error!(BadMessage, "parameter {key:?}: expected a string, found {other}")),
    }
}

/// A parameter that must be a boolean where it is given.
pub(super) fn flag(parameters: &Parameters, key: &str) -> Result<Option<bool>> {
    match parameters.get(key) {
        None => Ok(None),
        Some(serde_json::Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(error!(BadMessage, "parameter {key:?}: expected true or false, found {other}")),
    }
}

/// Numbers in JSON, flat or nested in any way: the protocol allows both.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers(pub(super) Vec<f32>);

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut numbers = Vec::new();
        Flatten(&mut numbers).deserialize(deserializer)?;
        Ok(Self(numbers))
    }
}

/// Appends whatever it meets to one list, so that nesting costs no memory.
struct Flatten<'a>(&'a mut Vec<f32>);

impl<'de> DeserializeSeed<'de> for Flatten<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flatten<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers within the range of f32, or lists of them")
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        let number = number as f32;
        if !number.is_finite() {
            return Err(E::invalid_value(serde::de::Unexpected::Other("a larger number"), &self));
        }
        self.0.push(number);
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Flatten(self.0))?.is_some() {}
        Ok(())
    }
}
