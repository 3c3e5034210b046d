//! Numbers in a request's JSON.

use crate::error::{Result, bail, error};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use std::fmt;

/// Little-endian f32 of numbers in JSON, flat or nested in any way, since the protocol allows both. There must be
/// `count` of them.
///
/// # Errors
/// `BadMessage` when there are more or fewer, or what stands there is not numbers.
pub(super) fn read(json: &[u8], count: usize) -> Result<Vec<u8>> {
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
