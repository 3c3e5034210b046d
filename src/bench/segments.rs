//! Whole segments of a model: the sum of their kernels, and what stands between.

use super::{Ceilings, Inputs, Part, RUNS, inputs, lower, repeated, run, time};
use crate::error::Result;
use crate::gpu::{DispatchTime, Gpu, Program};
use crate::graph::Graph;
use crate::graph::fuse::fuse;
use crate::kernels::Precision;
use crate::model::Weights;
use crate::platform::now_millis;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One part of a model, run from its inputs on the host to its outputs on the host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentTime {
    /// Model, split and part.
    pub segment: String,
    /// Width, height of the net's input.
    pub size: [usize; 2],
    /// Median wall time of a run: uploads, submits, readbacks.
    pub wall_millis: f64,
    /// Wall time of a run where two threads keep the device busy, each bringing its inputs there while the other's are
    /// computed; null where several phases belong together.
    pub overlapped_millis: Option<f64>,
    /// Fusing, planning, allocating, packing weights and compiling, before the first run.
    pub setup_millis: f64,
    /// The device's time in dispatches, of a run with timestamps beside the median one.
    pub kernels_millis: f64,
    /// The device's time from the end of one dispatch to the start of the next, of the same run. Each dispatch has
    /// a pass of its own there, which widens the gaps, and copies into textures stand in them.
    pub gaps_millis: f64,
    /// What activations and weights are in memory.
    pub dtype: &'static str,
    /// Multiply-adds of the graph.
    pub macs: u64,
    /// Two operations a multiply-add over the wall time.
    pub gflops: f64,
    /// That over the adapter's ceiling.
    pub share_of_ceiling: f64,
    /// Dispatches of a run.
    pub dispatches: usize,
    /// Submits of a run.
    pub submits: usize,
    /// Readbacks of a run.
    pub readbacks: usize,
    /// Bytes of everything that was allocated: activations, weights, parameters, readbacks, and textures where the
    /// device reads those.
    pub peak_bytes: u64,
    /// Bytes of activation buffers.
    pub activation_bytes: u64,
    /// Bytes of activations at the widest moment: no plan can need less.
    pub widest_bytes: u64,
    /// Bytes of weights on the device.
    pub weight_bytes: u64,
    /// The device's milliseconds by kernel.
    pub by_kernel: BTreeMap<String, f64>,
}

/// Times a part of a model, fused as a session would.
///
/// # Errors
/// As making and running a program.
pub fn segment(
    gpu: &Arc<Gpu>,
    ceilings: &Ceilings,
    part: &Part,
    size: [usize; 2],
    weights: &Weights,
    precision: Precision,
) -> Result<SegmentTime> {
    let start = now_millis();
    let phases: Vec<(Graph, Vec<String>)> =
        part.phases.iter().map(|(graph, outputs)| (fuse(graph), outputs.clone())).collect();
    let program = pollster::block_on(Program::new(gpu.clone(), lower(&gpu.tuning(), precision, &phases)?, weights))?;
    let setup_millis = now_millis() - start;
    let inputs = inputs(&program);
    // In turns, so that whatever else slows the machine down does so to both.
    let mut runs = repeated(RUNS, || Ok((run_millis(&program, &inputs)?, time(&program, &inputs)?)))?;
    runs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (wall_millis, middle) = runs.swap_remove(runs.len() / 2);
    let overlapped_millis = if inputs.len() == 1 { Some(overlapped_millis(&program, &inputs)?) } else { None };
    let macs = phases.iter().map(|(graph, _)| graph.macs()).sum();
    let gflops = 2e-6 * macs as f64 / wall_millis;
    let plan = program.plan();
    Ok(SegmentTime {
        segment: part.name.clone(),
        size,
        dtype: precision.name(),
        wall_millis,
        overlapped_millis,
        setup_millis,
        kernels_millis: kernels_millis(&middle),
        gaps_millis: middle.iter().map(|phase| gaps_millis(phase)).sum(),
        macs,
        gflops,
        share_of_ceiling: gflops / ceilings.f32_gflops,
        dispatches: plan.dispatch_count(),
        submits: plan.phases.len(),
        readbacks: plan.phases.iter().filter(|phase| !phase.readbacks.is_empty()).count(),
        peak_bytes: program.allocated_bytes(),
        activation_bytes: plan.activation_bytes(),
        widest_bytes: plan.widest_bytes,
        weight_bytes: plan.weight_bytes(),
        by_kernel: by_kernel(&middle),
    })
}

/// Runs of each of two threads.
const OVERLAPPED_RUNS: usize = 2;

fn overlapped_millis(program: &Program, inputs: &Inputs) -> Result<f64> {
    let start = now_millis();
    std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(|| (0..OVERLAPPED_RUNS).try_for_each(|_| run(program, inputs))));
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok((now_millis() - start) / (2 * OVERLAPPED_RUNS) as f64)
}

fn run_millis(program: &Program, inputs: &Inputs) -> Result<f64> {
    let start = now_millis();
    run(program, inputs)?;
    Ok(now_millis() - start)
}

fn kernels_millis(phases: &[Vec<DispatchTime>]) -> f64 {
    phases.iter().flatten().map(|time| time.micros).sum::<f64>() / 1e3
}

/// From the end of each dispatch of a phase to the start of the next.
pub(super) fn gaps_millis(phase: &[DispatchTime]) -> f64 {
    let gap = |pair: &[DispatchTime]| pair[1].start_micros - pair[0].start_micros - pair[0].micros;
    // Clocks of some devices tick slowly enough to put a start before an end.
    phase.windows(2).map(|pair| gap(pair).max(0.0)).sum::<f64>() / 1e3
}

fn by_kernel(phases: &[Vec<DispatchTime>]) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for time in phases.iter().flatten() {
        *shares.entry(time.kernel.clone()).or_insert(0.0) += time.micros / 1e3;
    }
    shares
}
