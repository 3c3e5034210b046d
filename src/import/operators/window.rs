//! Pooling, padding and the pads of windows.

use super::super::call::{self, Call};
use super::super::lower::Lowering;
use crate::error::{Result, bail, error};
use crate::graph::op::{Pad, PadMode, PoolKind};
use crate::graph::{Op, Pool};

/// The pads of a window, `auto_pad` resolved for a picture of `size`.
pub(super) fn pads(
    call: Call<'_>,
    window: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    size: [usize; 2],
) -> Result<[usize; 4]> {
    let upper = match call.string("auto_pad", "NOTSET") {
        // An empty string is how some tools spell the default.
        "NOTSET" | "" => return call.sizes("pads", [0; 4]),
        "VALID" => return Ok([0; 4]),
        "SAME_UPPER" => true,
        "SAME_LOWER" => false,
        other => bail!(BadModel, "auto_pad {other:?}: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
    };
    let mut pads = [0; 4];
    for axis in 0..2 {
        let total = same_padding(size[axis], window[axis], strides[axis], dilations[axis])
            .ok_or_else(|| error!(BadShape, "a window {window:?} with strides {strides:?} does not fit {size:?}"))?;
        let before = if upper { total / 2 } else { total - total / 2 };
        (pads[axis], pads[axis + 2]) = (before, total - before);
    }
    Ok(pads)
}

/// What makes the output `ceil(length / stride)` long.
fn same_padding(length: usize, window: usize, stride: usize, dilation: usize) -> Option<usize> {
    let steps = length.checked_add(stride.checked_sub(1)?)? / stride;
    let span = window.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    Some(steps.checked_sub(1)?.checked_mul(stride)?.checked_add(span)?.saturating_sub(length))
}

/// <https://onnx.ai/onnx/operators/onnx__MaxPool.html> and `AveragePool`.
pub(super) fn pool(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let Some(window) = call.ints("kernel_shape") else { bail!(BadModel, "expected kernel_shape, found none") };
    let window = call::sizes("kernel_shape", window)?;
    let strides = call.sizes("strides", [1; 2])?;
    let dilations = call.sizes("dilations", [1; 2])?;
    let pads = pads(call, window, strides, dilations, state.image_size(input)?)?;
    let kind = match (call.operator(), call.flag("count_include_pad")) {
        ("MaxPool", _) => PoolKind::Max,
        (_, true) => PoolKind::AverageWithPads,
        (_, false) => PoolKind::Average,
    };
    let pool = Pool { kind, window, strides, dilations, pads, ceil_mode: call.flag("ceil_mode") };
    state.emit(call, Op::Pool(pool), vec![input], vec![])
}

pub(super) fn global_average_pool(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    state.emit(call, Op::GlobalAveragePool, vec![input], vec![])
}

/// The mean over rows and columns; any other mean is refused.
pub(super) fn reduce_mean(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let rank = state.shape(input).len();
    let wanted = call::attribute_or_input(call, "axes", state.constant(call, 1)?)?.unwrap_or_default();
    let axes = call::axes(&wanted, rank)?;
    if rank != 4 || axes != [2, 3] {
        bail!(UnsupportedOperator, "expected a mean over axes 2 and 3 of 4, found axes {wanted:?} of {rank}");
    }
    if call.int("keepdims", 1) != 0 {
        return state.emit(call, Op::GlobalAveragePool, vec![input], vec![]);
    }
    let name = format!("{}.mean", call.output(0)?);
    let mean = state.emit_as(call, &name, Op::GlobalAveragePool, vec![input], vec![])?;
    state.emit(call, Op::Reshape { shape: vec![0, 0] }, vec![mean], vec![])
}

/// <https://onnx.ai/onnx/operators/onnx__Pad.html>
pub(super) fn pad(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let rank = state.shape(input).len();
    let Some(widths) = call::attribute_or_input(call, "pads", state.constant(call, 1)?)? else {
        bail!(BadModel, "expected pads, found none");
    };
    let axes = match state.constant(call, 3)? {
        Some(axes) => axes.to_ints()?.iter().map(|&axis| call::axis(axis, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    if widths.len() != 2 * axes.len() {
        bail!(BadShape, "pads {widths:?}: expected {} values", 2 * axes.len());
    }
    let mut pads = [0; 4];
    for (index, &axis) in axes.iter().enumerate() {
        let [before, after] = [widths[index], widths[index + axes.len()]];
        let bad = || error!(UnsupportedOperator, "pads {widths:?}: expected 0 or more, and 0 but on rows and columns");
        if !(2..4).contains(&axis) {
            if (before, after) != (0, 0) {
                return Err(bad());
            }
            continue;
        }
        pads[axis - 2] = usize::try_from(before).map_err(|_| bad())?;
        pads[axis] = usize::try_from(after).map_err(|_| bad())?;
    }
    if pads == [0; 4] {
        return state.alias(call, 0);
    }
    let mode = match call.string("mode", "constant") {
        "constant" => {
            let value = match state.constant(call, 2)? {
                Some(value) => value.scalar()?,
                None => call.attribute("value").and_then(|attribute| attribute.f).unwrap_or(0.0),
            };
            PadMode::Constant { value: finite("value", value)? }
        }
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        other => bail!(UnsupportedOperator, "mode {other:?}: expected constant, reflect or edge"),
    };
    state.emit(call, Op::Pad(Pad { pads, mode }), vec![input], vec![])
}

/// Infinities become the greatest float: the model file's JSON has no infinity.
pub(super) fn finite(name: &str, value: f32) -> Result<f32> {
    if value.is_nan() {
        bail!(BadModel, "{name}: expected a number, found NaN");
    }
    Ok(value.clamp(f32::MIN, f32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_matches_its_definition() {
        // ceil(7 / 2) = 4 windows of 3 need 3 * 2 + 3 = 9 rows: 2 more than there are.
        assert_eq!(same_padding(7, 3, 2, 1), Some(2));
        assert_eq!(same_padding(8, 3, 2, 1), Some(1));
        assert_eq!(same_padding(8, 1, 2, 1), Some(0));
        assert_eq!(same_padding(8, 3, 1, 4), Some(8));
        assert_eq!(same_padding(8, 3, 0, 1), None);
        assert_eq!(same_padding(8, usize::MAX, 1, 2), None);
    }
}
