//! Whole segments of a model: the sum of their kernels, and what stands between.

use super::{Ceilings, noise, timed};
use crate::error::Result;
use crate::gpu::{DispatchTime, Gpu, Program};
use crate::graph::Graph;
use crate::graph::fuse::fuse;
use crate::model::Weights;
use crate::plan;
use crate::platform::now_millis;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One segment, run from input on the host to output on the host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentTime {
    /// Model, split and part.
    pub segment: String,
    /// Width, height of the net's input.
    pub size: [usize; 2],
    /// Wall time of one run: upload, one submit, readback.
    pub wall_millis: f64,
    /// Allocating, packing weights and compiling, before the first run.
    pub setup_millis: f64,
    /// The device's time in dispatches.
    pub kernels_millis: f64,
    /// Multiply-adds of the graph.
    pub macs: u64,
    /// Two operations a multiply-add over the wall time.
    pub gflops: f64,
    /// That over the adapter's ceiling.
    pub share_of_ceiling: f64,
    /// Dispatches of a run.
    pub dispatches: usize,
    /// Bytes of activation buffers, and of the widest moment.
    pub activation_bytes: u64,
    /// No plan can need less.
    pub widest_bytes: u64,
    /// Bytes of weights on the device.
    pub weight_bytes: u64,
    /// The device's milliseconds by kernel.
    pub by_kernel: BTreeMap<String, f64>,
}

/// Times one segment of a graph, fused as a session would.
///
/// # Errors
/// As making and running a program.
pub fn segment(
    gpu: &Arc<Gpu>,
    ceilings: &Ceilings,
    name: String,
    size: [usize; 2],
    graph: &Graph,
    weights: &Weights,
) -> Result<SegmentTime> {
    let start = now_millis();
    let graph = fuse(graph);
    let outputs: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
    let plan = plan::lower(&[(&graph, &outputs)], &gpu.tuning())?;
    let program = pollster::block_on(Program::new(gpu.clone(), plan, weights))?;
    let setup_millis = now_millis() - start;
    let inputs: Vec<Vec<f32>> =
        (1..).zip(&graph.inputs).map(|(seed, &id)| noise(graph.tensors[id].shape.iter().product(), seed)).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let times = timed(&program, 0, &inputs)?;
    let start = now_millis();
    pollster::block_on(program.run(0, &inputs))?;
    let wall_millis = now_millis() - start;
    let plan = program.plan();
    let gflops = 2e-6 * graph.macs() as f64 / wall_millis;
    Ok(SegmentTime {
        segment: name,
        size,
        wall_millis,
        setup_millis,
        kernels_millis: sum(&times),
        macs: graph.macs(),
        gflops,
        share_of_ceiling: gflops / ceilings.f32_gflops,
        dispatches: plan.dispatch_count(),
        activation_bytes: plan.activation_bytes(),
        widest_bytes: plan.widest_bytes,
        weight_bytes: plan.weight_bytes(),
        by_kernel: by_kernel(&times),
    })
}

fn sum(times: &[DispatchTime]) -> f64 {
    times.iter().map(|time| time.micros).sum::<f64>() / 1e3
}

fn by_kernel(times: &[DispatchTime]) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for time in times {
        *shares.entry(time.kernel.clone()).or_insert(0.0) += time.micros / 1e3;
    }
    shares
}
