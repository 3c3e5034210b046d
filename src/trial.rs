//! What suits this very device: a few small convolutions, timed.
//!
//! [`Gpu::tuning`] begins with what a kind of device is known for. A trial puts that beside its neighbours and
//! keeps it unless one of them is faster by more than chance. It is about the device and not about a net, so it
//! is made once and kept ([`Kept`]): what a plan looks like depends on the kept numbers and on nothing that is
//! measured again.

mod kept;

pub use kept::Kept;

use crate::error::Result;
use crate::gpu::{Gpu, Program};
use crate::graph::Graph;
use crate::kernels::{Loads, Precision, Tuning};
use crate::model::{Weight, Weights};
use crate::plan;
use serde::Serialize;
use std::sync::Arc;

/// A 3x3 convolution between as many channels over a picture of this side: IS-Net's most frequent shape.
const CHANNELS: usize = 64;
const SIDE: usize = 128;
/// Runs of each candidate after the first; the fastest counts, since all that disturbs a run makes it slower.
const RUNS: usize = 5;
/// The share of the default's time that a candidate has to save to take its place.
const CHANCE: f64 = 0.05;

/// One way to compute the convolution, and how long it took.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// `direct`, or Winograd's way.
    pub way: &'static str,
    /// How it reads, and the tiles that an invocation holds.
    pub tuning: Tuning,
    /// Microseconds of its dispatches: the fastest of some runs.
    pub micros: f64,
    /// Of those, in transforms.
    pub transform_micros: f64,
}

/// What came out of a trial.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// What is to be kept.
    pub tuning: Tuning,
    /// All that was timed, the default ways first.
    pub candidates: Vec<Candidate>,
}

/// Times the candidates, a second or two on a software adapter. Begins with what is known of the device's kind,
/// whatever tuning it has been given since.
///
/// # Errors
/// `AdapterLimit` where the device has no clock; `Device` when it fails.
pub fn run(gpu: &Arc<Gpu>) -> Result<Outcome> {
    let known = gpu.known_tuning();
    let net = net()?;
    let direct = time(gpu, &net, "direct", Tuning { transform_macs: Tuning::DIRECT, ..known })?;
    let mut winograd = Vec::new();
    for tuning in neighbours(known) {
        winograd.push(time(gpu, &net, "winograd", Tuning { transform_macs: 0, ..tuning })?);
    }
    let best = fastest(&winograd);
    let tuning = Tuning {
        transform_macs: transform_macs(best),
        direct_percent: percent(direct.micros, best.micros - best.transform_micros),
        ..best.tuning
    };
    Ok(Outcome { tuning, candidates: std::iter::once(direct).chain(winograd).collect() })
}

/// The default, then the same with other widths of the product, reading from buffers, and by workgroup memory.
fn neighbours(known: Tuning) -> Vec<Tuning> {
    let mut all = vec![known];
    for loads in [known.loads, Loads::Buffers] {
        for product_rows in [4, 8, 16] {
            let tuning = Tuning { loads, product_rows, ..known };
            if !all.contains(&tuning) {
                all.push(tuning);
            }
        }
    }
    all.push(Tuning { workgroup_memory: true, ..known });
    all
}

/// The fastest, but the first unless another beats it by more than chance.
fn fastest(candidates: &[Candidate]) -> &Candidate {
    let first = &candidates[0];
    let better = candidates.iter().filter(|candidate| candidate.micros < first.micros * (1.0 - CHANCE));
    better.min_by(|a, b| a.micros.total_cmp(&b.micros)).unwrap_or(first)
}

/// Multiply-adds of the product that take as long as one number of a tile that is transformed: in this
/// convolution, each number of each input channel and each output channel is transformed once, and the product
/// has as many multiply-adds for each as there are channels on the other side.
fn transform_macs(winograd: &Candidate) -> u64 {
    let product = (winograd.micros - winograd.transform_micros).max(f64::MIN_POSITIVE);
    let a_number = winograd.transform_micros / (2 * CHANNELS) as f64;
    let a_mac = product / (CHANNELS * CHANNELS) as f64;
    (a_number / a_mac).round().clamp(1.0, 1e4) as u64
}

/// What a multiply-add of the direct convolution takes, in percent of the product's. Winograd's product has 36
/// where the direct one has 144.
fn percent(direct: f64, product: f64) -> u64 {
    (100.0 * (direct / 144.0) / (product.max(f64::MIN_POSITIVE) / 36.0)).round().clamp(1.0, 1e4) as u64
}

fn time(gpu: &Arc<Gpu>, (graph, weights): &(Graph, Weights), way: &'static str, tuning: Tuning) -> Result<Candidate> {
    let plan = plan::lower(&[(graph, &["y"])], &tuning, Precision::F32)?;
    let program = pollster::block_on(Program::new(gpu.clone(), plan, weights))?;
    let input = vec![0.5; CHANNELS * SIDE * SIDE];
    let mut fastest = Candidate { way, tuning, micros: f64::INFINITY, transform_micros: 0.0 };
    // The first run compiles.
    for _ in 0..=RUNS {
        let times = pollster::block_on(program.time(0, &[&input]))?;
        let own = times.iter().filter(|time| time.node == graph.nodes[0].name);
        let micros = own.clone().map(|time| time.micros).sum();
        if micros < fastest.micros {
            let transforms = own.filter(|time| time.macs == 0 && way == "winograd");
            // The sum of nothing is -0.
            let transform_micros = transforms.map(|time| time.micros).fold(0.0, |sum, micros| sum + micros);
            fastest = Candidate { micros, transform_micros, ..fastest };
        }
    }
    Ok(fastest)
}

fn net() -> Result<(Graph, Weights)> {
    let values: Vec<f32> = (0..CHANNELS * CHANNELS * 9).map(|index| (index % 17) as f32 / 17.0 - 0.5).collect();
    let mut weights = Weights::default();
    weights.insert("w", Weight::from_f32(vec![CHANNELS, CHANNELS, 3, 3], &values)?);
    Ok((Graph::lone_conv(CHANNELS, SIDE), weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(product_rows: usize, micros: f64) -> Candidate {
        let tuning = Tuning { product_rows, ..Tuning::default() };
        Candidate { way: "winograd", tuning, micros, transform_micros: micros / 2.0 }
    }

    #[test]
    fn the_default_gives_way_only_to_what_is_clearly_faster() {
        let rows = |all: &[Candidate]| fastest(all).tuning.product_rows;
        assert_eq!(rows(&[candidate(4, 100.0), candidate(8, 96.0), candidate(16, 120.0)]), 4);
        assert_eq!(rows(&[candidate(4, 100.0), candidate(8, 94.0), candidate(16, 90.0)]), 16);
    }

    #[test]
    fn costs_are_those_of_the_convolution_that_was_timed() {
        // As long in transforms as in the product, of 64 multiply-adds a number: two numbers for each of them.
        assert_eq!(transform_macs(&candidate(4, 200.0)), 32);
        assert_eq!(percent(400.0, 100.0), 100);
        assert_eq!(percent(800.0, 100.0), 200);
    }

    #[test]
    fn the_default_is_tried_first_and_nothing_twice() {
        let known = Tuning { loads: Loads::Images, product_rows: 16, ..Tuning::default() };
        let all = neighbours(known);
        assert_eq!((all[0], all.len()), (known, 7));
        let buffers = neighbours(Tuning::default());
        assert_eq!((buffers[0], buffers.len()), (Tuning::default(), 4));
    }
}
