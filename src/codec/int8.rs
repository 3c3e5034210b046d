//! Signed bytes with one scale a channel.
//!
//! Symmetric, so that zero, by far the commonest value behind a ReLU, is exact.

use crate::error::{Result, bail};

/// Bytes and scales of `values`, whose `channels` planes lie one after another.
///
/// A channel whose scale would be subnormal (all zeros, or nothing beyond 1.5e-36) is written as zeros
/// with scale 0.
pub(super) fn encode(values: &[f32], channels: usize) -> Result<(Vec<u8>, Vec<f32>)> {
    let mut bytes = Vec::with_capacity(values.len());
    let mut scales = Vec::with_capacity(channels);
    for (channel, plane) in values.chunks(plane_len(values.len(), channels)).enumerate() {
        let mut largest = 0f32;
        for &value in plane {
            if !value.is_finite() {
                bail!(BadArgument, "channel {channel} holds {value}, which int8 cannot carry: use f32 or f16");
            }
            largest = largest.max(value.abs());
        }
        let scale = largest / 127.0;
        if scale < f32::MIN_POSITIVE {
            scales.push(0.0);
            bytes.resize(bytes.len() + plane.len(), 0);
            continue;
        }
        scales.push(scale);
        // Division, not a product with 1/scale: the reciprocal's own rounding could push a value over a half.
        bytes.extend(plane.iter().map(|value| ((value / scale).round_ties_even() as i8) as u8));
    }
    Ok((bytes, scales))
}

/// The values; finite whatever the bytes are. -128, which no encoder writes, is read as it stands.
pub(super) fn decode(bytes: &[u8], scales: &[f32]) -> Result<Vec<f32>> {
    if let Some(scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale >= 0.0)) {
        bail!(BadMessage, "int8 scale {scale}: expected a finite number, 0 or more");
    }
    let mut values = Vec::with_capacity(bytes.len());
    for (plane, &scale) in bytes.chunks(plane_len(bytes.len(), scales.len())).zip(scales) {
        // 127 times a scale near the largest f32 may round over it.
        values.extend(plane.iter().map(|&byte| (f32::from(byte as i8) * scale).clamp(f32::MIN, f32::MAX)));
    }
    Ok(values)
}

/// Values a channel. Shapes and counts were checked before; 1 only keeps `chunks` from panicking.
fn plane_len(values: usize, channels: usize) -> usize {
    (values / channels.max(1)).max(1)
}
