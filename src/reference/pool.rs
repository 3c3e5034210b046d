//! Pooling.

use super::Image;
use crate::error::{Result, bail};
use crate::graph::Pool;
use crate::graph::op::PoolKind;
use crate::tensor::Tensor;

pub(super) fn pool(pool: &Pool, input: &Tensor, shape: &[usize]) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let &[_, channels, height, width] = shape else { bail!(Internal, "rank 4 passed inference as {shape:?}") };
    let mut out = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        for y in 0..height {
            for x in 0..width {
                out.push(window(pool, image, channel, y * pool.strides[0], x * pool.strides[1]) as f32);
            }
        }
    }
    Ok(out)
}

/// One window, whose corner stands at `top`, `left` of the padded picture.
///
/// A window that meets no pixel at all (a dilated one can straddle a small picture) is the least
/// f32 for the greatest value and 0 for the mean, so that no infinity nor NaN enters the net.
fn window(pool: &Pool, image: Image<'_>, channel: usize, top: usize, left: usize) -> f64 {
    let [pad_top, pad_left, pad_bottom, pad_right] = pool.pads;
    let mut greatest = f64::from(f32::MIN);
    let mut sum = 0.0;
    let mut inside = 0;
    let mut inside_or_pad = 0;
    for ky in 0..pool.window[0] {
        for kx in 0..pool.window[1] {
            let (tap_y, tap_x) = (ky * pool.dilations[0], kx * pool.dilations[1]);
            // With `ceil_mode` the last window may reach beyond even the padding.
            if top + tap_y < pad_top + image.height + pad_bottom && left + tap_x < pad_left + image.width + pad_right {
                inside_or_pad += 1;
            }
            let row = Image::inside(top, tap_y, pad_top, image.height);
            let column = Image::inside(left, tap_x, pad_left, image.width);
            if let (Some(row), Some(column)) = (row, column) {
                let value = image.at(channel, row, column);
                greatest = greatest.max(value);
                sum += value;
                inside += 1;
            }
        }
    }
    match pool.kind {
        PoolKind::Max => greatest,
        PoolKind::Average => sum / f64::from(inside.max(1)),
        PoolKind::AverageWithPads => sum / f64::from(inside_or_pad.max(1)),
    }
}

pub(super) fn global_average(input: &Tensor) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let pixels = image.height * image.width;
    let mean = |plane: &[f32]| plane.iter().map(|&value| f64::from(value)).sum::<f64>() / pixels as f64;
    Ok(image.data.chunks(pixels).map(|plane| mean(plane) as f32).collect())
}
