//! Numbers in a request's JSON.

use crate::error::{Error, Result, error};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Little-endian f32 of the numbers under `data` of a request's inputs, flat or nested in any way, since the protocol
/// allows both; `counts` says of each input how many there must be, if they are wanted. An input that is not wanted
/// has none here.
///
/// # Errors
/// Which input, and `BadMessage` when there are more numbers or fewer, or what stands there is not numbers.
pub(super) fn read(json: &[u8], counts: &[Option<usize>]) -> Result<Vec<Vec<u8>>, (usize, Error)> {
    let mut state = State { counts, longest: json.len() / 2 + 1, numbers: Vec::new() };
    let read = Message(&mut state).deserialize(&mut serde_json::Deserializer::from_slice(json));
    let State { mut numbers, .. } = state;
    if let Err(e) = read {
        let input = numbers.len().saturating_sub(1);
        return Err((input, error!(BadMessage, "the numbers cannot be read").with_source(e)));
    }
    numbers.resize(counts.len(), Vec::new());
    for (input, (bytes, count)) in numbers.iter().zip(counts).enumerate() {
        let (count, found) = (count.unwrap_or(0), bytes.len() / size_of::<f32>());
        if found != count {
            return Err((input, error!(BadMessage, "expected {count} numbers, found {found}")));
        }
    }
    Ok(numbers)
}

/// Where reading stands.
struct State<'a> {
    counts: &'a [Option<usize>],
    /// The most numbers that the JSON has room for: a number and what follows it are 2 characters or more.
    longest: usize,
    /// Of the inputs so far.
    numbers: Vec<Vec<u8>>,
}

/// Whether a key is this one.
struct Key(&'static str);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

/// A request.
struct Message<'s, 'a>(&'s mut State<'a>);

impl<'de> DeserializeSeed<'de> for Message<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Message<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an inference request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(is_inputs) = map.next_key_seed(Key("inputs"))? {
            if is_inputs {
                map.next_value_seed(Inputs(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The list of inputs.
struct Inputs<'s, 'a>(&'s mut State<'a>);

impl<'de> DeserializeSeed<'de> for Inputs<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Inputs<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of inputs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(&count) = self.0.counts.get(self.0.numbers.len()) {
            let mut bytes = Vec::new();
            let there = match count {
                Some(count) => {
                    bytes.reserve_exact(count.min(self.0.longest) * size_of::<f32>());
                    self.0.numbers.push(Vec::new());
                    list.next_element_seed(Input { bytes: &mut bytes, count })?.is_some()
                }
                None => {
                    self.0.numbers.push(Vec::new());
                    list.next_element::<IgnoredAny>()?.is_some()
                }
            };
            if !there {
                return Ok(());
            }
            if let Some(last) = self.0.numbers.last_mut() {
                *last = bytes;
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// One input whose numbers are wanted.
struct Input<'a> {
    bytes: &'a mut Vec<u8>,
    count: usize,
}

impl<'de> DeserializeSeed<'de> for Input<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Input<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an input")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { bytes, count } = self;
        while let Some(is_data) = map.next_key_seed(Key("data"))? {
            if is_data {
                map.next_value_seed(Flatten { bytes: &mut *bytes, count })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
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
