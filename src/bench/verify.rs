//! No kernel is timed before it has agreed with the reference.

use super::{Case, lower, noise};
use crate::error::{Result, bail};
use crate::gpu::{Gpu, Program};
use crate::kernels::{Key, Loads, Precision, Tuning};
use crate::plan::Plan;
use crate::reference;
use crate::tensor::Tensor;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Heights and widths that no tile divides and no two of which are alike. The first is the rule: the reference
/// takes its time. The others are for plans that take other kernels for larger pictures.
const SIZES: [[usize; 2]; 3] = [[13, 11], [29, 27], [61, 59]];

/// The device's tuning, then what it becomes for a node so large that it is read or computed in another way.
fn ways(gpu: &Gpu) -> [Tuning; 4] {
    let tuning = gpu.tuning();
    let buffers = Tuning { loads: Loads::Buffers, ..tuning };
    let winograd = Tuning { transform_macs: 0, ..tuning };
    [tuning, winograd, buffers, Tuning { transform_macs: Tuning::DIRECT, ..buffers }]
}

/// Pipelines that compute a plan's `node`.
pub(super) fn pipelines(plan: &Plan, node: &str) -> BTreeSet<Key> {
    let dispatches = plan.phases.iter().flat_map(|phase| &phase.dispatches);
    dispatches.filter(|dispatch| dispatch.node == node).map(|dispatch| dispatch.launch.key.clone()).collect()
}

/// Compares the case over a small picture, for which the same pipelines are taken, with sums in f64.
///
/// # Errors
/// `Internal` when it is off, or when no small picture takes all of `timed`; `Device` when the device fails.
pub(super) fn verify(gpu: &Arc<Gpu>, case: &Case, precision: Precision, timed: &BTreeSet<Key>) -> Result<()> {
    for (size, tuning) in SIZES.into_iter().flat_map(|size| ways(gpu).map(|tuning| (size, tuning))) {
        // A window that is larger than that still has to fit in, more than once.
        let size = if case.window > size[1] { [3 * case.window + 5, 2 * case.window + 3] } else { size };
        let (graph, weights) = case.graph(size)?;
        let phases = [(graph, vec![Case::OUTPUT.to_owned()])];
        let plan = lower(&tuning, precision, &phases)?;
        if !timed.is_subset(&pipelines(&plan, &case.shape)) {
            continue;
        }
        let [(graph, _)] = phases;
        let inputs = graph.inputs.iter().zip(4..).map(|(&id, seed)| {
            let shape = graph.tensors[id].shape.clone();
            Tensor::new(shape.clone(), noise(shape.iter().product(), seed))
        });
        let inputs = inputs.collect::<Result<Vec<Tensor>>>()?;
        let expected = reference::run(&graph, &weights, &inputs)?.swap_remove(0);
        let program = pollster::block_on(Program::new(gpu.clone(), plan, &weights))?;
        program.poison();
        let planes: Vec<&[f32]> = inputs.iter().map(Tensor::data).collect();
        let found = pollster::block_on(program.run(0, &planes))?.swap_remove(0);
        let (off, most) = (off(expected.data(), &found), tolerance(case.terms(), precision));
        if off > most {
            bail!(Internal, "kernel {:?} is off by {off}, more than {most}, and is not timed", case.shape);
        }
        return Ok(());
    }
    bail!(Internal, "{:?} is timed with kernels that no small picture takes: {timed:?}", case.shape)
}

/// The greatest difference; infinite where something is missing or not a number.
pub(super) fn off(expected: &[f32], found: &[f32]) -> f64 {
    if expected.len() != found.len() {
        return f64::INFINITY;
    }
    let differences = expected.iter().zip(found).map(|(a, b)| f64::from((a - b).abs()));
    // A maximum would leave NaN out.
    differences.map(|off| if off.is_nan() { f64::INFINITY } else { off }).fold(0.0, f64::max)
}

/// How far f32 may be off for a sum of so many products.
///
/// Weights and inputs are noise in -1/2 .. 1/2, so that a product is 1/16 on the average and partial sums grow as
/// the root of the terms. Each addition rounds by up to 2^-24 of its sum, and such errors add up like a random
/// walk: to about `terms * 2^-24 / 17`, five times that in the worst of some thousand values. A Winograd transform
/// of 4x4 outputs loses up to two digits on top. `terms * 2^-20` is above both, and for the 9,216 terms of the
/// widest case still seven times below the one product that a wrong kernel would take twice or not at all. The
/// constant is for what adds nothing up: its values are below 1, and exponentials are a few units off in the
/// last place but one.
///
/// In f16 inputs, weights and, Winograd's way, transformed tiles are rounded by up to 2^-11 of themselves, 2^13 times
/// as much as in f32, before sums that round no more than those: there `terms * 2^-12` is enough. It finds a kernel
/// that computes something else, but not one product of thousands; the operator suite's narrower shapes do.
pub(super) fn tolerance(terms: usize, precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-5 + terms as f64 * 2f64.powi(-20),
        Precision::F16 => 1e-3 + terms as f64 * 2f64.powi(-12),
    }
}
