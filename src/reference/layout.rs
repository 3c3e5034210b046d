//! Operators that move values and compute nothing.

use super::Image;
use crate::error::{Result, bail};
use crate::graph::op::{Pad, PadMode, SliceAxis};
use crate::graph::shape::slice_range;
use crate::tensor::Tensor;

/// Inputs side by side along axis 1.
pub(super) fn concat(inputs: &[&Tensor]) -> Vec<f32> {
    let outer = inputs.first().map_or(0, |input| input.shape()[0]);
    let mut out = Vec::with_capacity(inputs.iter().map(|input| input.data().len()).sum());
    for index in 0..outer {
        for input in inputs {
            let part = input.data().len() / outer;
            out.extend_from_slice(&input.data()[index * part..(index + 1) * part]);
        }
    }
    out
}

pub(super) fn pad(pad: &Pad, input: &Tensor, shape: &[usize]) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let &[_, channels, height, width] = shape else { bail!(Internal, "rank 4 passed inference as {shape:?}") };
    let [top, left, ..] = pad.pads;
    let mut out = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        for y in 0..height {
            for x in 0..width {
                let source = (source(pad.mode, y, top, image.height), source(pad.mode, x, left, image.width));
                out.push(match (source, pad.mode) {
                    ((Some(row), Some(column)), _) => image.at(channel, row, column) as f32,
                    (_, PadMode::Constant { value }) => value,
                    _ => bail!(Internal, "padding by repetition reached outside the picture"),
                });
            }
        }
    }
    Ok(out)
}

/// The input index that output index `index` repeats.
fn source(mode: PadMode, index: usize, before: usize, length: usize) -> Option<usize> {
    let last = length - 1;
    match mode {
        PadMode::Constant { .. } => index.checked_sub(before).filter(|&index| index < length),
        PadMode::Edge => Some(index.saturating_sub(before).min(last)),
        PadMode::Reflect => {
            let distance = index.abs_diff(before);
            if index < before || distance <= last { Some(distance) } else { (2 * last).checked_sub(distance) }
        }
    }
}

pub(super) fn slice(axes: &[SliceAxis], input: &Tensor, shape: &[usize]) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let &[_, channels, height, width] = shape else { bail!(Internal, "rank 4 passed inference as {shape:?}") };
    let mut starts = [0; 4];
    let mut steps = [1; 4];
    for slice in axes {
        starts[slice.axis] = slice_range(slice, input.shape()[slice.axis])?.0;
        steps[slice.axis] = slice.step;
    }
    let place = |axis: usize, index: usize| starts[axis] + index * steps[axis];
    let mut out = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        for y in 0..height {
            for x in 0..width {
                out.push(image.at(place(1, channel), place(2, y), place(3, x)) as f32);
            }
        }
    }
    Ok(out)
}
