//! Pooling, padding and the pads of windows.

use super::super::call::{self, Call};
use super::super::lower::Lowering;
use super::super::sizes::Parts;
use crate::error::{Result, bail, error};
use crate::graph::op::{Pad, PadMode, PoolKind};
use crate::graph::scaling::Fit;
use crate::graph::{Op, Pool};

/// The pads of a window over a picture of `size`, and how they follow that size.
pub(super) fn pads(
    call: Call<'_>,
    window: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    size: [usize; 2],
) -> Result<([usize; 4], Option<Fit>)> {
    let fit = match call.string("auto_pad", "NOTSET") {
        // An empty string is how some tools spell the default.
        "NOTSET" | "" => return Ok((call.sizes("pads", [0; 4])?, None)),
        "VALID" => return Ok(([0; 4], None)),
        "SAME_UPPER" => Fit::SameUpper,
        "SAME_LOWER" => Fit::SameLower,
        other => bail!(BadModel, "auto_pad {other:?}: expected NOTSET, VALID, SAME_UPPER or SAME_LOWER"),
    };
    // With a stride of 1 the pads are the same at every size.
    Ok((fit.pads(size, window, strides, dilations)?, Some(fit).filter(|_| strides != [1; 2])))
}

/// <https://onnx.ai/onnx/operators/onnx__MaxPool.html> and `AveragePool`.
pub(super) fn pool(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let Some(window) = call.ints("kernel_shape") else { bail!(BadModel, "expected kernel_shape, found none") };
    let window = call::sizes("kernel_shape", window)?;
    let strides = call.sizes("strides", [1; 2])?;
    let dilations = call.sizes("dilations", [1; 2])?;
    let size = state.image_size(input)?;
    let (pads, fit) = pads(call, window, strides, dilations, size)?;
    let overlaps = (0..2).all(|axis| window[axis] >= strides[axis]);
    if call.string("auto_pad", "").starts_with("SAME") && (dilations != [1; 2] || !overlaps) {
        bail!(
            UnsupportedOperator,
            "auto_pad with dilations or a window smaller than its stride: expected pads in numbers, as runtimes disagree"
        );
    }
    let kind = match (call.operator(), call.flag("count_include_pad")) {
        ("MaxPool", _) => PoolKind::Max,
        (_, true) => PoolKind::AverageWithPads,
        (_, false) => PoolKind::Average,
    };
    let pool = Pool { kind, window, strides, dilations, pads, ceil_mode: call.flag("ceil_mode") };
    if pads != [0; 4] || dilations != [1; 2] || fit.is_some() {
        return state.emit_fitted(call, Op::Pool(pool), fit, input, vec![]);
    }
    let output = call.output(0)?;
    let earlier = state.earlier.as_ref().and_then(|earlier| earlier.pools.get(output)).copied();
    let parts = earlier.unwrap_or_else(|| Parts::of(window, strides, size));
    state.sizes.pools.insert(output.to_owned(), parts);
    match parts {
        Parts::Whole if kind != PoolKind::Max => state.emit(call, Op::GlobalAveragePool, vec![input], vec![]),
        Parts::Whole | Parts::Tiles(_) => {
            let fit = Fit::Windows(if let Parts::Tiles(counts) = parts { counts } else { [1, 1] });
            let mut op = Op::Pool(pool);
            fit.apply(&mut op, size, size, None)?;
            state.emit_fitted(call, op, Some(fit), input, vec![])
        }
        Parts::Doubtful | Parts::Literal => {
            state.emit(call, Op::Pool(pool), vec![input], vec![])?;
            if parts == Parts::Doubtful {
                state.hold_size(
                    "its window covers a part of the whole map, or is a step of its own: the file does not say",
                );
            }
            Ok(())
        }
    }
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
