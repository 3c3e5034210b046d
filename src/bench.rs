//! How fast the kernels are on an adapter, against what that adapter can do at all.
//!
//! Kernels are timed by the device's own timestamps around each dispatch, whole runs by the clock on the wall;
//! always the median of several runs after one that is not counted. No kernel is timed before a small case of
//! it has agreed with the reference.

mod bare;
mod cases;
mod ceilings;
mod kernels;
mod overheads;
mod parts;
mod rates;
mod segments;
mod sets;
#[cfg(test)]
mod tests;
mod verify;

pub use cases::Case;
pub use ceilings::{Ceilings, ceilings};
pub use kernels::{KernelTime, Kernels};
pub use parts::{Part, parts};
pub use segments::{SegmentTime, segment};
pub use sets::Set;

use crate::error::Result;
use crate::gpu::{DispatchTime, Program};
use crate::graph::Graph;
use crate::kernels::{Precision, Tuning};
use crate::plan::{self, Plan};
use std::time::Instant;

/// Runs that are counted, at most.
const RUNS: usize = 7;
/// However slow they are: of fewer there is no median.
const LEAST_RUNS: usize = 3;
/// Seconds after which no further run is begun.
const PATIENCE_SECONDS: f64 = 2.0;

/// What every run gives, after one that is not counted: it compiles, pages in and warms caches.
fn repeated<T>(most: usize, mut run: impl FnMut() -> Result<T>) -> Result<Vec<T>> {
    run()?;
    let start = Instant::now();
    let mut results = Vec::new();
    while results.len() < LEAST_RUNS || results.len() < most && start.elapsed().as_secs_f64() < PATIENCE_SECONDS {
        results.push(run()?);
    }
    Ok(results)
}

/// The median of the microseconds that the clock on the wall counts.
fn wall_micros<T>(most: usize, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
    let runs = repeated(most, || {
        let start = Instant::now();
        run()?;
        Ok(1e6 * start.elapsed().as_secs_f64())
    })?;
    Ok(median(runs))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a program's host writes: for each phase, for each upload.
type Inputs = Vec<Vec<Vec<f32>>>;

fn inputs(program: &Program) -> Inputs {
    let plan = program.plan();
    let values = |uploads: &[usize]| {
        (1..).zip(uploads).map(|(seed, &id)| noise((plan.values[id].bytes() / 4) as usize, seed)).collect()
    };
    plan.phases.iter().map(|phase| values(&phase.uploads)).collect()
}

/// Runs all phases, one after the other.
fn run(program: &Program, inputs: &Inputs) -> Result<()> {
    for (phase, inputs) in inputs.iter().enumerate() {
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        pollster::block_on(program.run(phase, &inputs))?;
    }
    Ok(())
}

/// The same, with each dispatch of each phase timed.
fn time(program: &Program, inputs: &Inputs) -> Result<Vec<Vec<DispatchTime>>> {
    let phases = inputs.iter().enumerate();
    let timed = phases.map(|(phase, inputs)| {
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        pollster::block_on(program.time(phase, &inputs))
    });
    timed.collect()
}

/// Fused graphs with the outputs that the host wants, as a plan for this device.
fn lower(tuning: &Tuning, precision: Precision, phases: &[(Graph, Vec<String>)]) -> Result<Plan> {
    let named: Vec<Vec<&str>> =
        phases.iter().map(|(_, outputs)| outputs.iter().map(String::as_str).collect()).collect();
    let segments: Vec<(&Graph, &[&str])> =
        phases.iter().map(|(graph, _)| graph).zip(named.iter().map(Vec::as_slice)).collect();
    plan::lower(&segments, tuning, precision)
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
