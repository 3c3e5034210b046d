//! Whether a device is to be trusted with f16.

use crate::error::Result;
use crate::gpu::{Gpu, Program};
use crate::graph::op::{Activation, Epilogue};
use crate::graph::{Conv, Graph, Node, Op, TensorSpec, WeightSpec};
use crate::kernels::{Precision, Tuning};
use crate::model::{Weight, Weights};
use crate::plan;
use crate::tensor::DType;
use std::sync::Arc;

/// Channels and side of the test's pictures: several tiles, blocks and matrices, and no quad or tile whole.
const CHANNELS: usize = 30;
const SIDE: usize = 30;
/// The most that f16 may be off, of the greatest value. Numbers are rounded to 11 bits before and behind a sum of
/// 270 products, and Winograd's transforms lose two digits: 0.8% has been met, 100% is a kernel that does nothing.
const MOST_OFF: f32 = 0.03;

/// F16 where the device has it and computes in it as it does in f32; else F32, and why.
pub(super) async fn precision(gpu: &Arc<Gpu>) -> Result<(Precision, Option<String>)> {
    if !gpu.info().f16 {
        return Ok((Precision::F32, Some("this adapter's shaders have no f16: computed in f32".into())));
    }
    let right = match gpu.half().get() {
        Some(&right) => right,
        None => {
            let right = off(gpu).await? <= MOST_OFF;
            *gpu.half().get_or_init(|| right)
        }
    };
    if right {
        return Ok((Precision::F16, None));
    }
    Ok((Precision::F32, Some("this adapter computes wrongly in f16: computed in f32".into())))
}

/// The greatest difference of the two precisions as a share of the greatest value, of a convolution in each way.
async fn off(gpu: &Arc<Gpu>) -> Result<f32> {
    let (graph, weights) = net()?;
    let input: Vec<f32> = (0..CHANNELS * SIDE * SIDE).map(|index| (index * 37 % 101) as f32 / 101.0).collect();
    let mut worst: f32 = 0.0;
    for transform_macs in [0, Tuning::DIRECT] {
        let tuning = Tuning { transform_macs, ..gpu.tuning() };
        let mut made = Vec::new();
        for precision in [Precision::F32, Precision::F16] {
            let plan = plan::lower(&[(&graph, &["y"])], &tuning, precision)?;
            let program = Program::new(gpu.clone(), plan, &weights).await?;
            made.push(program.run(0, &[&input]).await?.swap_remove(0));
        }
        let greatest = made[0].iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        let differences = made[0].iter().zip(&made[1]).map(|(a, b)| (a - b).abs() / greatest);
        // A maximum would leave NaN out.
        worst = differences.map(|off| if off.is_nan() { f32::INFINITY } else { off }).fold(worst, f32::max);
    }
    Ok(worst)
}

fn net() -> Result<(Graph, Weights)> {
    let shape = vec![CHANNELS, CHANNELS, 3, 3];
    // f16 of either sign between 1/8 and 1/4.
    let halves = (0..(CHANNELS * CHANNELS * 9) as u16).map(|index| 0x3000 | index.wrapping_mul(40_503) & 0x83ff);
    let bytes: Vec<u8> = halves.flat_map(u16::to_le_bytes).collect();
    let range = 0..bytes.len();
    let mut weights = Weights::default();
    weights.insert("w", Weight::new(shape.clone(), DType::F16, Arc::new(bytes), range)?);
    let epilogue = Epilogue { before: Some(Activation::Relu), ..Epilogue::default() };
    let conv = Conv { groups: 1, strides: [1; 2], dilations: [1; 2], pads: [1; 4], epilogue };
    let tensor = |name: &str| TensorSpec { name: name.into(), shape: vec![1, CHANNELS, SIDE, SIDE] };
    let node = Node { name: "half".into(), op: Op::Conv(conv), inputs: vec![0], weights: vec![0], output: 1 };
    let graph = Graph {
        tensors: vec![tensor("x"), tensor("y")],
        weights: vec![WeightSpec { name: "w".into(), shape }],
        nodes: vec![node],
        inputs: vec![0],
        outputs: vec![1],
    };
    Ok((graph, weights))
}
