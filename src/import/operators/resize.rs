//! `Resize` and its forerunner `Upsample`, read as scales.
//!
//! Exporters often bake the output's size in. The ratio of sizes is kept instead, so that the net
//! also runs on pictures of another size.

use super::super::call::{self, Call};
use super::super::lower::Lowering;
use super::super::sizes::Baked;
use crate::error::{Result, bail, error};
use crate::graph::op::{Coordinates, ResizeMode, Rounding};
use crate::graph::{Op, Resize};

/// <https://onnx.ai/onnx/operators/onnx__Resize.html>
pub(super) fn resize(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let size = state.image_size(input)?;
    let shape = state.shape(input).to_vec();
    if call.string("keep_aspect_ratio_policy", "stretch") != "stretch" {
        bail!(UnsupportedOperator, "keep_aspect_ratio_policy: expected \"stretch\"");
    }
    let scales = match (sizes(state, call)?, scales(state, call)?) {
        (Some(sizes), _) => {
            let sizes = spatial(call, &sizes, &shape.map_i64())?;
            let lengths: [usize; 2] = call::sizes("sizes", &sizes)?;
            if lengths.contains(&0) {
                bail!(BadShape, "sizes {lengths:?}: expected 1 or more");
            }
            let baked = Baked { from: size, to: lengths };
            let output = call.output(0)?;
            // A size that is the same however large the picture is was baked in by the exporter.
            let earlier = state.earlier.as_ref().and_then(|earlier| earlier.resizes.get(output)).copied();
            let Baked { from, to } = earlier.filter(|earlier| earlier.to == lengths).unwrap_or(baked);
            state.sizes.resizes.insert(output.to_owned(), baked);
            [to[0] as f64 / from[0] as f64, to[1] as f64 / from[1] as f64]
        }
        (None, Some(scales)) => spatial(call, &scales, &[1.0; 4])?,
        (None, None) => bail!(BadModel, "expected scales or sizes, found neither"),
    };
    if call.flag("antialias") && scales.iter().any(|&scale| scale < 1.0) {
        bail!(UnsupportedOperator, "shrinking with antialias: expected plain sampling");
    }
    let resize = Resize { mode: mode(call, scales)?, coordinates: coordinates(call)?, scales };
    state.emit(call, Op::Resize(resize), vec![input], vec![])
}

trait AsInts {
    fn map_i64(&self) -> [i64; 4];
}

impl AsInts for Vec<usize> {
    fn map_i64(&self) -> [i64; 4] {
        std::array::from_fn(|axis| self.get(axis).map_or(0, |&dim| dim as i64))
    }
}

/// The output's sizes, when they are given.
fn sizes(state: &Lowering, call: Call<'_>) -> Result<Option<Vec<i64>>> {
    let has_sizes = call.operator() == "Resize" && call.opset >= 11;
    let sizes = if has_sizes { state.constant(call, 3)? } else { None };
    Ok(sizes.map(|sizes| sizes.to_ints()).transpose()?.filter(|sizes| !sizes.is_empty()))
}

/// The scales, when they are given.
fn scales(state: &Lowering, call: Call<'_>) -> Result<Option<Vec<f64>>> {
    let widen = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
    if call.operator() == "Upsample" && call.opset < 9 {
        return Ok(call.attribute("scales").map(|attribute| widen(attribute.floats.clone())));
    }
    let index = if call.operator() == "Resize" && call.opset >= 11 { 2 } else { 1 };
    let scales = state.constant(call, index)?.map(|scales| widen(scales.to_floats()));
    Ok(scales.filter(|scales| !scales.is_empty()))
}

/// The values for rows and columns; those for the other axes must be `neutral`, which changes nothing.
fn spatial<T: Copy + PartialEq + std::fmt::Debug>(call: Call<'_>, values: &[T], neutral: &[T; 4]) -> Result<[T; 2]> {
    let axes: Vec<usize> = match call.ints("axes") {
        Some(axes) => axes.iter().map(|&axis| call::axis(axis, 4)).collect::<Result<_>>()?,
        None => (0..4).collect(),
    };
    if values.len() != axes.len() {
        bail!(BadShape, "{values:?}: expected one value for each of the axes {axes:?}");
    }
    let mut all = *neutral;
    for (&axis, &value) in axes.iter().zip(values) {
        all[axis] = value;
    }
    if all[..2] != neutral[..2] {
        bail!(UnsupportedOperator, "{values:?}: expected batch and channels to stay {:?}", &neutral[..2]);
    }
    Ok([all[2], all[3]])
}

fn mode(call: Call<'_>, scales: [f64; 2]) -> Result<ResizeMode> {
    let mode = call.string("mode", "nearest");
    match mode {
        "linear" | "bilinear" => return Ok(ResizeMode::Linear),
        "nearest" => {}
        other => bail!(UnsupportedOperator, "mode {other:?}: expected linear or nearest"),
    }
    // Before version 11 there was no such attribute. ONNX Runtime rounds down there where it enlarges, up where it
    // shrinks.
    let default = match scales.map(|scale| scale < 1.0) {
        _ if has_attributes(call) => "round_prefer_floor",
        [false, false] => "floor",
        [true, true] => "ceil",
        _ if scales.contains(&1.0) => "ceil",
        _ => bail!(UnsupportedOperator, "scales {scales:?}: expected both to enlarge or both to shrink"),
    };
    Ok(ResizeMode::Nearest(match call.string("nearest_mode", default) {
        "round_prefer_floor" => Rounding::RoundPreferFloor,
        "round_prefer_ceil" => Rounding::RoundPreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        other => return Err(error!(BadModel, "nearest_mode {other:?}: expected a way of rounding")),
    }))
}

fn coordinates(call: Call<'_>) -> Result<Coordinates> {
    let default = if has_attributes(call) { "half_pixel" } else { "asymmetric" };
    Ok(match call.string("coordinate_transformation_mode", default) {
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        other => bail!(UnsupportedOperator, "coordinate_transformation_mode {other:?} is not known"),
    })
}

fn has_attributes(call: Call<'_>) -> bool {
    call.operator() == "Resize" && call.opset >= 11
}
