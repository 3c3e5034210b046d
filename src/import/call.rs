//! A node as the operators see it: attributes and inputs, read by name and checked.

use super::constant::Constant;
use super::external::External;
use crate::error::{Result, bail, error};
use rten_onnx::onnx::{AttributeProto, NodeProto};

/// One node, the version of the operator set that defines it, and where its constants may lie.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) node: &'a NodeProto,
    pub(super) opset: i64,
    pub(super) external: &'a External,
}

impl<'a> Call<'a> {
    pub(super) fn operator(&self) -> &'a str {
        self.node.op_type.as_deref().unwrap_or("")
    }

    /// The name of input `index`; `None` when it is left out.
    pub(super) fn input(&self, index: usize) -> Option<&'a str> {
        self.node.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of output `index`.
    pub(super) fn output(&self, index: usize) -> Result<&'a str> {
        let name = self.node.output.get(index).map(String::as_str).filter(|name| !name.is_empty());
        name.ok_or_else(|| error!(BadModel, "expected an output {index}, found none"))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|attribute| attribute.i).unwrap_or(default)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    /// A finite float.
    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32> {
        let value = self.attribute(name).and_then(|attribute| attribute.f).unwrap_or(default);
        if !value.is_finite() {
            bail!(BadModel, "attribute {name:?}: expected a finite number, found {value}");
        }
        Ok(value)
    }

    pub(super) fn string(&self, name: &str, default: &'a str) -> &'a str {
        self.attribute(name).and_then(|attribute| attribute.s.as_deref()).unwrap_or(default)
    }

    /// `None` when the attribute is left out.
    pub(super) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    /// Exactly `N` sizes, or `default` when the attribute is left out.
    pub(super) fn sizes<const N: usize>(&self, name: &str, default: [usize; N]) -> Result<[usize; N]> {
        match self.ints(name) {
            Some(values) => sizes(name, values),
            None => Ok(default),
        }
    }
}

/// Exactly `N` values of 0 or more.
pub(super) fn sizes<const N: usize>(name: &str, values: &[i64]) -> Result<[usize; N]> {
    let wrong = || error!(BadShape, "{name} {values:?}: expected {N} values of 0 or more");
    let mut sizes = [0; N];
    if values.len() != N {
        return Err(wrong());
    }
    for (size, &value) in sizes.iter_mut().zip(values) {
        *size = usize::try_from(value).map_err(|_| wrong())?;
    }
    Ok(sizes)
}

/// An axis of a tensor with `rank` axes; negative ones count from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize> {
    let rank_signed = rank as i64;
    let resolved = if axis < 0 { axis.checked_add(rank_signed) } else { Some(axis) };
    match resolved {
        Some(axis) if (0..rank_signed).contains(&axis) => Ok(axis as usize),
        _ => Err(error!(BadShape, "axis {axis}: expected {} to {}", -rank_signed, rank_signed - 1)),
    }
}

/// Distinct axes in ascending order.
pub(super) fn axes(values: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut resolved = values.iter().map(|&value| axis(value, rank)).collect::<Result<Vec<_>>>()?;
    resolved.sort_unstable();
    if resolved.windows(2).any(|pair| pair[0] == pair[1]) {
        bail!(BadShape, "axes {values:?}: expected each at most once");
    }
    Ok(resolved)
}

/// The shape that `Squeeze` leaves; without `axes` every dimension of 1 goes.
pub(super) fn squeezed(shape: &[usize], wanted: Option<&[i64]>) -> Result<Vec<usize>> {
    let dropped = match wanted {
        Some(wanted) => axes(wanted, shape.len())?,
        None => (0..shape.len()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if let Some(axis) = dropped.iter().find(|&&axis| shape[axis] != 1) {
        bail!(BadShape, "axis {axis} of {shape:?}: expected length 1, found {}", shape[*axis]);
    }
    Ok((0..shape.len()).filter(|axis| !dropped.contains(axis)).map(|axis| shape[axis]).collect())
}

/// The shape that `Unsqueeze` makes.
pub(super) fn unsqueezed(shape: &[usize], wanted: &[i64]) -> Result<Vec<usize>> {
    let added = axes(wanted, shape.len().saturating_add(wanted.len()))?;
    let mut rest = shape.iter();
    (0..shape.len() + added.len())
        .map(|axis| if added.contains(&axis) { Some(1) } else { rest.next().copied() })
        .collect::<Option<_>>()
        .ok_or_else(|| error!(BadShape, "axes {wanted:?} do not fit {shape:?}"))
}

/// A target shape with its -1 and 0 filled in.
pub(super) fn reshaped(shape: &[usize], target: &[i64], allow_zero: bool) -> Result<Vec<usize>> {
    let total = super::constant::count(shape)?;
    let mut dims = Vec::with_capacity(target.len());
    for (axis, &dim) in target.iter().enumerate() {
        dims.push(match dim {
            -1 => 1,
            0 if !allow_zero => *shape.get(axis).ok_or_else(|| error!(BadShape, "shape {target:?} of {shape:?}"))?,
            0.. => dim as usize,
            _ => bail!(BadShape, "shape {target:?}: expected -1 or more, found {dim}"),
        });
    }
    let known = super::constant::count(&dims)?;
    let open: Vec<usize> = (0..target.len()).filter(|&axis| target[axis] == -1).collect();
    match open[..] {
        [] => {}
        [axis] if known > 0 => dims[axis] = total / known,
        _ => bail!(BadShape, "shape {target:?}: expected at most one -1 and no zero beside it"),
    }
    if super::constant::count(&dims)? != total {
        bail!(BadShape, "{shape:?} does not reshape to {target:?}");
    }
    Ok(dims)
}

/// What is said of nets that were exported while they were being trained.
pub(super) const TRAINING: &str =
    "expected a net exported for inference: call model.eval() first, and do not ask the exporter to keep training mode";

/// Refuses a `Dropout` that drops something: with `training_mode`, an input since operator set 12, and a ratio
/// (one half where it is left out) above 0. Before 12 it never did.
pub(super) fn check_dropout(ratio: Option<&Constant>, training_mode: Option<&Constant>) -> Result<()> {
    let training = training_mode.is_some_and(|mode| mode.to_floats().iter().any(|&value| value != 0.0));
    let drops = ratio.is_none_or(|ratio| ratio.to_floats().iter().any(|&value| value != 0.0));
    if training && drops {
        bail!(UnsupportedOperator, "training_mode: {TRAINING}");
    }
    Ok(())
}

/// The integers of an attribute that later operator sets turned into an input.
pub(super) fn attribute_or_input(call: Call<'_>, name: &str, input: Option<&Constant>) -> Result<Option<Vec<i64>>> {
    match (input, call.ints(name)) {
        (Some(constant), _) => constant.to_ints().map(Some).map_err(|e| e.context(name)),
        (None, Some(values)) => Ok(Some(values.to_vec())),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_both_ends_and_stay_inside() {
        assert_eq!(axes(&[-1, 0], 4).unwrap(), [0, 3]);
        for wrong in [vec![4], vec![-5], vec![0, -4], vec![i64::MIN]] {
            assert!(axes(&wrong, 4).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn views_compute_their_shapes() {
        assert_eq!(squeezed(&[1, 8, 1, 1], Some(&[-1, 2])).unwrap(), [1, 8]);
        assert_eq!(squeezed(&[1, 8, 1, 1], None).unwrap(), [8]);
        assert!(squeezed(&[1, 8], Some(&[1])).is_err());
        assert_eq!(unsqueezed(&[8], &[0, -1]).unwrap(), [1, 8, 1]);
        assert!(unsqueezed(&[8], &[5]).is_err());
        assert_eq!(reshaped(&[2, 6], &[0, -1, 3], false).unwrap(), [2, 2, 3]);
        assert!(reshaped(&[2, 6], &[-1, -1], false).is_err());
        assert!(reshaped(&[2, 6], &[5, -1], false).is_err());
        assert!(reshaped(&[2, 6], &[i64::MAX, i64::MAX], false).is_err());
    }
}
