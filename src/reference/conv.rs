//! Convolution and its transpose.

use super::{Image, layout, pointwise};
use crate::error::{Result, bail};
use crate::graph::Conv;
use crate::graph::op::ConvTranspose;
use crate::tensor::Tensor;

/// `after(before(conv(inputs side by side) + bias) + residual)`, all of it in f64.
pub(super) fn conv(conv: &Conv, inputs: &[&Tensor], weights: &[&Tensor], shape: &[usize]) -> Result<Vec<f32>> {
    let (data, residual) = match inputs {
        [data @ .., residual] if conv.epilogue.residual => (data, Some(residual.data())),
        _ => (inputs, None),
    };
    let [first, ..] = data else { bail!(Internal, "a convolution without an input passed inference") };
    let channels = data.iter().map(|tensor| tensor.shape()[1]).sum();
    let joined = layout::concat(data);
    let image = Image { channels, height: first.shape()[2], width: first.shape()[3], data: &joined };
    let kernel = weights[0].data();
    let [_, group_channels, kernel_height, kernel_width] = four(weights[0].shape())?;
    let [_, out_channels, height, width] = four(shape)?;
    let [top, left, ..] = conv.pads;

    let mut out = Vec::with_capacity(out_channels * height * width);
    let mut sums = vec![0.0; height * width];
    for channel in 0..out_channels {
        sums.fill(weights.get(1).map_or(0.0, |bias| f64::from(bias.data()[channel])));
        let group = channel / (out_channels / conv.groups);
        for tap_channel in 0..group_channels {
            let in_channel = group * group_channels + tap_channel;
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let tap = ((channel * group_channels + tap_channel) * kernel_height + ky) * kernel_width + kx;
                    let weight = f64::from(kernel[tap]);
                    for y in 0..height {
                        let row = Image::inside(y * conv.strides[0], ky * conv.dilations[0], top, image.height);
                        let Some(row) = row else { continue };
                        for x in 0..width {
                            let column = Image::inside(x * conv.strides[1], kx * conv.dilations[1], left, image.width);
                            let Some(column) = column else { continue };
                            sums[y * width + x] += weight * image.at(in_channel, row, column);
                        }
                    }
                }
            }
        }
        for (pixel, &sum) in sums.iter().enumerate() {
            let mut value = conv.epilogue.before.map_or(sum, |function| pointwise::activate(function, sum));
            value += residual.map_or(0.0, |residual| f64::from(residual[channel * sums.len() + pixel]));
            value = conv.epilogue.after.map_or(value, |function| pointwise::activate(function, value));
            out.push(value as f32);
        }
    }
    Ok(out)
}

/// Every input value adds its weighted kernel to the output, `strides` apart; `pads` are cut off.
pub(super) fn conv_transpose(
    conv: &ConvTranspose,
    input: &Tensor,
    weights: &[&Tensor],
    shape: &[usize],
) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let kernel = weights[0].data();
    let [_, group_channels, kernel_height, kernel_width] = four(weights[0].shape())?;
    let [_, out_channels, height, width] = four(shape)?;
    let [top, left, ..] = conv.pads;

    let mut sums = vec![0.0; out_channels * height * width];
    if let Some(bias) = weights.get(1) {
        for (plane, &bias) in sums.chunks_mut(height * width).zip(bias.data()) {
            plane.fill(f64::from(bias));
        }
    }
    for in_channel in 0..image.channels {
        let group = in_channel / (image.channels / conv.groups);
        for tap_channel in 0..group_channels {
            let channel = group * group_channels + tap_channel;
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let tap = ((in_channel * group_channels + tap_channel) * kernel_height + ky) * kernel_width + kx;
                    let weight = f64::from(kernel[tap]);
                    for row in 0..image.height {
                        let y = Image::inside(row * conv.strides[0], ky * conv.dilations[0], top, height);
                        let Some(y) = y else { continue };
                        for column in 0..image.width {
                            let x = Image::inside(column * conv.strides[1], kx * conv.dilations[1], left, width);
                            let Some(x) = x else { continue };
                            sums[(channel * height + y) * width + x] += weight * image.at(in_channel, row, column);
                        }
                    }
                }
            }
        }
    }
    Ok(sums.into_iter().map(|sum| sum as f32).collect())
}

fn four(shape: &[usize]) -> Result<[usize; 4]> {
    match *shape {
        [a, b, c, d] => Ok([a, b, c, d]),
        _ => bail!(Internal, "rank 4 passed inference as {shape:?}"),
    }
}
