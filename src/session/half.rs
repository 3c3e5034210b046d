//! Whether a device is to be trusted with f16.

use crate::error::Result;
use crate::gpu::{Gpu, Program};
use crate::graph::{Graph, Op};
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

/// The first weight that a plan would keep in f16 and that f16 cannot hold.
pub(super) fn unfit<'a>(graphs: &[&'a Graph], weights: &Weights) -> Result<Option<&'a str>> {
    for graph in graphs {
        for node in &graph.nodes {
            // Biases are f32 in every plan.
            let stored = if matches!(node.op, Op::Conv(_) | Op::ConvTranspose(_)) { 1 } else { node.weights.len() };
            for &id in node.weights.iter().take(stored) {
                let name = &graph.weights[id].name;
                if !weights.get(name)?.fits_f16() {
                    return Ok(Some(name));
                }
            }
        }
    }
    Ok(None)
}

/// The greatest difference of the two precisions as a share of the greatest value, of a convolution in each way.
async fn off(gpu: &Arc<Gpu>) -> Result<f32> {
    let graph = Graph::lone_conv(CHANNELS, SIDE);
    let weights = weights()?;
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
        worst = worst.max(share(&made[0], &made[1]));
    }
    Ok(worst)
}

/// The greatest difference as a share of the greatest value; infinite where anything is no number, or all is 0.
fn share(whole: &[f32], half: &[f32]) -> f32 {
    let greatest = whole.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let shares = whole.iter().zip(half).map(|(a, b)| (a - b).abs() / greatest);
    // A maximum would leave NaN out.
    shares.map(|share| if share.is_nan() { f32::INFINITY } else { share }).fold(0.0, f32::max)
}

fn weights() -> Result<Weights> {
    let shape = vec![CHANNELS, CHANNELS, 3, 3];
    // f16 of either sign between 1/8 and 1/4.
    let halves = (0..(CHANNELS * CHANNELS * 9) as u16).map(|index| 0x3000 | index.wrapping_mul(40_503) & 0x83ff);
    let bytes: Vec<u8> = halves.flat_map(u16::to_le_bytes).collect();
    let range = 0..bytes.len();
    let mut weights = Weights::default();
    weights.insert("w", Weight::new(shape, DType::F16, Arc::new(bytes), range)?);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_never_right() {
        assert!(share(&[1.0, 2.0, -4.0], &[1.0, 2.01, -4.0]) <= MOST_OFF);
        assert!(share(&[1.0, 2.0, -4.0], &[1.0, 2.2, -4.0]) > MOST_OFF);
        // Also where right numbers follow it.
        assert_eq!(share(&[1.0, 2.0, -4.0], &[f32::NAN, 2.0, -4.0]), f32::INFINITY);
        assert_eq!(share(&[1.0, 2.0], &[f32::INFINITY, 2.0]), f32::INFINITY);
        assert_eq!(share(&[0.0, 0.0], &[0.0, 0.0]), f32::INFINITY);
    }
}
