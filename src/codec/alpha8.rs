//! Alpha in bytes, as pictures have it.

use crate::error::{Result, bail};

/// 255 times each value, rounded to nearest.
pub(super) fn encode(values: &[f32]) -> Result<Vec<u8>> {
    if let Some(place) = values.iter().position(|value| value.is_nan()) {
        bail!(BadArgument, "value {place} of a mask is no number");
    }
    Ok(values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect())
}

pub(super) fn decode(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect()
}
