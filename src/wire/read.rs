//! The JSON part of requests when it is read. Whoever sent it may be anybody, so memory does not follow from what
//! the JSON holds: texts, shapes and lists have limits, parameters that nobody knows are skipped, and numbers are
//! read a second time, when it is known how many there must be. (Clients read the answers of the server that
//! they chose, which are short, in `read_response.rs`: half of this would have to be in the Wasm, too.)

use super::header::Datatype;
use super::parameters::{KnownParameters, Scalar, short};
use crate::error::{Result, bail, brief, error};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use std::fmt;

/// The most dimensions of a tensor.
const DIMENSIONS: usize = 8;

/// The most inputs or outputs that are looked at; [`super::Limits::tensors`] is stricter.
const LISTED: usize = 1024;

/// A tensor as a message announces it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorHeader {
    pub(super) name: String,
    pub(super) datatype: Datatype,
    pub(super) shape: Vec<usize>,
    pub(super) parameters: KnownParameters,
    /// Its numbers, where they stand in the JSON.
    pub(super) data: Option<Data>,
}

/// Numbers in a message's JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// Not read yet.
    Unread,
    /// Read, as little-endian f32.
    Read(Vec<u8>),
}

/// An output as a request asks for it.
#[derive(Debug, Deserialize)]
pub(super) struct OutputHeader {
    #[serde(deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: KnownParameters,
}

#[derive(Debug)]
pub(super) struct RequestHeader {
    pub(super) parameters: KnownParameters,
    pub(super) inputs: Vec<TensorHeader>,
    pub(super) outputs: Vec<OutputHeader>,
}

#[derive(Deserialize)]
struct JsonTensor {
    #[serde(deserialize_with = "text")]
    name: String,
    datatype: Datatype,
    #[serde(deserialize_with = "shape")]
    shape: Vec<usize>,
    #[serde(default)]
    parameters: KnownParameters,
    #[serde(default)]
    data: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct JsonRequest {
    #[serde(default)]
    parameters: KnownParameters,
    #[serde(deserialize_with = "list")]
    inputs: Vec<JsonTensor>,
    #[serde(default, deserialize_with = "list")]
    outputs: Vec<OutputHeader>,
}

/// Reads a request's JSON.
///
/// # Errors
/// `BadMessage` when it is none.
pub(super) fn request(json: &[u8]) -> Result<RequestHeader> {
    let read: JsonRequest = serde_json::from_slice(json)
        .map_err(|e| error!(BadMessage, "the request's JSON is not an inference request").with_source(e))?;
    let header = |JsonTensor { name, datatype, shape, parameters, data }| TensorHeader {
        name,
        datatype,
        shape,
        parameters,
        data: data.map(|_| Data::Unread),
    };
    let inputs = read.inputs.into_iter().map(header).collect();
    Ok(RequestHeader { parameters: read.parameters, inputs, outputs: read.outputs })
}

impl TensorHeader {
    /// Bytes of the raw payload; `None` when the values stand in the JSON.
    pub(super) fn payload_bytes(&self) -> Result<Option<usize>> {
        let Some(stated) = self.parameters.get("binary_data_size") else {
            if self.data.is_none() {
                bail!(BadMessage, "tensor {} has neither binary_data_size nor data", brief(&self.name));
            }
            return Ok(None);
        };
        if self.data.is_some() {
            bail!(BadMessage, "tensor {} has both binary_data_size and data", brief(&self.name));
        }
        let bytes = match stated {
            Scalar::Natural(bytes) => usize::try_from(*bytes).ok(),
            _ => None,
        };
        let name = || brief(&self.name);
        let bad = || error!(BadMessage, "tensor {}: binary_data_size {} is no length", name(), brief(stated));
        bytes.ok_or_else(bad).map(Some)
    }

    /// A parameter that must be text where it is given.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        self.parameters.text(key).map_err(|e| e.context(format!("tensor {}", brief(&self.name))))
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Short;
    impl Visitor<'_> for Short {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
            short(text)
        }
    }
    deserializer.deserialize_str(Short)
}

fn shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    deserializer.deserialize_seq(AtMost::<usize>(DIMENSIONS, "dimensions", std::marker::PhantomData))
}

fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(AtMost(LISTED, "tensors", std::marker::PhantomData))
}

/// A list of so many elements at most.
struct AtMost<T>(usize, &'static str, std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtMost<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} {}", self.0, self.1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            if elements.len() == self.0 {
                return Err(A::Error::custom(format_args!("more than {} {}", self.0, self.1)));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}
