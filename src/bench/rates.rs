//! Arithmetic and memory traffic, by the device's clock.

use super::{RUNS, bare, inputs, median, repeated, time};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::ceiling_arithmetic::{self, Variant};
use crate::kernels::{Launch, ceiling_bandwidth};
use std::sync::Arc;

/// Chains that are tried. With registers enough they come out alike.
const CHAINS: [usize; 3] = [4, 8, 16];
/// Rounds and invocations. A GPU needs many of both to show its rate; a software adapter would take minutes for
/// the last.
const LOADS: [(u32, usize); 4] = [(64, 1 << 12), (256, 1 << 14), (512, 1 << 18), (4096, 1 << 18)];
/// A launch as long as this shows the rate: what it costs to begin and to end it no longer counts.
const ENOUGH_MICROS: f64 = 30e3;

/// Two operations a multiply-add, in 10^9 a second: the best number of chains.
pub(super) fn gflops(gpu: &Arc<Gpu>, half: bool) -> Result<f64> {
    let mut best: f64 = 0.0;
    for chains in CHAINS {
        best = best.max(variant_gflops(gpu, Variant { chains, steps: 4, half })?);
    }
    Ok(best)
}

/// Of the first load that is long enough, or the last: short ones scatter too widely to be compared.
fn variant_gflops(gpu: &Arc<Gpu>, variant: Variant) -> Result<f64> {
    let mut rate = 0.0;
    for (rounds, invocations) in LOADS {
        let micros = micros(gpu, ceiling_arithmetic::launch(variant, rounds, invocations), invocations)?;
        let macs = u64::from(rounds) * invocations as u64 * variant.macs_a_round();
        rate = 2e-3 * macs as f64 / micros;
        if micros > ENOUGH_MICROS {
            break;
        }
    }
    Ok(rate)
}

/// 10^9 bytes a second of a copy.
pub(super) fn gbytes_per_s(gpu: &Arc<Gpu>) -> Result<f64> {
    // 64 MiB each way: beyond the caches of the adapters at hand, within every binding limit.
    let vec4s = (64 << 20) / 16;
    Ok(2.0 * 16e-3 * vec4s as f64 / micros(gpu, ceiling_bandwidth::launch(vec4s), vec4s)?)
}

/// Median of a launch that reads and writes `vec4s`.
fn micros(gpu: &Arc<Gpu>, launch: Launch, vec4s: usize) -> Result<f64> {
    let program = bare::program(gpu, vec4s, vec![launch], false)?;
    let inputs = inputs(&program);
    Ok(median(repeated(RUNS, || Ok(time(&program, &inputs)?[0][0].micros))?))
}
