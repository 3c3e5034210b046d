//! Kernels at the shapes of real nets.

use super::{Ceilings, noise, timed};
use crate::error::{Result, bail};
use crate::gpu::{Gpu, Program};
use crate::graph::op::{Activation, Coordinates, Epilogue, PoolKind, ResizeMode};
use crate::graph::{Conv, Graph, Node, Op, Pool, Resize, TensorSpec, WeightSpec};
use crate::model::{Weight, Weights};
use crate::plan;
use crate::reference;
use crate::tensor::Tensor;
use serde::Serialize;
use std::sync::Arc;

/// A kernel at one shape.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelTime {
    /// Its pipeline.
    pub kernel: String,
    /// What it computed, for instance `64->64 3x3 @128x128`.
    pub shape: String,
    /// Arithmetic.
    pub dtype: &'static str,
    /// Median.
    pub micros: f64,
    /// Operations as the graph counts them, two a multiply-add; 0 where nothing is multiplied.
    pub gflops: f64,
    /// Bytes read and written, each tensor once, in 10^9 a second.
    pub gbytes_per_s: f64,
    /// Share of the ceiling that is nearer.
    pub share_of_ceiling: f64,
    /// Which ceiling that is: `arithmetic` or `memory`.
    pub bound: &'static str,
}

/// A convolution, or the operator that stands in `op`, over a square picture.
struct Case {
    op: Op,
    shape: String,
    channels: usize,
    outputs: usize,
    size: usize,
    kernel: usize,
}

/// Times every case.
///
/// # Errors
/// `Internal` when a kernel disagrees with the reference; `Device` when the device fails.
pub fn kernels(gpu: &Arc<Gpu>, ceilings: &Ceilings, mut seen: impl FnMut(&KernelTime)) -> Result<Vec<KernelTime>> {
    let mut times = Vec::new();
    for case in cases() {
        verify(gpu, &case)?;
        let (graph, weights) = case.graph(case.size)?;
        let plan = plan::lower(&[(&graph, &["y"])], &gpu.tuning())?;
        if plan.check(&gpu.limits()).is_err() {
            continue;
        }
        let program = pollster::block_on(Program::new(gpu.clone(), plan, &weights))?;
        let input = noise(case.channels * case.size * case.size, 3);
        // Between the input's packing and the output's unpacking stands the case itself.
        let measured = timed(&program, 0, &[&input])?.swap_remove(1);
        let gflops = 2e-3 * measured.macs as f64 / measured.micros;
        let gbytes_per_s = 1e-3 * measured.bytes as f64 / measured.micros;
        let (arithmetic, memory) = (gflops / ceilings.f32_gflops, gbytes_per_s / ceilings.gbytes_per_s);
        let time = KernelTime {
            kernel: measured.kernel,
            shape: case.shape,
            dtype: "f32",
            micros: measured.micros,
            gflops,
            gbytes_per_s,
            share_of_ceiling: arithmetic.max(memory),
            bound: if arithmetic > memory { "arithmetic" } else { "memory" },
        };
        seen(&time);
        times.push(time);
    }
    Ok(times)
}

fn cases() -> Vec<Case> {
    // IS-Net at 1024: channels in and out, side, kernel, stride, dilation.
    let convs = [
        (64, 64, 128, 3, 1, 1),
        (3, 64, 1024, 3, 2, 1),
        (64, 32, 512, 3, 1, 1),
        (32, 32, 256, 3, 1, 1),
        (128, 32, 256, 3, 1, 1),
        (256, 128, 64, 3, 1, 1),
        (512, 256, 32, 3, 1, 2),
        (512, 512, 16, 3, 1, 4),
        (64, 1, 512, 3, 1, 1),
        (64, 128, 56, 1, 1, 1),
    ];
    let mut cases: Vec<Case> = convs
        .into_iter()
        .map(|(channels, outputs, size, kernel, stride, dilation)| Case {
            op: Op::Conv(Conv {
                groups: 1,
                strides: [stride; 2],
                dilations: [dilation; 2],
                pads: [dilation * (kernel / 2); 4],
                epilogue: Epilogue { before: Some(Activation::Relu), ..Epilogue::default() },
            }),
            shape: format!("{channels}->{outputs} {kernel}x{kernel} /{stride} *{dilation} @{size}"),
            channels,
            outputs,
            size,
            kernel,
        })
        .collect();
    cases.push(Case {
        op: Op::Conv(Conv {
            groups: 96,
            strides: [1; 2],
            dilations: [1; 2],
            pads: [1; 4],
            epilogue: Epilogue { before: Some(Activation::Clip { min: 0.0, max: 6.0 }), ..Epilogue::default() },
        }),
        shape: "96 depthwise 3x3 @112".into(),
        channels: 96,
        outputs: 96,
        size: 112,
        kernel: 3,
    });
    let plain = |op: Op, shape: &str, channels, size| Case {
        op,
        shape: shape.into(),
        channels,
        outputs: channels,
        size,
        kernel: 0,
    };
    let pool =
        Pool { kind: PoolKind::Max, window: [2; 2], strides: [2; 2], dilations: [1; 2], pads: [0; 4], ceil_mode: true };
    cases.push(plain(Op::Pool(pool), "64 2x2 /2 @512", 64, 512));
    let double = Resize { mode: ResizeMode::Linear, coordinates: Coordinates::HalfPixel, scales: [2.0; 2] };
    cases.push(plain(Op::Resize(double), "64 linear x2 @128", 64, 128));
    cases.push(plain(Op::Activation(Activation::Sigmoid), "1 @1024", 1, 1024));
    cases
}

impl Case {
    fn graph(&self, size: usize) -> Result<(Graph, Weights)> {
        let mut weights = Weights::default();
        let mut specs = Vec::new();
        if let Op::Conv(conv) = &self.op {
            let kernel = vec![self.outputs, self.channels / conv.groups, self.kernel, self.kernel];
            for (name, shape, seed) in [("w", kernel, 1), ("b", vec![self.outputs], 2)] {
                let values = noise(shape.iter().product(), seed);
                weights.insert(name, Weight::from_f32(shape.clone(), &values)?);
                specs.push(WeightSpec { name: name.into(), shape });
            }
        }
        let tensor = |name: &str, shape: Vec<usize>| TensorSpec { name: name.into(), shape };
        let node = Node {
            name: self.shape.clone(),
            op: self.op.clone(),
            inputs: vec![0],
            weights: (0..specs.len()).collect(),
            output: 1,
        };
        let mut graph = Graph {
            tensors: vec![tensor("x", vec![1, self.channels, size, size]), tensor("y", vec![1])],
            weights: specs,
            nodes: vec![node],
            inputs: vec![0],
            outputs: vec![1],
        };
        graph.infer_shapes()?;
        Ok((graph, weights))
    }
}

/// The kernel over a small odd picture against the reference: f32 sums of up to 4,608 terms below 1/4.
fn verify(gpu: &Arc<Gpu>, case: &Case) -> Result<()> {
    let side = 13;
    let (graph, weights) = case.graph(side)?;
    let input = Tensor::new(vec![1, case.channels, side, side], noise(case.channels * side * side, 4))?;
    let expected = reference::run(&graph, &weights, std::slice::from_ref(&input))?.swap_remove(0);
    let program =
        pollster::block_on(Program::new(gpu.clone(), plan::lower(&[(&graph, &["y"])], &gpu.tuning())?, &weights))?;
    program.poison();
    let found = pollster::block_on(program.run(0, &[input.data()]))?.swap_remove(0);
    let off = expected.data().iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    if off.is_nan() || off > 2e-3 || found.iter().any(|value| value.is_nan()) {
        bail!(Internal, "kernel {:?} is off by {off} and is not timed", case.shape);
    }
    Ok(())
}
