//! Operators that move values and change none.

use super::super::call::{self, Call};
use super::super::constant::Constant;
use super::super::fold::is_float;
use super::super::lower::{Lowering, Value};
use super::super::quantised::Quantised;
use crate::error::{Result, bail, error};
use crate::graph::Op;
use crate::graph::op::SliceAxis;
use rten_onnx::onnx::DataType;

pub(super) fn identity(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    state.alias(call, 0)
}

/// `Dropout`, which changes nothing but in training.
pub(super) fn dropout(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    call::check_dropout(state.constant(call, 1)?, state.constant(call, 2)?)?;
    state.alias(call, 0)
}

/// Casts between floats are dropped: the runtime chooses its own precision.
pub(super) fn cast(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let to = DataType(call.int("to", 0) as i32);
    if !is_float(to) {
        bail!(UnsupportedOperator, "expected a cast to floats, found one to {to}");
    }
    match state.operand(call, 0)? {
        Value::Tensor(_) | Value::Quantised(Quantised::Accumulator(_)) => state.alias(call, 0),
        _ => Err(error!(UnsupportedOperator, "expected an activation, found a quantised one")),
    }
}

/// Joins channels.
pub(super) fn concat(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let count = call.node.input.len();
    let inputs = (0..count).map(|index| state.tensor(call, index)).collect::<Result<Vec<_>>>()?;
    let [first, rest @ ..] = inputs.as_slice() else { bail!(BadModel, "expected something to join, found nothing") };
    let Some(axis) = call.attribute("axis").and_then(|attribute| attribute.i) else {
        bail!(BadModel, "expected an axis, found none");
    };
    if call::axis(axis, state.shape(*first).len())? != 1 {
        bail!(UnsupportedOperator, "expected channels (axis 1) to be joined, found axis {axis}");
    }
    if rest.is_empty() {
        return state.alias(call, 0);
    }
    state.emit(call, Op::Concat, inputs, vec![])
}

/// One slice for each part.
pub(super) fn split(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let shape = state.shape(input).to_vec();
    let axis = call::axis(call.int("axis", 0), shape.len())?;
    let parts = call.node.output.len();
    let length = shape[axis];
    let lengths = match call::attribute_or_input(call, "split", state.constant(call, 1)?)? {
        Some(lengths) => lengths,
        None => {
            // The last part is smaller where the length does not divide.
            let each = length.div_ceil(parts.max(1));
            (0..parts).map(|part| length.saturating_sub(part * each).min(each) as i64).collect()
        }
    };
    let total = lengths.iter().try_fold(0i64, |sum, &length| sum.checked_add(length).filter(|_| length > 0));
    if lengths.len() != parts || total != Some(length as i64) {
        bail!(BadShape, "parts {lengths:?}: expected {parts} that add up to {length}");
    }
    let mut start = 0;
    for (name, length) in call.node.output.iter().zip(lengths) {
        let axes = vec![SliceAxis { axis, start, end: start + length, step: 1 }];
        start += length;
        if !name.is_empty() {
            let id = state.emit_as(call, name, Op::Slice { axes }, vec![input], vec![])?;
            state.set(name, Value::Tensor(id));
            hold_cut(state, axis, start - length, start, shape[axis]);
        }
    }
    Ok(())
}

/// <https://onnx.ai/onnx/operators/onnx__Slice.html>
pub(super) fn slice(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let rank = state.shape(input).len();
    let list = |name: &str, index| call::attribute_or_input(call, name, state.constant(call, index)?);
    let missing = |name| error!(BadModel, "expected {name}, found none");
    let starts = list("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = list("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = state.constant(call, 4)?.map(Constant::to_ints).transpose()?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        bail!(
            BadShape,
            "starts, ends, axes and steps: expected one length, found {starts:?} {ends:?} {axes:?} {steps:?}"
        );
    }
    let mut slices = Vec::with_capacity(starts.len());
    for (index, &wanted) in axes.iter().enumerate() {
        let (start, end) = (starts[index], ends[index]);
        let step = usize::try_from(steps[index]).ok().filter(|&step| step > 0);
        let step = step.ok_or_else(|| error!(UnsupportedOperator, "step {}: expected 1 or more", steps[index]))?;
        let axis = call::axis(wanted, rank)?;
        // The batch holds one picture: taking all of it changes nothing.
        let whole_batch = axis == 0 && start == 0 && end >= 1 && step == 1;
        if !whole_batch {
            slices.push(SliceAxis { axis, start, end, step });
        }
    }
    if slices.is_empty() {
        return state.alias(call, 0);
    }
    let from = state.shape(input).to_vec();
    state.emit(call, Op::Slice { axes: slices.clone() }, vec![input], vec![])?;
    for SliceAxis { axis, start, end, .. } in slices {
        hold_cut(state, axis, start, end, from[axis]);
    }
    Ok(())
}

/// Notes that rows or columns are cut at a number of which the file does not say that it is not a size: where it
/// has one size itself and so may have baked the number in. A few rows at the beginning are no such cut.
fn hold_cut(state: &mut Lowering, axis: usize, start: i64, end: i64, length: usize) {
    let far = length as i64 / 2;
    // Exporters write the greatest integers for the end of an axis.
    let counts_rows = (far.max(1)..i64::from(i32::MAX)).contains(&end) || (far.max(2)..=length as i64).contains(&start);
    if axis >= 2 && counts_rows && !state.sizes.is_open {
        state.hold_size("it cuts at a row or column that may stand for the size of the picture");
    }
}

/// `Reshape`, `Flatten`, `Squeeze` and `Unsqueeze`.
pub(super) fn reshape(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let from = state.shape(input).to_vec();
    let list = |name| call::attribute_or_input(call, name, state.constant(call, 1)?);
    let missing = |name| error!(BadModel, "expected {name}, found none");
    let to = match call.operator() {
        "Reshape" => call::reshaped(&from, &list("shape")?.ok_or_else(|| missing("a shape"))?, call.flag("allowzero"))?,
        "Squeeze" => call::squeezed(&from, list("axes")?.as_deref())?,
        "Unsqueeze" => call::unsqueezed(&from, &list("axes")?.ok_or_else(|| missing("axes"))?)?,
        _ => {
            let axis = call.int("axis", 1);
            if axis != 1 {
                bail!(UnsupportedOperator, "expected axis 1, found {axis}");
            }
            vec![from[0], from[1..].iter().product()]
        }
    };
    if to == from {
        return state.alias(call, 0);
    }
    state.emit(call, Op::Reshape { shape: open_shape(&from, &to) }, vec![input], vec![])
}

/// `to` with as few baked-in sizes as possible, so that it also holds for pictures of another size:
/// the axes that stay become 0, and a single remaining one becomes -1.
fn open_shape(from: &[usize], to: &[usize]) -> Vec<i64> {
    let kept = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let long = to[kept..].iter().filter(|&&dim| dim != 1).count();
    let open = |dim: usize| if long == 1 && dim != 1 { -1 } else { dim as i64 };
    to.iter().enumerate().map(|(axis, &dim)| if axis < kept { 0 } else { open(dim) }).collect()
}

pub(super) fn transpose(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let rank = state.shape(input).len();
    let axes = match call.ints("perm") {
        Some(axes) => axes.iter().map(|&axis| call::axis(axis, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).rev().collect(),
    };
    state.emit(call, Op::Transpose { axes }, vec![input], vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_stay_open_where_they_can() {
        assert_eq!(open_shape(&[1, 8, 5, 7], &[1, 8, 35]), [0, 0, -1]);
        assert_eq!(open_shape(&[1, 8, 1, 1], &[1, 8]), [0, 0]);
        assert_eq!(open_shape(&[1, 8, 35], &[1, 8, 5, 7]), [0, 0, 5, 7]);
        assert_eq!(open_shape(&[1, 8], &[1, 8, 1, 1]), [0, 0, 1, 1]);
    }
}
