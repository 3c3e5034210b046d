//! Moving constants about: joining, picking, slicing, filling.

use super::super::call::{self, Call};
use super::super::constant::{Constant, count};
use super::super::tensor;
use super::afford;
use super::arithmetic::{broadcast, source};
use crate::error::{Result, bail, error};

/// The values at `indices`, under `shape`.
fn pick(from: &Constant, shape: Vec<usize>, indices: impl Iterator<Item = usize>) -> Result<Constant> {
    let outside = || error!(Internal, "an index lies outside a constant of shape {:?}", from.shape);
    if from.is_float() {
        let values = from.to_floats();
        let picked = indices.map(|index| values.get(index).copied()).collect::<Option<Vec<_>>>();
        return Constant::floats(shape, &picked.ok_or_else(outside)?);
    }
    let values = from.to_ints()?;
    let picked = indices.map(|index| values.get(index).copied()).collect::<Option<Vec<_>>>();
    Constant::ints(shape, picked.ok_or_else(outside)?)
}

/// `[before, length, after]`: the products around an axis.
fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    [shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()]
}

pub(super) fn concat(call: Call<'_>, operands: &[Option<&Constant>], budget: usize) -> Result<Constant> {
    let parts: Vec<&Constant> = operands.iter().copied().flatten().collect();
    let Some(first) = parts.first() else { bail!(BadModel, "expected something to join, found nothing") };
    let rank = first.shape.len();
    let axis = call::axis(call.int("axis", 0), rank)?;
    let mut shape = first.shape.clone();
    shape[axis] = 0;
    for part in &parts {
        let fits = part.shape.len() == rank && (0..rank).all(|i| i == axis || part.shape[i] == first.shape[i]);
        if !fits {
            bail!(BadShape, "{:?} cannot stand beside {:?} along axis {axis}", part.shape, first.shape);
        }
        shape[axis] += part.shape[axis];
    }
    afford(count(&shape)?, budget)?;
    let outer = around(&shape, axis)[0];
    let chunk = |part: &Constant| part.shape[axis..].iter().product::<usize>();
    if parts.iter().any(|part| part.is_float()) {
        let values: Vec<_> = parts.iter().map(|part| (part.to_floats(), chunk(part))).collect();
        let joined: Vec<f32> =
            (0..outer).flat_map(|i| values.iter().flat_map(move |(v, n)| v[i * n..(i + 1) * n].to_vec())).collect();
        return Constant::floats(shape, &joined);
    }
    let values = parts.iter().map(|part| Ok((part.to_ints()?, chunk(part)))).collect::<Result<Vec<_>>>()?;
    let joined =
        (0..outer).flat_map(|i| values.iter().flat_map(move |(v, n)| v[i * n..(i + 1) * n].to_vec())).collect();
    Constant::ints(shape, joined)
}

pub(super) fn gather(call: Call<'_>, from: &Constant, indices: &Constant, budget: usize) -> Result<Constant> {
    let axis = call::axis(call.int("axis", 0), from.shape.len())?;
    let [outer, length, inner] = around(&from.shape, axis);
    let rows = indices.to_ints()?;
    let rows = rows.iter().map(|&row| call::axis(row, length)).collect::<Result<Vec<_>>>();
    let rows = rows.map_err(|e| e.context("an index"))?;
    let mut shape = from.shape[..axis].to_vec();
    shape.extend(&indices.shape);
    shape.extend(&from.shape[axis + 1..]);
    afford(count(&shape)?, budget)?;
    let rows = &rows;
    let at = (0..outer)
        .flat_map(|o| rows.iter().flat_map(move |row| (0..inner).map(move |i| (o * length + row) * inner + i)));
    pick(from, shape, at)
}

pub(super) fn slice(call: Call<'_>, operands: &[Option<&Constant>]) -> Result<Constant> {
    let operand = |index: usize| operands.get(index).copied().flatten();
    let Some(from) = operand(0) else { bail!(BadModel, "expected an input 0, found none") };
    let needed = |name: &str, index| {
        let values = call::attribute_or_input(call, name, operand(index))?;
        values.ok_or_else(|| error!(BadModel, "expected {name}, found none"))
    };
    let (starts, ends) = (needed("starts", 1)?, needed("ends", 2)?);
    let axes =
        call::attribute_or_input(call, "axes", operand(3))?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = operand(4).map(Constant::to_ints).transpose()?.unwrap_or_else(|| vec![1; starts.len()]);
    if starts.len() > from.shape.len() {
        bail!(BadShape, "starts {starts:?}: expected at most {} values", from.shape.len());
    }
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        bail!(
            BadShape,
            "starts, ends, axes and steps: expected one length, found {starts:?} {ends:?} {axes:?} {steps:?}"
        );
    }
    let mut result = from.clone();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = call::axis(axis, from.shape.len())?;
        let [outer, length, inner] = around(&result.shape, axis);
        let rows = rows(starts[index], ends[index], steps[index], length)?;
        let mut shape = result.shape.clone();
        shape[axis] = rows.len();
        let rows = &rows;
        let at = (0..outer)
            .flat_map(|o| rows.iter().flat_map(move |row| (0..inner).map(move |i| (o * length + row) * inner + i)));
        result = pick(&result, shape, at)?;
    }
    Ok(result)
}

/// The rows that a slice takes, in order.
fn rows(start: i64, end: i64, step: i64, length: usize) -> Result<Vec<usize>> {
    let signed = length as i64;
    let wrap = |index: i64| if index < 0 { index.saturating_add(signed) } else { index };
    Ok(match step {
        1.. => {
            let (start, end) = (wrap(start).clamp(0, signed), wrap(end).clamp(0, signed));
            (start..end.max(start))
                .step_by(usize::try_from(step).unwrap_or(usize::MAX))
                .map(|row| row as usize)
                .collect()
        }
        ..=-1 => {
            let (start, end) = (wrap(start).clamp(-1, signed - 1), wrap(end).clamp(-1, signed - 1));
            let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
            (end + 1..=start).rev().step_by(stride).map(|row| row as usize).collect()
        }
        0 => bail!(BadShape, "a step of 0: expected any other"),
    })
}

pub(super) fn transpose(call: Call<'_>, from: &Constant, budget: usize) -> Result<Constant> {
    afford(from.len(), budget)?;
    let rank = from.shape.len();
    let reversed: Vec<i64> = (0..rank as i64).rev().collect();
    let order = call.ints("perm").unwrap_or(&reversed);
    let order = order.iter().map(|&axis| call::axis(axis, rank)).collect::<Result<Vec<_>>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        bail!(BadShape, "axes {order:?} are no permutation of {:?}", from.shape);
    }
    let shape: Vec<usize> = order.iter().map(|&axis| from.shape[axis]).collect();
    let strides: Vec<usize> = order.iter().map(|&axis| from.shape[axis + 1..].iter().product()).collect();
    let at = (0..from.len()).map(|mut index| {
        let mut at = 0;
        for axis in (0..rank).rev() {
            at += index % shape[axis] * strides[axis];
            index /= shape[axis];
        }
        at
    });
    pick(from, shape.clone(), at)
}

pub(super) fn range(start: &Constant, limit: &Constant, delta: &Constant, budget: usize) -> Result<Constant> {
    let [start_value, limit_value, step] = [start.scalar()?, limit.scalar()?, delta.scalar()?].map(f64::from);
    let length = ((limit_value - start_value) / step).ceil().max(0.0);
    if !length.is_finite() {
        bail!(BadModel, "a range from {start_value} to {limit_value} by {step} does not end");
    }
    afford(length as usize, budget)?;
    let values = (0..length as usize).map(|index| start_value + index as f64 * step);
    if start.is_float() {
        let values: Vec<f32> = values.map(|value| value as f32).collect();
        return Constant::floats(vec![values.len()], &values);
    }
    let values: Vec<i64> = values.map(|value| value as i64).collect();
    Constant::ints(vec![values.len()], values)
}

pub(super) fn expand(from: &Constant, target: &[i64], budget: usize) -> Result<Constant> {
    let target = Constant { shape: tensor::shape(target)?, data: from.data.clone() };
    let shape = broadcast(&[from, &target], budget)?;
    let indices = (0..count(&shape)?).map(|index| source(&shape, &from.shape, index));
    pick(from, shape.clone(), indices)
}

/// `ConstantOfShape`.
pub(super) fn filled(call: Call<'_>, target: &Constant, budget: usize) -> Result<Constant> {
    let shape = tensor::shape(&target.to_ints()?)?;
    let total = count(&shape)?;
    afford(total, budget)?;
    let value = match call.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        Some(value) => tensor::read(value, call.external)?,
        None => Constant::floats(vec![1], &[0.0])?,
    };
    if value.len() != 1 {
        bail!(BadShape, "expected one value to fill with, found shape {:?}", value.shape);
    }
    pick(&value, shape, std::iter::repeat_n(0, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_walk_both_ways_and_clamp() {
        assert_eq!(rows(1, i64::MAX, 2, 6).unwrap(), [1, 3, 5]);
        assert_eq!(rows(-1, i64::MIN, -2, 6).unwrap(), [5, 3, 1]);
        assert_eq!(rows(-2, 100, 1, 6).unwrap(), [4, 5]);
        assert_eq!(rows(4, 2, 1, 6).unwrap(), Vec::<usize>::new());
        assert_eq!(rows(0, -1, -1, 0).unwrap(), Vec::<usize>::new());
        assert!(rows(0, 1, 0, 6).is_err());
    }

    #[test]
    fn ranges_end_or_are_refused() {
        let int = |value| Constant::ints(vec![], vec![value]).unwrap();
        assert_eq!(range(&int(2), &int(9), &int(3), 100).unwrap().to_ints().unwrap(), [2, 5, 8]);
        assert!(range(&int(0), &int(9), &int(0), 100).is_err());
        assert!(range(&int(0), &int(1 << 40), &int(1), 100).is_err());
    }
}
