//! Shape inference: what an operator makes of what it is given, or why it cannot.
//!
//! Shapes come from files and from users, so all arithmetic is checked.

use super::op::{Conv, ConvTranspose, Op, Pool, Resize, SliceAxis};
use crate::error::{Result, bail, error};
use crate::tensor::value_count;

/// The largest window, stride, dilation or pad that is believed.
const MAX_ATTRIBUTE: usize = 1 << 16;

/// The output shape of `op`.
///
/// # Errors
/// `BadShape` when operand counts, ranks or dimensions do not fit the operator.
pub fn infer(op: &Op, inputs: &[&[usize]], weights: &[&[usize]]) -> Result<Vec<usize>> {
    let shape = match op {
        Op::Conv(conv) => infer_conv(conv, inputs, weights)?,
        Op::ConvTranspose(conv) => infer_conv_transpose(conv, only(inputs)?, weights)?,
        Op::Pool(pool) => infer_pool(pool, only(inputs)?)?,
        Op::GlobalAveragePool => {
            let [_, channels, ..] = image(only(inputs)?)?;
            vec![1, channels, 1, 1]
        }
        Op::Resize(resize) => infer_resize(resize, only(inputs)?)?,
        Op::Concat => infer_concat(inputs)?,
        Op::Activation(_) => only(inputs)?.to_vec(),
        Op::Softmax => {
            let input = only(inputs)?;
            if input.len() < 2 {
                bail!(BadShape, "expected rank 2 or more, found {input:?}");
            }
            input.to_vec()
        }
        Op::Binary { .. } => match (inputs, weights) {
            ([a, b], []) => broadcast(a, b)?,
            ([a], [b]) => {
                let shape = broadcast(a, b)?;
                if shape != *a {
                    bail!(BadShape, "a constant of shape {b:?} would change the shape {a:?}");
                }
                shape
            }
            _ => bail!(BadShape, "expected two operands, found {}", inputs.len() + weights.len()),
        },
        Op::Pad(pad) => {
            let [_, channels, height, width] = image(only(inputs)?)?;
            let [top, left, bottom, right] = attributes(pad.pads)?;
            if pad.mode == super::op::PadMode::Reflect && (top.max(bottom) >= height || left.max(right) >= width) {
                bail!(BadShape, "reflecting {:?} needs a larger picture than {height}x{width}", pad.pads);
            }
            vec![1, channels, height + top + bottom, width + left + right]
        }
        Op::Slice { axes } => infer_slice(axes, only(inputs)?)?,
        Op::Reshape { shape } => infer_reshape(shape, only(inputs)?)?,
        Op::Transpose { axes } => infer_transpose(axes, only(inputs)?)?,
    };
    let takes_weights = matches!(op, Op::Conv(_) | Op::ConvTranspose(_) | Op::Binary { .. });
    if !takes_weights && !weights.is_empty() {
        bail!(BadShape, "expected no constants, found {}", weights.len());
    }
    value_count(&shape)?;
    Ok(shape)
}

/// `[1, C, H, W]`, checked.
pub(crate) fn image(shape: &[usize]) -> Result<[usize; 4]> {
    match *shape {
        [1, channels, height, width] => Ok([1, channels, height, width]),
        _ => Err(error!(BadShape, "expected [1, C, H, W], found {shape:?}")),
    }
}

fn only<'a>(inputs: &[&'a [usize]]) -> Result<&'a [usize]> {
    match inputs {
        [input] => Ok(input),
        _ => Err(error!(BadShape, "expected one activation, found {}", inputs.len())),
    }
}

fn attributes<const N: usize>(values: [usize; N]) -> Result<[usize; N]> {
    match values.iter().find(|&&value| value > MAX_ATTRIBUTE) {
        Some(value) => Err(error!(BadShape, "attribute {value}: expected at most {MAX_ATTRIBUTE}")),
        None => Ok(values),
    }
}

fn positive<const N: usize>(name: &str, values: [usize; N]) -> Result<[usize; N]> {
    if values.contains(&0) {
        bail!(BadShape, "{name} {values:?}: expected 1 or more");
    }
    attributes(values)
}

/// The length of a window's walk along one axis.
fn walk(length: usize, window: usize, stride: usize, dilation: usize, pads: usize, ceil: bool) -> Result<usize> {
    let span = dilation * (window - 1) + 1;
    let padded = length + pads;
    if padded < span {
        bail!(BadShape, "a window spanning {span} does not fit {length} with {pads} of padding");
    }
    let steps = padded - span;
    Ok(if ceil { steps.div_ceil(stride) } else { steps / stride } + 1)
}

fn infer_conv(conv: &Conv, inputs: &[&[usize]], weights: &[&[usize]]) -> Result<Vec<usize>> {
    let (data, residual) = if conv.epilogue.residual {
        let (last, data) = inputs.split_last().ok_or_else(|| error!(BadShape, "a residual needs an activation"))?;
        (data, Some(*last))
    } else {
        (inputs, None)
    };
    let joined = match data {
        [one] => one.to_vec(),
        _ => infer_concat(data)?,
    };
    let [_, channels, height, width] = image(&joined)?;
    let (kernel, bias) = kernel_and_bias(weights)?;
    let [out_channels, group_channels, kh, kw] = kernel;
    let [groups] = positive("groups", [conv.groups])?;
    if group_channels.checked_mul(groups) != Some(channels) || out_channels % groups != 0 {
        bail!(BadShape, "{channels} channels in {groups} groups do not fit weights {kernel:?}");
    }
    check_bias(bias, out_channels)?;
    let shape = window_shape([kh, kw], conv.strides, conv.dilations, conv.pads, false, [height, width])?;
    let shape = vec![1, out_channels, shape[0], shape[1]];
    if let Some(residual) = residual.filter(|residual| *residual != shape) {
        bail!(BadShape, "a residual of shape {residual:?} does not fit {shape:?}");
    }
    Ok(shape)
}

fn kernel_and_bias<'a>(weights: &[&'a [usize]]) -> Result<([usize; 4], Option<&'a [usize]>)> {
    let (kernel, bias) = match weights {
        [kernel] => (kernel, None),
        [kernel, bias] => (kernel, Some(*bias)),
        _ => bail!(BadShape, "expected weights and perhaps a bias, found {} constants", weights.len()),
    };
    match <[usize; 4]>::try_from(*kernel) {
        Ok(kernel) => Ok((positive("weights", kernel)?, bias)),
        Err(_) => Err(error!(BadShape, "expected weights of rank 4, found {kernel:?}")),
    }
}

fn check_bias(bias: Option<&[usize]>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias != [channels] => {
            Err(error!(BadShape, "expected a bias of shape [{channels}], found {bias:?}"))
        }
        _ => Ok(()),
    }
}

fn window_shape(
    window: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    pads: [usize; 4],
    ceil: bool,
    size: [usize; 2],
) -> Result<[usize; 2]> {
    let window = positive("window", window)?;
    let strides = positive("strides", strides)?;
    let dilations = positive("dilations", dilations)?;
    let pads = attributes(pads)?;
    let mut shape = [0; 2];
    for axis in 0..2 {
        let around = pads[axis] + pads[axis + 2];
        shape[axis] = walk(size[axis], window[axis], strides[axis], dilations[axis], around, ceil)?;
        // A window that starts beyond the picture and its leading pad would see only padding.
        if ceil && (shape[axis] - 1) * strides[axis] >= size[axis] + pads[axis] {
            shape[axis] -= 1;
        }
    }
    Ok(shape)
}

fn infer_conv_transpose(conv: &ConvTranspose, input: &[usize], weights: &[&[usize]]) -> Result<Vec<usize>> {
    let [_, channels, height, width] = image(input)?;
    let (kernel, bias) = kernel_and_bias(weights)?;
    let [in_channels, group_channels, kh, kw] = kernel;
    let [groups] = positive("groups", [conv.groups])?;
    let strides = positive("strides", conv.strides)?;
    let dilations = positive("dilations", conv.dilations)?;
    let pads = attributes(conv.pads)?;
    let extra = attributes(conv.output_padding)?;
    if in_channels != channels || channels % groups != 0 {
        bail!(BadShape, "{channels} channels in {groups} groups do not fit weights {kernel:?}");
    }
    let out_channels = group_channels * groups;
    check_bias(bias, out_channels)?;
    let mut shape = [0; 2];
    for (axis, (length, window)) in [(height, kh), (width, kw)].into_iter().enumerate() {
        let full = (length - 1) * strides[axis] + dilations[axis] * (window - 1) + 1 + extra[axis];
        shape[axis] = full
            .checked_sub(pads[axis] + pads[axis + 2])
            .filter(|&length| length > 0)
            .ok_or_else(|| error!(BadShape, "pads {pads:?} leave nothing of {full}"))?;
    }
    Ok(vec![1, out_channels, shape[0], shape[1]])
}

fn infer_pool(pool: &Pool, input: &[usize]) -> Result<Vec<usize>> {
    let [_, channels, height, width] = image(input)?;
    let pads = attributes(pool.pads)?;
    if (0..4).any(|side| pads[side] >= pool.window[side % 2].saturating_mul(pool.dilations[side % 2])) {
        bail!(BadShape, "pads {pads:?} as wide as the window {:?}", pool.window);
    }
    let [out_height, out_width] =
        window_shape(pool.window, pool.strides, pool.dilations, pads, pool.ceil_mode, [height, width])?;
    Ok(vec![1, channels, out_height, out_width])
}

fn infer_resize(resize: &Resize, input: &[usize]) -> Result<Vec<usize>> {
    let [_, channels, height, width] = image(input)?;
    let mut shape = [height, width];
    for (length, scale) in shape.iter_mut().zip(resize.scales) {
        if !(scale > 0.0 && scale <= MAX_ATTRIBUTE as f64) {
            bail!(BadShape, "scale {scale}: expected more than 0 and at most {MAX_ATTRIBUTE}");
        }
        *length = (*length as f64 * scale + 1e-6).floor() as usize;
    }
    Ok(vec![1, channels, shape[0], shape[1]])
}

fn infer_concat(inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let [first, rest @ ..] = inputs else {
        bail!(BadShape, "expected at least one activation");
    };
    if first.len() < 2 {
        bail!(BadShape, "expected rank 2 or more, found {first:?}");
    }
    let mut shape = first.to_vec();
    for input in rest {
        let fits = input.len() == shape.len() && (0..shape.len()).all(|axis| axis == 1 || input[axis] == shape[axis]);
        if !fits {
            bail!(BadShape, "{input:?} cannot stand beside {first:?} along channels");
        }
        shape[1] += input[1];
    }
    Ok(shape)
}

/// Numpy's rule: shapes aligned at the right, each pair of dimensions equal or one of them 1.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(error!(BadShape, "{a:?} and {b:?} do not broadcast")),
        })
        .collect()
}

/// The start and length that a slice takes of an axis.
pub(crate) fn slice_range(slice: &SliceAxis, length: usize) -> Result<(usize, usize)> {
    let clamp = |index: i64| {
        let index = if index < 0 { index.saturating_add(length as i64) } else { index };
        index.clamp(0, length as i64) as usize
    };
    let (start, end) = (clamp(slice.start), clamp(slice.end));
    if slice.step == 0 || end <= start {
        bail!(BadShape, "slice {}:{}:{} of {length} is empty", slice.start, slice.end, slice.step);
    }
    Ok((start, (end - start).div_ceil(slice.step)))
}

fn infer_slice(axes: &[SliceAxis], input: &[usize]) -> Result<Vec<usize>> {
    let mut shape = image(input)?.to_vec();
    let mut seen = [false; 4];
    for slice in axes {
        if !(1..=3).contains(&slice.axis) || std::mem::replace(&mut seen[slice.axis], true) {
            bail!(BadShape, "slice axis {}: expected 1, 2 or 3, each once", slice.axis);
        }
        shape[slice.axis] = slice_range(slice, input[slice.axis])?.1;
    }
    Ok(shape)
}

fn infer_reshape(target: &[i64], input: &[usize]) -> Result<Vec<usize>> {
    let total = value_count(input)?;
    let mut shape = Vec::with_capacity(target.len());
    let mut open = None;
    for (axis, &dim) in target.iter().enumerate() {
        shape.push(match dim {
            -1 if open.replace(axis).is_none() => 1,
            0 => *input.get(axis).ok_or_else(|| error!(BadShape, "shape {target:?}: axis {axis} of {input:?}"))?,
            1.. => dim as usize,
            _ => bail!(BadShape, "shape {target:?}: {dim} on axis {axis}"),
        });
    }
    let known = value_count(&shape)?;
    if let Some(axis) = open {
        shape[axis] = total / known;
    }
    if value_count(&shape)? != total {
        bail!(BadShape, "{input:?} does not reshape to {target:?}");
    }
    // Activations lie channels-last on the GPU: only a reshape that leaves N and C alone is free there.
    if shape.len() < 2 || input.len() < 2 || shape[..2] != input[..2] {
        bail!(BadShape, "reshape of {input:?} to {shape:?} is no view: axes 0 and 1 must stay");
    }
    Ok(shape)
}

fn infer_transpose(axes: &[usize], input: &[usize]) -> Result<Vec<usize>> {
    if axes.len() != input.len() || !(0..input.len()).all(|axis| axes.contains(&axis)) {
        bail!(BadShape, "axes {axes:?} are no permutation of {input:?}");
    }
    let shape: Vec<usize> = axes.iter().map(|&axis| input[axis]).collect();
    let moving = axes.iter().copied().filter(|&axis| input[axis] != 1);
    if !moving.clone().is_sorted() || shape.len() < 2 || shape[..2] != input[..2] {
        bail!(BadShape, "transpose {axes:?} of {input:?} is no view: only axes of length 1 may move");
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::super::op::{Coordinates, PoolKind, ResizeMode};
    use super::*;

    #[test]
    fn pooling_rounds_up_but_never_into_padding_alone() {
        let pool = |window, stride, pad, ceil_mode| {
            Op::Pool(Pool {
                kind: PoolKind::Max,
                window: [window; 2],
                strides: [stride; 2],
                dilations: [1; 2],
                pads: [pad; 4],
                ceil_mode,
            })
        };
        let size = |op: &Op, length| infer(op, &[&[1, 3, length, length]], &[]).unwrap()[2];
        assert_eq!(size(&pool(2, 2, 0, true), 7), 4);
        assert_eq!(size(&pool(2, 2, 0, false), 7), 3);
        // torch.nn.MaxPool2d(2, 3, 1, ceil_mode=True) on 4: a third window would start at 5, in the padding.
        assert_eq!(size(&pool(2, 3, 1, true), 4), 2);
    }

    #[test]
    fn a_ratio_of_sizes_survives_its_own_rounding() {
        for (from, to) in [(7usize, 15usize), (3, 10), (49, 97), (1000, 333)] {
            let scale = to as f64 / from as f64;
            let resize = Op::Resize(Resize {
                mode: ResizeMode::Linear,
                coordinates: Coordinates::HalfPixel,
                scales: [scale; 2],
            });
            assert_eq!(infer(&resize, &[&[1, 1, from, from]], &[]).unwrap(), [1, 1, to, to]);
        }
    }

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast(&[1, 8, 5, 7], &[8, 1, 1]).unwrap(), [1, 8, 5, 7]);
        assert_eq!(broadcast(&[1, 1, 5, 7], &[1, 8, 1, 1]).unwrap(), [1, 8, 5, 7]);
        assert!(broadcast(&[1, 8, 5, 7], &[8]).is_err());
    }

    #[test]
    fn only_views_may_reshape() {
        assert_eq!(infer_reshape(&[0, 0, -1], &[1, 8, 5, 7]).unwrap(), [1, 8, 35]);
        assert!(infer_reshape(&[1, -1], &[1, 8, 5, 7]).is_err());
        assert_eq!(infer_reshape(&[1, -1], &[1, 8, 1, 1]).unwrap(), [1, 8]);
        assert!(infer_transpose(&[0, 2, 1, 3], &[1, 8, 5, 7]).is_err());
        assert_eq!(infer_transpose(&[0, 1, 3, 2], &[1, 8, 1, 7]).unwrap(), [1, 8, 7, 1]);
    }
}
