//! Kernels at the shapes of real nets, each by itself.

use super::verify::{pipelines, verify};
use super::{Case, Ceilings, RUNS, inputs, lower, median, repeated, time};
use crate::error::Result;
use crate::gpu::{DispatchTime, Gpu, Program};
use crate::kernels::Precision;
use crate::plan::{Operand, Plan};
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;

/// An operator at one shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelTime {
    /// The net and its size.
    pub net: &'static str,
    /// Its pipelines, in the order of their first use, joined by ` + `.
    pub kernel: String,
    /// What it computed, for instance `64->64 3x3 @128`.
    pub shape: String,
    /// What activations and weights are in memory.
    pub dtype: &'static str,
    /// Of this one operator.
    pub dispatches: usize,
    /// Median of the sum of its dispatches; copies into textures, where a device reads those, are not in it.
    pub micros: f64,
    /// Operations as the graph counts them, two a multiply-add; 0 where nothing is multiplied.
    pub gflops: f64,
    /// Bytes of the operator's inputs, weights and output, each once, in 10^9 a second: the least that any kernel
    /// has to move. What its dispatches leave to each other is not in it.
    pub gbytes_per_s: f64,
    /// Share of the ceiling that is nearer. Above 1 for a kernel that gets along with fewer multiply-adds than
    /// the graph counts, or whose tensors a cache holds.
    pub share_of_ceiling: f64,
    /// What holds it: `arithmetic`, `memory`, or `dispatch` where empty dispatches would take more than half of
    /// its time.
    pub bound: &'static str,
}

/// Times cases, and checks each kind of them once.
pub struct Kernels<'a> {
    gpu: &'a Arc<Gpu>,
    ceilings: &'a Ceilings,
    precision: Precision,
    /// What was checked, without the size at which it is timed.
    verified: HashSet<String>,
}

impl<'a> Kernels<'a> {
    /// On a device whose ceilings are known.
    pub fn new(gpu: &'a Arc<Gpu>, ceilings: &'a Ceilings, precision: Precision) -> Self {
        Self { gpu, ceilings, precision, verified: HashSet::new() }
    }

    /// Checks a case and times it.
    ///
    /// # Errors
    /// `AdapterLimit` when the adapter has no room for it; `Internal` when its kernels disagree with the
    /// reference; `Device` when the device fails.
    pub fn time(&mut self, case: &Case) -> Result<KernelTime> {
        let (graph, weights) = case.graph(case.size)?;
        let plan = lower(&self.gpu.tuning(), self.precision, &[(graph, vec![Case::OUTPUT.to_owned()])])?;
        plan.check(&self.gpu.limits())?;
        let timed = pipelines(&plan, &case.shape);
        let kind = format!("{:?} {:?} {} {} {timed:?}", case.op, case.inputs, case.outputs, case.window);
        if !self.verified.contains(&kind) {
            verify(self.gpu, case, self.precision, &timed)?;
            self.verified.insert(kind);
        }
        let program = pollster::block_on(Program::new(self.gpu.clone(), plan, &weights))?;
        let inputs = inputs(&program);
        let runs = repeated(RUNS, || {
            let mut dispatches = time(&program, &inputs)?.swap_remove(0);
            // The rest packs the inputs and unpacks the output.
            dispatches.retain(|dispatch| dispatch.node == case.shape);
            Ok(dispatches)
        })?;
        Ok(self.sum(case, &runs, node_bytes(program.plan(), &case.shape)))
    }

    /// One node's dispatches, of several runs.
    fn sum(&self, case: &Case, runs: &[Vec<DispatchTime>], bytes: u64) -> KernelTime {
        let one = &runs[0];
        let sums = runs.iter().map(|run| run.iter().map(|time| time.micros).sum()).collect();
        // A device's clock may tick more slowly than its smallest kernels run.
        let micros = median(sums).max(1e-3);
        let macs = one.iter().map(|time| time.macs).sum();
        let mut kernels: Vec<&str> = Vec::new();
        for time in one {
            if !kernels.contains(&time.kernel.as_str()) {
                kernels.push(&time.kernel);
            }
        }
        let (share_of_ceiling, bound) = self.ceilings.bound(macs, bytes, one.len(), micros);
        KernelTime {
            net: case.net,
            kernel: kernels.join(" + "),
            shape: case.shape.clone(),
            dtype: self.precision.name(),
            dispatches: one.len(),
            micros,
            gflops: 2e-3 * macs as f64 / micros,
            gbytes_per_s: 1e-3 * bytes as f64 / micros,
            share_of_ceiling,
            bound,
        }
    }
}

/// What all dispatches of a node read that none of them wrote, and what the last of them writes. The dispatches'
/// own bytes would count a tensor once for each strip of it.
pub(super) fn node_bytes(plan: &Plan, node: &str) -> u64 {
    let dispatches = plan.phases.iter().flat_map(|phase| &phase.dispatches).filter(|dispatch| dispatch.node == node);
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for dispatch in dispatches {
        for &operand in &dispatch.reads {
            let own = matches!(operand, Operand::Value(id) if writes.contains(&id));
            if !own && !reads.contains(&operand) {
                reads.push(operand);
            }
        }
        writes.push(dispatch.output);
    }
    let read_bytes = reads.into_iter().map(|operand| match operand {
        Operand::Value(id) => plan.values[id].bytes(),
        Operand::Weight(id) => plan.weights[id].bytes,
    });
    read_bytes.sum::<u64>() + writes.last().map_or(0, |&id| plan.values[id].bytes())
}
