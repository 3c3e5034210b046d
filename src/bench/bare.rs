//! Programs of launches that belong to no net.

use crate::error::Result;
use crate::gpu::{Gpu, Program};
use crate::kernels::{Extent, Launch, Precision};
use crate::model::Weights;
use crate::plan::{Dispatch, Layout, Operand, Phase, Plan, Value};
use std::sync::Arc;

/// Launches over two buffers of `vec4s` each, which read one and write the other in turn; the host reads the
/// second where `readback` says so.
pub(super) fn program(gpu: &Arc<Gpu>, vec4s: usize, launches: Vec<Launch>, readback: bool) -> Result<Program> {
    let extent = Extent { height: 1, width: vec4s, channels: 4 };
    let value = |name: &str, buffer| Value { name: name.into(), extent, layout: Layout::Quads(Precision::F32), buffer };
    let dispatches = launches.into_iter().enumerate().map(|(index, launch)| Dispatch {
        node: "ceiling".into(),
        launch,
        reads: vec![Operand::Value(index % 2)],
        output: 1 - index % 2,
        macs: 0,
    });
    let readbacks = if readback { vec![1] } else { Vec::new() };
    let plan = Plan {
        values: vec![value("a", 0), value("b", 1)],
        buffers: vec![vec4s as u64 * 16; 2],
        weights: Vec::new(),
        phases: vec![Phase { dispatches: dispatches.collect(), readbacks, ..Phase::default() }],
        precision: Precision::F32,
        widest_bytes: vec4s as u64 * 32,
    };
    pollster::block_on(Program::new(gpu.clone(), plan, &Weights::default()))
}
