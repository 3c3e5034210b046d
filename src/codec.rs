//! Tensors that cross the cut, to bytes and back.
//!
//! Everything is little-endian and row-major (NCHW). A coded tensor says how it is coded; the shape
//! that the reader expects decides what is allocated, never a number that came with the bytes.
//!
//! ```
//! use headwater::codec::{Codec, decode, encode};
//! use headwater::tensor::Tensor;
//!
//! let crossing = Tensor::new(vec![1, 2, 1, 2], vec![0.0, 1.27, 5.0, -2.5])?;
//! let coded = encode(Codec::Int8, &crossing)?;
//! assert_eq!(coded.byte_count(), 4 + 2 * 4); // a byte a value and a scale a channel
//! let back = decode(&coded, crossing.shape())?;
//! assert!((back.data()[3] + 2.5).abs() <= 5.0 / 127.0 / 2.0); // at most half a step of its channel
//! # Ok::<(), headwater::Error>(())
//! ```

mod alpha8;
mod half;
mod int8;

use crate::error::{Error, Result, bail, brief, error};
use crate::tensor::{Tensor, value_count};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How the values of a crossing tensor are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// IEEE 754 single precision, bit for bit: 4 bytes a value.
    F32,
    /// IEEE 754 half precision, rounded to nearest even: 2 bytes a value. Values beyond ±65504,
    /// infinities included, become ±65504, since one overflow would spread through every layer
    /// behind it; NaN stays NaN.
    F16,
    /// Signed bytes with one scale a channel (axis 1): 1 byte a value. `scale = absmax / 127`,
    /// `byte = round_to_even(x / scale)`: the error is at most half a scale and zero stays zero.
    /// NaN and infinities are refused.
    Int8,
    /// A mask: alpha from 0 to 1 in levels of 1/255, rounded to nearest, 1 byte a value; the error is at most
    /// half a level. Values outside are brought inside and NaN is refused. For masks, not for features.
    Alpha8,
}

impl Codec {
    /// Every codec that carries any tensor, the most exact first.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Int8];

    /// The name on the command line and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Int8 => "int8",
            Self::Alpha8 => "alpha8",
        }
    }

    /// Bytes that the values of `shape` take, scales not counted.
    ///
    /// # Errors
    /// `BadShape` when no tensor has that shape.
    pub fn byte_count(self, shape: &[usize]) -> Result<usize> {
        let bytes = match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Int8 | Self::Alpha8 => 1,
        };
        let too_large = || error!(BadShape, "shape {} does not fit this machine's memory", brief(shape));
        value_count(shape)?.checked_mul(bytes).ok_or_else(too_large)
    }

    /// How many scales go with the values of `shape`: one a channel for `int8`, else none.
    pub fn scale_count(self, shape: &[usize]) -> usize {
        match self {
            Self::Int8 => channels(shape),
            Self::F32 | Self::F16 | Self::Alpha8 => 0,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Codec {
    type Err = Error;

    /// One of [`Codec::ALL`].
    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name() == name)
            .ok_or_else(|| error!(BadArgument, "codec {}: expected f32, f16 or int8", brief(name)))
    }
}

/// A tensor as it travels.
#[derive(Debug, Clone, PartialEq)]
pub struct Coded<'a> {
    /// How to read `bytes`.
    pub codec: Codec,
    /// As the sender states it; the receiver compares it with what it expects.
    pub shape: Vec<usize>,
    /// The values.
    pub bytes: Cow<'a, [u8]>,
    /// One a channel for [`Codec::Int8`], else empty.
    pub scales: Vec<f32>,
}

impl Coded<'_> {
    /// Bytes that travel, scales included.
    pub fn byte_count(&self) -> usize {
        self.bytes.len() + self.scales.len() * 4
    }
}

/// Writes `tensor` with `codec`.
///
/// # Errors
/// `BadArgument` when `int8` meets a value that is not finite, or `alpha8` one that is no number.
pub fn encode(codec: Codec, tensor: &Tensor) -> Result<Coded<'_>> {
    let shape = tensor.shape().to_vec();
    let (bytes, scales) = match codec {
        Codec::F32 => (f32_bytes(tensor.data()), Vec::new()),
        Codec::F16 => (Cow::Owned(half::encode(tensor.data())), Vec::new()),
        Codec::Int8 => {
            let (bytes, scales) = int8::encode(tensor.data(), channels(&shape))?;
            (Cow::Owned(bytes), scales)
        }
        Codec::Alpha8 => (Cow::Owned(alpha8::encode(tensor.data())?), Vec::new()),
    };
    Ok(Coded { codec, shape, bytes, scales })
}

/// Reads a tensor that must have `expected_shape`.
///
/// # Errors
/// `BadShape` when it has another shape; `BadMessage` when bytes or scales are not as many as the
/// shape needs, or a scale is negative or not finite.
pub fn decode(coded: &Coded<'_>, expected_shape: &[usize]) -> Result<Tensor> {
    check(coded.codec, &coded.shape, expected_shape, coded.bytes.len(), coded.scales.len())?;
    let values = match coded.codec {
        Codec::F32 => coded.bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Codec::F16 => half::decode(&coded.bytes),
        Codec::Int8 => int8::decode(&coded.bytes, &coded.scales)?,
        Codec::Alpha8 => alpha8::decode(&coded.bytes),
    };
    Tensor::new(coded.shape.clone(), values)
}

/// Compares what a message announces with what is expected, before its bytes are looked at.
///
/// # Errors
/// `BadShape` and `BadMessage`, as [`decode`].
pub fn check(codec: Codec, shape: &[usize], expected: &[usize], byte_count: usize, scales: usize) -> Result<()> {
    if shape != expected {
        bail!(BadShape, "expected shape {}, found {}", brief(expected), brief(shape));
    }
    let expected_bytes = codec.byte_count(expected)?;
    if byte_count != expected_bytes {
        bail!(BadMessage, "{codec} of shape {}: expected {expected_bytes} bytes, found {byte_count}", brief(shape));
    }
    let expected_scales = codec.scale_count(expected);
    if scales != expected_scales {
        bail!(BadMessage, "{codec} of shape {}: expected {expected_scales} scales, found {scales}", brief(shape));
    }
    Ok(())
}

/// Axis 1; tensors without one are a single channel.
fn channels(shape: &[usize]) -> usize {
    shape.get(1).copied().unwrap_or(1)
}

/// Little-endian bytes, without a copy where that is how they lie in memory.
pub(crate) fn f32_bytes(values: &[f32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(values))
    } else {
        Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

#[cfg(test)]
mod tests;
