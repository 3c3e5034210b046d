//! What the adapter can do at most, measured and not read off a data sheet.

use super::timed;
use crate::error::Result;
use crate::gpu::{Gpu, Program};
use crate::kernels::ceiling_arithmetic::{self, Variant};
use crate::kernels::{Extent, Launch, ceiling_bandwidth};
use crate::model::Weights;
use crate::plan::{Dispatch, Layout, Operand, Phase, Plan, Value};
use serde::Serialize;
use std::sync::Arc;

/// Measured limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ceilings {
    /// Multiply-adds in f32, two operations each, in 10^9 a second.
    pub f32_gflops: f64,
    /// The same in f16; null, since no kernel computes in f16.
    pub f16_gflops: Option<f64>,
    /// 10^9 bytes a second, read and written, over buffers that no cache holds.
    pub gbytes_per_s: f64,
}

/// Measures both.
///
/// # Errors
/// `AdapterLimit` where the device has no clock; `Device` when it fails.
pub fn ceilings(gpu: &Arc<Gpu>) -> Result<Ceilings> {
    let mut f32_gflops: f64 = 0.0;
    let variant = Variant { chains: 4, steps: 4, half: false };
    // A GPU needs many invocations and rounds to show its rate; a software adapter would take minutes for them.
    for (rounds, invocations) in [(64, 1 << 12), (256, 1 << 14), (512, 1 << 18)] {
        let micros = time(gpu, ceiling_arithmetic::launch(variant, rounds, invocations), invocations)?;
        let macs = u64::from(rounds) * invocations as u64 * variant.macs_a_round();
        f32_gflops = f32_gflops.max(2e-3 * macs as f64 / micros);
        if micros > 100e3 {
            break;
        }
    }
    // 64 MiB each way: beyond the caches of the adapters at hand, within every binding limit.
    let vec4s = (64 << 20) / 16;
    let micros = time(gpu, ceiling_bandwidth::launch(vec4s), vec4s)?;
    Ok(Ceilings { f32_gflops, f16_gflops: None, gbytes_per_s: 2.0 * 16e-3 * vec4s as f64 / micros })
}

/// Microseconds of a launch that reads and writes `vec4s`.
fn time(gpu: &Arc<Gpu>, launch: Launch, vec4s: usize) -> Result<f64> {
    let extent = Extent { height: 1, width: vec4s, channels: 4 };
    let value = |name: &str, buffer| Value { name: name.into(), extent, layout: Layout::Quads, buffer };
    let dispatch = Dispatch { node: "ceiling".into(), launch, reads: vec![Operand::Value(0)], output: 1, macs: 0 };
    let plan = Plan {
        values: vec![value("input", 0), value("output", 1)],
        buffers: vec![vec4s as u64 * 16; 2],
        weights: Vec::new(),
        phases: vec![Phase { dispatches: vec![dispatch], ..Phase::default() }],
        widest_bytes: vec4s as u64 * 32,
    };
    let program = pollster::block_on(Program::new(gpu.clone(), plan, &Weights::default()))?;
    Ok(timed(&program, 0, &[])?[0].micros)
}
