//! Parameters of a message, a tensor or an output: free-form in the protocol, of which few mean anything here.

use crate::error::{Result, brief, error};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The longest name or other text, in bytes.
const TEXT_BYTES: usize = 1024;

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
    /// Those of an object that has been read whole.
    pub(super) fn among(object: &super::Parameters) -> Self {
        let scalar = |value: &Value| match value {
            Value::String(text) => Scalar::Text(text.clone()),
            Value::Bool(flag) => Scalar::Flag(*flag),
            Value::Number(number) => match number.as_u64() {
                Some(number) => Scalar::Natural(number),
                None => number.as_f64().map_or(Scalar::Other, Scalar::Number),
            },
            _ => Scalar::Other,
        };
        Self(KNOWN.into_iter().filter_map(|key| Some((key, scalar(object.get(key)?)))).collect())
    }

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

pub(super) fn short<E: serde::de::Error>(text: &str) -> Result<String, E> {
    if text.len() > TEXT_BYTES {
        return Err(E::custom(format_args!("a text of {} bytes: expected at most {TEXT_BYTES}", text.len())));
    }
    Ok(text.to_owned())
}
