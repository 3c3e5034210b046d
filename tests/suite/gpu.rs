//! The GPU as a runtime of the suite: every problem fused and as it stands, buffers poisoned before.

use crate::problem::Problem;
use crate::{Runtime, check_runtime};
use half::f16;
use headwater::gpu::{ADAPTER_VARIABLE, Choice, Gpu, Program};
use headwater::graph::Graph;
use headwater::graph::fuse::fuse;
use headwater::kernels::{Loads, Precision, Tuning};
use headwater::plan;
use headwater::tensor::Tensor;
use std::sync::Arc;

/// F(4x4, 3x3) adds numbers up to ten times its inputs (the rows of B^T) and up to eighteen times its products
/// (those of A^T), which cancel at the end: more is rounded off than by the direct convolution. The largest
/// error met is 3.3 times what that is allowed.
const WINOGRAD_GROWTH: f64 = 5.0;

/// Plans run on the adapter that the environment names, or the first there is.
struct OnGpu {
    gpu: Arc<Gpu>,
    fused: bool,
    tuning: Tuning,
    precision: Precision,
}

impl Runtime for OnGpu {
    fn name(&self) -> &str {
        if self.fused { "gpu, fused" } else { "gpu, as it stands" }
    }

    fn run(&self, problem: &Problem) -> headwater::Result<Vec<Tensor>> {
        let graph = if self.fused { fuse(&problem.graph) } else { problem.graph.clone() };
        self.run_graph(&graph, problem)
    }

    fn epsilon(&self) -> f64 {
        let growth = if self.tuning.transform_macs == Tuning::DIRECT { 1.0 } else { WINOGRAD_GROWTH };
        let epsilon = match self.precision {
            Precision::F32 => f32::EPSILON,
            Precision::F16 => f16::EPSILON.to_f32(),
        };
        growth * f64::from(epsilon)
    }
}

impl OnGpu {
    fn run_graph(&self, graph: &Graph, problem: &Problem) -> headwater::Result<Vec<Tensor>> {
        let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
        let plan = plan::lower(&[(graph, &names)], &self.tuning, self.precision)?;
        let program = pollster::block_on(Program::new(self.gpu.clone(), plan, &problem.weights))?;
        program.poison();
        let inputs: Vec<&[f32]> = problem.inputs.iter().map(Tensor::data).collect();
        let outputs = pollster::block_on(program.run(0, &inputs))?;
        let shapes = graph.outputs.iter().map(|&id| graph.tensors[id].shape.clone());
        shapes.zip(outputs).map(|(shape, data)| Tensor::new(shape, data)).collect()
    }
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
        let tuning = gpu.tuning();
        check_runtime(&OnGpu { gpu, fused: false, tuning, precision: Precision::F32 });
    }
}

#[test]
fn the_gpu_agrees_when_fused() {
    if let Some(gpu) = open() {
        for loads in [Loads::Buffers, Loads::Textures, gpu.tuning().loads] {
            println!("loads: {loads:?}");
            let tuning = Tuning { loads, transform_macs: Tuning::DIRECT, ..gpu.tuning() };
            check_runtime(&OnGpu { gpu: gpu.clone(), fused: true, tuning, precision: Precision::F32 });
        }
    }
}

/// Every convolution that can be computed Winograd's way, with each width of the product, each way to read,
/// and strips from one to all tiles.
#[test]
fn the_gpu_agrees_winograds_way() {
    if let Some(gpu) = open() {
        let ways = [(4, 1, Loads::Buffers), (8, 1 << 16, gpu.tuning().loads), (16, 1 << 30, Loads::Textures)];
        for (product_rows, strip_bytes, loads) in ways {
            println!("product of {product_rows} rows, strips of {strip_bytes} bytes, loads: {loads:?}");
            let tuning = Tuning { product_rows, strip_bytes, loads, transform_macs: 0, ..gpu.tuning() };
            check_runtime(&OnGpu { gpu: gpu.clone(), fused: true, tuning, precision: Precision::F32 });
        }
        println!("by workgroup memory");
        let tuning = Tuning { workgroup_memory: true, transform_macs: 0, strip_bytes: 1 << 20, ..gpu.tuning() };
        check_runtime(&OnGpu { gpu, fused: true, tuning, precision: Precision::F32 });
    }
}

/// The same in f16, directly and Winograd's way, with each way to read.
#[test]
fn the_gpu_agrees_in_f16() {
    let Some(gpu) = open() else { return };
    if !gpu.info().f16 {
        eprintln!("SKIPPED: {} has no f16", gpu.info().name);
        return;
    }
    let ways = [(Tuning::DIRECT, gpu.tuning().loads, false), (0, Loads::Buffers, true), (0, Loads::Textures, false)];
    for (transform_macs, loads, workgroup_memory) in ways {
        let tuning = Tuning { transform_macs, loads, workgroup_memory, ..gpu.tuning() };
        println!("{tuning:?}");
        check_runtime(&OnGpu { gpu: gpu.clone(), fused: true, tuning, precision: Precision::F16 });
    }
    // Of the tuning, since only a crate built for matrix units asks for them.
    match gpu.tuning().matrices {
        Some(matrices) => println!("products above were computed on {matrices:?}"),
        None => println!("NOT ON MATRIX UNITS: none here, or not built with the feature cooperative-matrices"),
    }
}
