//! What the adapter can do at most, measured and not read off a data sheet.

use super::overheads::{dispatch_micros, readback, submit_micros};
use super::rates::{gbytes_per_s, gflops};
use crate::error::Result;
use crate::gpu::Gpu;
use serde::Serialize;
use std::sync::Arc;

/// Measured limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ceilings {
    /// Multiply-adds in f32, two operations each, in 10^9 a second.
    pub f32_gflops: f64,
    /// The same in f16; null where the adapter has none.
    pub f16_gflops: Option<f64>,
    /// 10^9 bytes a second, read and written, over buffers that no cache holds.
    pub gbytes_per_s: f64,
    /// What one more dispatch that does nothing costs on the wall, its recording included, in a pass of many.
    pub dispatch_micros: f64,
    /// A submit of one dispatch that does nothing, from its recording to its end, waited for.
    pub submit_micros: f64,
    /// A submit that brings [`Self::SMALL_BYTES`] to the host.
    pub readback_micros: f64,
    /// 10^9 bytes a second of one that brings [`Self::LARGE_BYTES`], into a vector as a session gets it.
    pub readback_gbytes_per_s: f64,
}

impl Ceilings {
    /// A readback of which only its being one matters.
    pub const SMALL_BYTES: usize = 256;
    /// A readback of which only the bytes matter.
    pub const LARGE_BYTES: usize = 64 << 20;

    /// Share of the nearer ceiling that so many multiply-adds and bytes in so many microseconds are, and what
    /// binds: `arithmetic` or `memory`, or `dispatch` where the dispatches themselves are more than half of it.
    pub(super) fn bound(&self, macs: u64, bytes: u64, dispatches: usize, micros: f64) -> (f64, &'static str) {
        let arithmetic = 2e-3 * macs as f64 / micros / self.f32_gflops;
        let memory = 1e-3 * bytes as f64 / micros / self.gbytes_per_s;
        let bound = if dispatches as f64 * self.dispatch_micros > micros / 2.0 {
            "dispatch"
        } else if arithmetic > memory {
            "arithmetic"
        } else {
            "memory"
        };
        (arithmetic.max(memory), bound)
    }
}

/// Measures all.
///
/// # Errors
/// `AdapterLimit` where the device has no clock; `Device` when it fails.
pub fn ceilings(gpu: &Arc<Gpu>) -> Result<Ceilings> {
    let (readback_micros, readback_gbytes_per_s) = readback(gpu)?;
    Ok(Ceilings {
        f32_gflops: gflops(gpu, false)?,
        f16_gflops: if gpu.info().f16 { Some(gflops(gpu, true)?) } else { None },
        gbytes_per_s: gbytes_per_s(gpu)?,
        dispatch_micros: dispatch_micros(gpu)?,
        submit_micros: submit_micros(gpu)?,
        readback_micros,
        readback_gbytes_per_s,
    })
}
