//! Half precision that saturates.

use half::f16;

/// Nearest even; what lies beyond ±65504 becomes ±65504, NaN stays NaN.
pub(super) fn encode(values: &[f32]) -> Vec<u8> {
    let (min, max) = (f16::MIN.to_f32(), f16::MAX.to_f32());
    let mut bytes = Vec::with_capacity(values.len() * 2);
    for value in values {
        bytes.extend(f16::from_f32(value.clamp(min, max)).to_le_bytes());
    }
    bytes
}

/// An odd last byte is left out: lengths are checked before.
pub(super) fn decode(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()
}
