//! The GPU as a runtime of the suite: every problem fused and as it stands, buffers poisoned before.

use crate::problem::Problem;
use crate::{Runtime, check_runtime};
use headwater::gpu::{ADAPTER_VARIABLE, Choice, Gpu, Program};
use headwater::graph::Graph;
use headwater::graph::fuse::fuse;
use headwater::kernels::Loads;
use headwater::plan;
use headwater::tensor::Tensor;
use std::sync::Arc;

/// Plans run on the adapter that the environment names, or the first there is.
struct OnGpu {
    gpu: Arc<Gpu>,
    fused: bool,
    loads: Loads,
}

impl Runtime for OnGpu {
    fn name(&self) -> &str {
        if self.fused { "gpu, fused" } else { "gpu, as it stands" }
    }

    fn run(&self, problem: &Problem) -> headwater::Result<Vec<Tensor>> {
        let graph = if self.fused { fuse(&problem.graph) } else { problem.graph.clone() };
        run(&self.gpu, &graph, problem, self.loads)
    }
}

fn run(gpu: &Arc<Gpu>, graph: &Graph, problem: &Problem, loads: Loads) -> headwater::Result<Vec<Tensor>> {
    let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
    let plan = plan::lower(&[(graph, &names)], loads)?;
    let program = pollster::block_on(Program::new(gpu.clone(), plan, &problem.weights))?;
    program.poison();
    let inputs: Vec<&[f32]> = problem.inputs.iter().map(Tensor::data).collect();
    let outputs = pollster::block_on(program.run(0, &inputs))?;
    let shapes = graph.outputs.iter().map(|&id| graph.tensors[id].shape.clone());
    shapes.zip(outputs).map(|(shape, data)| Tensor::new(shape, data)).collect()
}

fn open() -> Option<Arc<Gpu>> {
    let choice = Choice { name: std::env::var(ADAPTER_VARIABLE).ok() };
    match pollster::block_on(Gpu::open(&choice)) {
        Ok(gpu) => {
            println!("adapter: {}", gpu.info().name);
            Some(Arc::new(gpu))
        }
        Err(e) => {
            // CI installs lavapipe and sets this, so that the suite cannot be skipped there.
            assert!(std::env::var_os("HEADWATER_REQUIRE_ADAPTER").is_none(), "{e}");
            eprintln!("SKIPPED: the operator suite did not run on a GPU: {e}");
            None
        }
    }
}

#[test]
fn the_gpu_agrees_as_the_graph_stands() {
    if let Some(gpu) = open() {
        let loads = gpu.loads();
        check_runtime(&OnGpu { gpu, fused: false, loads });
    }
}

#[test]
fn the_gpu_agrees_when_fused() {
    if let Some(gpu) = open() {
        for loads in [Loads::Buffers, Loads::Textures, gpu.loads()] {
            println!("loads: {loads:?}");
            check_runtime(&OnGpu { gpu: gpu.clone(), fused: true, loads });
        }
    }
}
