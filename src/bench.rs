//! How fast the kernels are on an adapter, against what that adapter can do at all.
//!
//! Times are the device's own timestamps around each dispatch, the median of several runs after one
//! that is not counted. No kernel is timed before a small case of it has agreed with the reference.

mod ceilings;
mod kernels;
mod segments;

pub use ceilings::{Ceilings, ceilings};
pub use kernels::{KernelTime, kernels};
pub use segments::{SegmentTime, segment};

use crate::error::Result;
use crate::gpu::{DispatchTime, Program};
use std::time::Instant;

/// Runs that are counted, at most; slow ones get fewer.
const RUNS: usize = 7;
/// Seconds after which no further run is begun.
const PATIENCE_SECONDS: f64 = 2.0;

/// Each dispatch's median over several timed runs of a phase, and the first run's wall milliseconds.
fn timed(program: &Program, phase: usize, inputs: &[&[f32]]) -> Result<Vec<DispatchTime>> {
    // The first run compiles, pages in and warms caches.
    pollster::block_on(program.run(phase, inputs))?;
    let start = Instant::now();
    let mut runs: Vec<Vec<DispatchTime>> = Vec::new();
    while runs.len() < RUNS && (runs.is_empty() || start.elapsed().as_secs_f64() < PATIENCE_SECONDS) {
        runs.push(pollster::block_on(program.time(phase, inputs))?);
    }
    let mut times = runs[0].clone();
    for (index, time) in times.iter_mut().enumerate() {
        time.micros = median(runs.iter().map(|run| run[index].micros).collect());
    }
    Ok(times)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Deterministic numbers in -1/2 .. 1/2 (a linear congruential generator, Knuth's MMIX constants).
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    next();
    (0..count).map(|_| next()).collect()
}
