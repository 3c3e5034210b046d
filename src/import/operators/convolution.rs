//! `Conv` and `ConvTranspose`.

use super::super::call::Call;
use super::super::lower::Lowering;
use super::window;
use crate::error::{Result, bail, error};
use crate::graph::op::{ConvTranspose, Epilogue};
use crate::graph::scaling::Fit;
use crate::graph::{Conv, Op};

/// <https://onnx.ai/onnx/operators/onnx__Conv.html>
pub(super) fn conv(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let kernel = kernel_shape(state, call)?;
    let (conv, fit) = attributes(call, [kernel[2], kernel[3]], state.image_size(input)?)?;
    let weights = weights(state, call)?;
    state.emit_fitted(call, Op::Conv(conv), fit, input, weights)
}

/// A convolution's attributes for a `window` over a picture of `size`, and how they follow that size.
pub(in super::super) fn attributes(
    call: Call<'_>,
    window: [usize; 2],
    size: [usize; 2],
) -> Result<(Conv, Option<Fit>)> {
    let strides = call.sizes("strides", [1; 2])?;
    let dilations = call.sizes("dilations", [1; 2])?;
    let [groups] = group(call)?;
    let stated = call.sizes("kernel_shape", window)?;
    if stated != window {
        bail!(BadShape, "kernel_shape {stated:?}: the weights' window is {window:?}");
    }
    let (pads, fit) = window::pads(call, window, strides, dilations, size)?;
    Ok((Conv { groups, strides, dilations, pads, epilogue: Epilogue::default() }, fit))
}

fn group(call: Call<'_>) -> Result<[usize; 1]> {
    super::super::call::sizes("group", &[call.int("group", 1)])
}

/// The weights' four dimensions.
fn kernel_shape(state: &Lowering, call: Call<'_>) -> Result<[usize; 4]> {
    let Some(kernel) = state.constant(call, 1)? else { bail!(BadModel, "expected weights, found none") };
    <[usize; 4]>::try_from(kernel.shape.as_slice())
        .map_err(|_| error!(UnsupportedOperator, "expected weights of rank 4, found {:?}", kernel.shape))
}

fn weights(state: &mut Lowering, call: Call<'_>) -> Result<Vec<usize>> {
    let kernel = state.weight_input(call, 1)?;
    let bias = state.weight_input(call, 2)?;
    Ok(kernel.into_iter().chain(bias).collect())
}

/// <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>
pub(super) fn conv_transpose(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let kernel = kernel_shape(state, call)?;
    let window = call.sizes("kernel_shape", [kernel[2], kernel[3]])?;
    if window != kernel[2..] {
        bail!(BadShape, "kernel_shape {window:?}: the weights' window is {:?}", &kernel[2..]);
    }
    let strides = call.sizes("strides", [1; 2])?;
    let dilations = call.sizes("dilations", [1; 2])?;
    let output_padding = call.sizes("output_padding", [0; 2])?;
    let size = state.image_size(input)?;
    let auto_pad = call.string("auto_pad", "NOTSET");
    let wanted = match (call.attribute("output_shape"), auto_pad) {
        (Some(_), _) => Some(call.sizes::<2>("output_shape", [0; 2])?),
        (None, "SAME_UPPER" | "SAME_LOWER") => {
            Some([size[0].saturating_mul(strides[0]), size[1].saturating_mul(strides[1])])
        }
        _ => None,
    };
    let mut pads = if auto_pad == "VALID" { [0; 4] } else { call.sizes("pads", [0; 4])? };
    if let Some(wanted) = wanted {
        for axis in 0..2 {
            let full = full_length(size[axis], window[axis], strides[axis], dilations[axis], output_padding[axis]);
            let total = full.and_then(|full| full.checked_sub(wanted[axis]));
            let total = total.ok_or_else(|| {
                let most = full.unwrap_or(0);
                error!(UnsupportedOperator, "an output of {wanted:?}: expected at most {most} along axis {}", axis + 2)
            })?;
            let less = total / 2;
            // The definition gives the odd row to the end only for SAME_UPPER.
            let before = if auto_pad == "SAME_UPPER" { less } else { total - less };
            (pads[axis], pads[axis + 2]) = (before, total - before);
        }
    }
    let [groups] = group(call)?;
    let weights = weights(state, call)?;
    let conv = ConvTranspose { groups, strides, dilations, pads, output_padding };
    state.emit(call, Op::ConvTranspose(conv), vec![input], weights)
}

/// The length that a transposed convolution makes before pads are taken off.
fn full_length(length: usize, window: usize, stride: usize, dilation: usize, extra: usize) -> Option<usize> {
    let steps = length.checked_sub(1)?.checked_mul(stride)?;
    let span = window.checked_sub(1)?.checked_mul(dilation)?;
    steps.checked_add(span)?.checked_add(1)?.checked_add(extra)
}
