//! A quick measure of what a device is good for, by the clock on the wall: a browser may have no other.

use super::{Gpu, Program};
use crate::error::Result;
use crate::kernels::ceiling_arithmetic::{self, Variant};
use crate::kernels::{Extent, Precision};
use crate::model::Weights;
use crate::plan::{Dispatch, Layout, Operand, Phase, Plan, Value};
use crate::platform::now_millis;
use std::sync::Arc;

/// Invocations: enough to occupy a software adapter and a small GPU; a large one shows a part of its rate.
const INVOCATIONS: usize = 1 << 14;
/// A loop of moderate length, as kernels have it.
const VARIANT: Variant = Variant { chains: 16, steps: 1, half: false };
/// A run as long as this is measured well enough above the cost of any submit.
const ENOUGH_MILLIS: f64 = 40.0;

impl Gpu {
    /// The rate of multiply-adds in f32, two operations each, in 10^9 a second: what a small kernel of
    /// nothing else reaches, a lower bound of the device's own. Takes some 100 ms on a software adapter.
    ///
    /// # Errors
    /// `Device` when it fails.
    pub async fn measure(self: &Arc<Self>) -> Result<f64> {
        let mut best: f64 = 0.0;
        for rounds in [64, 256, 1024, 4096, 16384] {
            let program = Program::new(self.clone(), plan(rounds), &Weights::default()).await?;
            // The first run compiles.
            program.run(0, &[]).await?;
            let start = now_millis();
            program.run(0, &[]).await?;
            let millis = now_millis() - start;
            let macs = VARIANT.macs_a_round() * u64::from(rounds) * INVOCATIONS as u64;
            best = best.max(2e-6 * macs as f64 / millis.max(1e-3));
            if millis > ENOUGH_MILLIS {
                break;
            }
        }
        Ok(best)
    }
}

fn plan(rounds: u32) -> Plan {
    let extent = Extent { height: 1, width: INVOCATIONS, channels: 4 };
    let value = |name: &str, buffer| Value { name: name.into(), extent, layout: Layout::Quads(Precision::F32), buffer };
    let launch = ceiling_arithmetic::launch(VARIANT, rounds, INVOCATIONS);
    let dispatch = Dispatch { node: "measure".into(), launch, reads: vec![Operand::Value(0)], output: 1, macs: 0 };
    let bytes = INVOCATIONS as u64 * 16;
    Plan {
        values: vec![value("input", 0), value("output", 1)],
        buffers: vec![bytes; 2],
        weights: Vec::new(),
        phases: vec![Phase { dispatches: vec![dispatch], ..Phase::default() }],
        precision: Precision::F32,
        widest_bytes: 2 * bytes,
    }
}
