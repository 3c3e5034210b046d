//! The JSON part of messages when it is read. Whoever sent it may be anybody, so memory does not follow from what
//! the JSON holds: texts, shapes and lists have limits, parameters that nobody knows are skipped, and numbers stay
//! text until it is known how many there must be.

use super::header::Datatype;
use crate::error::{Result, bail, brief, error};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;

/// The longest name or other text, in bytes.
const TEXT_BYTES: usize = 1024;

/// The most dimensions of a tensor.
const DIMENSIONS: usize = 8;

/// The most inputs or outputs that are looked at; [`super::Limits::tensors`] is stricter.
const LISTED: usize = 1024;

/// Every parameter that means anything here, whether of a message, a tensor or an output.
const KNOWN: [&str; 11] = [
    "binary_data",
    "binary_data_output",
    "binary_data_size",
    "codec",
    "content_type",
    "executor",
    "model_sha256",
    "queue_millis",
    "server_millis",
    "size",
    "split",
];

/// A tensor as a message announces it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TensorHeader {
    pub(super) name: String,
    pub(super) datatype: Datatype,
    pub(super) shape: Vec<usize>,
    pub(super) parameters: KnownParameters,
    /// Where in the JSON its numbers stand.
    pub(super) data: Option<Range<usize>>,
}

/// An output as a request asks for it.
#[derive(Debug, Deserialize)]
pub(super) struct OutputHeader {
    #[serde(deserialize_with = "text")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) parameters: KnownParameters,
}

/// The JSON of a request or of a response; each has some of the fields.
#[derive(Debug)]
pub(super) struct MessageHeader {
    pub(super) model_name: String,
    pub(super) parameters: KnownParameters,
    pub(super) inputs: Vec<TensorHeader>,
    pub(super) outputs: Vec<OutputHeader>,
}

#[derive(Deserialize)]
struct JsonTensor<'a> {
    #[serde(deserialize_with = "text")]
    name: String,
    datatype: Datatype,
    #[serde(deserialize_with = "shape")]
    shape: Vec<usize>,
    #[serde(default)]
    parameters: KnownParameters,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct JsonRequest<'a> {
    #[serde(default)]
    parameters: KnownParameters,
    #[serde(borrow, deserialize_with = "list")]
    inputs: Vec<JsonTensor<'a>>,
    #[serde(default, deserialize_with = "list")]
    outputs: Vec<OutputHeader>,
}

#[derive(Deserialize)]
struct JsonResponse<'a> {
    #[serde(default, deserialize_with = "text")]
    model_name: String,
    #[serde(default)]
    parameters: KnownParameters,
    #[serde(borrow, deserialize_with = "list")]
    outputs: Vec<JsonTensor<'a>>,
}

/// Reads a request's JSON.
///
/// # Errors
/// `BadMessage` when it is none.
pub(super) fn request(json: &[u8]) -> Result<MessageHeader> {
    let read: JsonRequest<'_> = serde_json::from_slice(json)
        .map_err(|e| error!(BadMessage, "the request's JSON is not an inference request").with_source(e))?;
    let inputs = located(read.inputs, json);
    Ok(MessageHeader { model_name: String::new(), parameters: read.parameters, inputs, outputs: read.outputs })
}

/// Reads a response's JSON; what it holds stands under `inputs`, as it does for a request.
///
/// # Errors
/// `BadMessage` when it is none.
pub(super) fn response(json: &[u8]) -> Result<MessageHeader> {
    let read: JsonResponse<'_> = serde_json::from_slice(json)
        .map_err(|e| error!(BadMessage, "the answer's JSON is not an inference response").with_source(e))?;
    let inputs = located(read.outputs, json);
    Ok(MessageHeader { model_name: read.model_name, parameters: read.parameters, inputs, outputs: Vec::new() })
}

fn located(tensors: Vec<JsonTensor<'_>>, json: &[u8]) -> Vec<TensorHeader> {
    let place = |data: &RawValue| {
        let start = data.get().as_ptr() as usize - json.as_ptr() as usize;
        start..start + data.get().len()
    };
    let tensors = tensors.into_iter().map(|JsonTensor { name, datatype, shape, parameters, data }| TensorHeader {
        name,
        datatype,
        shape,
        parameters,
        data: data.map(place),
    });
    tensors.collect()
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

/// The value of a parameter. Lists and objects mean nothing here and are not kept.
#[derive(Clone, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Natural(u64),
    Number(f64),
    Flag(bool),
    Other,
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Natural(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Other => f.write_str("null, a list or an object"),
        }
    }
}

/// The parameters among [`KNOWN`] that a message, a tensor or an output has; the last one where one is repeated.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct KnownParameters(Vec<(&'static str, Scalar)>);

impl KnownParameters {
    pub(super) fn get(&self, key: &str) -> Option<&Scalar> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// A parameter that must be text where it is given.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Scalar::Text(text)) => Ok(Some(text)),
            Some(other) => Err(error!(BadMessage, "parameter {key:?}: expected a string, found {}", brief(other))),
        }
    }

    /// A parameter that must be a boolean where it is given.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Scalar::Flag(flag)) => Ok(Some(*flag)),
            Some(other) => Err(error!(BadMessage, "parameter {key:?}: expected true or false, found {}", brief(other))),
        }
    }

    /// A number, where it is one.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Scalar::Natural(number) => Some(*number as f64),
            Scalar::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for KnownParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = KnownParameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KnownParameters, A::Error> {
                let mut known: Vec<(&'static str, Scalar)> = Vec::new();
                while let Some(key) = map.next_key_seed(KnownKey)? {
                    let Some(key) = key else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value::<Scalar>()?;
                    match known.iter_mut().find(|(name, _)| *name == key) {
                        Some(earlier) => earlier.1 = value,
                        None => known.push((key, value)),
                    }
                }
                Ok(KnownParameters(known))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// One of [`KNOWN`], or `None`.
struct KnownKey;

impl<'de> DeserializeSeed<'de> for KnownKey {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KnownKey {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(KNOWN.into_iter().find(|known| *known == name))
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a parameter")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(short(text)?))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Natural(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar::Flag(flag))
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn short<E: serde::de::Error>(text: &str) -> Result<String, E> {
    if text.len() > TEXT_BYTES {
        return Err(E::custom(format_args!("a text of {} bytes: expected at most {TEXT_BYTES}", text.len())));
    }
    Ok(text.to_owned())
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

/// Little-endian f32 of numbers in JSON, flat or nested in any way, since the protocol allows both. There must be
/// `count` of them.
///
/// # Errors
/// `BadMessage` when there are more or fewer, or what stands there is not numbers.
pub(super) fn numbers(json: &[u8], count: usize) -> Result<Vec<u8>> {
    // A number and what follows it are 2 characters or more.
    let mut bytes = Vec::with_capacity(count.min(json.len() / 2 + 1) * size_of::<f32>());
    let mut reader = serde_json::Deserializer::from_slice(json);
    Flatten { bytes: &mut bytes, count }
        .deserialize(&mut reader)
        .map_err(|e| error!(BadMessage, "the numbers cannot be read").with_source(e))?;
    let found = bytes.len() / size_of::<f32>();
    if found != count {
        bail!(BadMessage, "expected {count} numbers, found {found}");
    }
    Ok(bytes)
}

/// Appends whatever it meets to one list, so that nesting costs no memory.
struct Flatten<'a> {
    bytes: &'a mut Vec<u8>,
    count: usize,
}

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
        if self.bytes.len() / size_of::<f32>() == self.count {
            return Err(E::custom(format_args!("more than {} numbers", self.count)));
        }
        self.bytes.extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_f64(number as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { bytes, count } = self;
        while list.next_element_seed(Flatten { bytes: &mut *bytes, count })?.is_some() {}
        Ok(())
    }
}
