//! What work costs beside the work itself, by the clock on the wall.

use super::{Ceilings, RUNS, bare, inputs, run, wall_micros};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::ceiling_bandwidth;
use std::sync::Arc;

/// Such short things scatter widely.
const SHORT_RUNS: usize = 51;
/// Dispatches of a pass, about as many as a net has.
const DISPATCHES: usize = 256;

/// One more dispatch, each after the one whose result it reads, as they are in a net.
pub(super) fn dispatch_micros(gpu: &Arc<Gpu>) -> Result<f64> {
    // The difference of two passes leaves out what the submit costs.
    let more = wall(gpu, 1, 1 + DISPATCHES, false, SHORT_RUNS)? - wall(gpu, 1, 1, false, SHORT_RUNS)?;
    Ok(more.max(0.0) / DISPATCHES as f64)
}

/// A submit that is waited for.
pub(super) fn submit_micros(gpu: &Arc<Gpu>) -> Result<f64> {
    wall(gpu, 1, 1, false, SHORT_RUNS)
}

/// Microseconds of a small readback, 10^9 bytes a second of a large one.
pub(super) fn readback(gpu: &Arc<Gpu>) -> Result<(f64, f64)> {
    let small = wall(gpu, Ceilings::SMALL_BYTES / 16, 0, true, SHORT_RUNS)?;
    let large = wall(gpu, Ceilings::LARGE_BYTES / 16, 0, true, RUNS)?;
    Ok((small, 1e-3 * Ceilings::LARGE_BYTES as f64 / large))
}

/// Median of a submit of so many dispatches that copy one vec4 each.
fn wall(gpu: &Arc<Gpu>, vec4s: usize, dispatches: usize, readback: bool, runs: usize) -> Result<f64> {
    let program = bare::program(gpu, vec4s, vec![ceiling_bandwidth::launch(1); dispatches], readback)?;
    let inputs = inputs(&program);
    wall_micros(runs, || run(&program, &inputs))
}
