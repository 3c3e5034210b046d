//! Arithmetic on constants, with numpy's broadcasting.

use super::super::constant::{Constant, count};
use super::afford;
use crate::error::{Result, bail, error};

/// Two operands, value by value. Integers stay integers; anything with a float is computed in f32, as
/// ONNX defines it.
pub(super) fn binary(operator: &str, a: &Constant, b: &Constant, budget: usize) -> Result<Constant> {
    let shape = broadcast(&[a, b], budget)?;
    if operator == "Equal" {
        let (x, y) = (a.to_floats(), b.to_floats());
        // f32 holds the small integers of shape arithmetic exactly.
        let equal = pairs(&shape, a, b).map(|(i, j)| i64::from(x[i] == y[j])).collect();
        return Constant::ints(shape, equal);
    }
    if a.is_float() || b.is_float() {
        let (x, y) = (a.to_floats(), b.to_floats());
        let values: Vec<f32> = pairs(&shape, a, b).map(|(i, j)| floats(operator, x[i], y[j])).collect();
        return Constant::floats(shape, &values);
    }
    let (x, y) = (a.to_ints()?, b.to_ints()?);
    let values = pairs(&shape, a, b).map(|(i, j)| {
        ints(operator, x[i], y[j]).ok_or_else(|| error!(BadModel, "{} {operator} {} is no 64-bit integer", x[i], y[j]))
    });
    let values = values.collect::<Result<_>>()?;
    Constant::ints(shape, values)
}

fn floats(operator: &str, x: f32, y: f32) -> f32 {
    match operator {
        "Add" => x + y,
        "Sub" => x - y,
        "Mul" => x * y,
        "Div" => x / y,
        "Mod" => x - (x / y).floor() * y,
        "Fmod" => x % y,
        "Pow" => x.powf(y),
        "Min" => x.min(y),
        _ => x.max(y),
    }
}

fn ints(operator: &str, x: i64, y: i64) -> Option<i64> {
    match operator {
        "Add" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        "Fmod" => x.checked_rem(y),
        // ONNX gives the remainder the divisor's sign.
        "Mod" => x.checked_rem(y).map(|rest| if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }),
        "Pow" => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        "Min" => Some(x.min(y)),
        _ => Some(x.max(y)),
    }
}

/// One operand.
pub(super) fn unary(operator: &str, a: &Constant, budget: usize) -> Result<Constant> {
    afford(a.len(), budget)?;
    if !a.is_float() && matches!(operator, "Neg" | "Abs") {
        let change = |value: &i64| if operator == "Neg" { value.checked_neg() } else { value.checked_abs() };
        let values = a.to_ints()?.iter().map(change).collect::<Option<_>>();
        return Constant::ints(a.shape.clone(), values.ok_or_else(|| error!(BadModel, "an integer overflows"))?);
    }
    let change = match operator {
        "Floor" => f32::floor,
        "Ceil" => f32::ceil,
        "Round" => f32::round_ties_even,
        "Sqrt" => f32::sqrt,
        "Neg" => |value: f32| -value,
        "Abs" => f32::abs,
        "Reciprocal" => f32::recip,
        _ => f32::exp,
    };
    let values: Vec<f32> = a.to_floats().into_iter().map(change).collect();
    Constant::floats(a.shape.clone(), &values)
}

/// `Where`.
pub(super) fn choose(condition: &Constant, a: &Constant, b: &Constant, budget: usize) -> Result<Constant> {
    let shape = broadcast(&[condition, a, b], budget)?;
    let condition_values = condition.to_ints()?;
    let total = count(&shape)?;
    let picks: Vec<(bool, usize)> = (0..total)
        .map(|index| {
            let first = condition_values[source(&shape, &condition.shape, index)] != 0;
            (first, source(&shape, if first { &a.shape } else { &b.shape }, index))
        })
        .collect();
    if a.is_float() || b.is_float() {
        let (x, y) = (a.to_floats(), b.to_floats());
        let values: Vec<f32> = picks.iter().map(|&(first, at)| if first { x[at] } else { y[at] }).collect();
        return Constant::floats(shape, &values);
    }
    let (x, y) = (a.to_ints()?, b.to_ints()?);
    Constant::ints(shape, picks.iter().map(|&(first, at)| if first { x[at] } else { y[at] }).collect())
}

/// `ReduceProd` of everything, under as many axes as before where `keeps_axes`.
pub(super) fn product(a: &Constant, keeps_axes: bool) -> Result<Constant> {
    let product = a.to_ints()?.iter().try_fold(1i64, |product, &value| product.checked_mul(value));
    let product = product.ok_or_else(|| error!(BadModel, "the product of {:?} overflows", a.shape))?;
    Constant::ints(vec![1; if keeps_axes { a.shape.len() } else { 0 }], vec![product])
}

/// The common shape of operands, paid for.
pub(super) fn broadcast(operands: &[&Constant], budget: usize) -> Result<Vec<usize>> {
    let rank = operands.iter().map(|operand| operand.shape.len()).max().unwrap_or(0);
    let mut shape = vec![1; rank];
    for operand in operands {
        let skipped = rank - operand.shape.len();
        for (dim, &other) in shape[skipped..].iter_mut().zip(&operand.shape) {
            match (*dim, other) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => *dim = b,
                _ => bail!(BadShape, "{:?} does not broadcast with {:?}", operand.shape, operands[0].shape),
            }
        }
    }
    afford(count(&shape)?, budget)?;
    Ok(shape)
}

/// Where the value at `index` of a broadcast `shape` lies in an operand of shape `from`.
pub(super) fn source(shape: &[usize], from: &[usize], mut index: usize) -> usize {
    let (mut at, mut stride) = (0, 1);
    let skipped = shape.len() - from.len();
    for axis in (skipped..shape.len()).rev() {
        let (dim, length) = (shape[axis], from[axis - skipped]);
        at += (index % dim).min(length - 1) * stride;
        stride *= length;
        index /= dim;
    }
    at
}

fn pairs<'a>(shape: &'a [usize], a: &'a Constant, b: &'a Constant) -> impl Iterator<Item = (usize, usize)> + 'a {
    (0..shape.iter().product()).map(move |index| (source(shape, &a.shape, index), source(shape, &b.shape, index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(values: &[i64]) -> Constant {
        Constant::ints(vec![values.len()], values.to_vec()).unwrap()
    }

    #[test]
    fn integers_divide_and_wrap_like_onnx() {
        let apply = |op, a: &[i64], b: &[i64]| binary(op, &int(a), &int(b), 100).unwrap().to_ints().unwrap();
        assert_eq!(apply("Div", &[7, -7], &[2]), [3, -3]);
        assert_eq!(apply("Mod", &[7, -7], &[3]), [1, 2]);
        assert_eq!(apply("Fmod", &[7, -7], &[3]), [1, -1]);
        assert_eq!(apply("Mul", &[2, 3], &[5, 7]), [10, 21]);
        assert!(binary("Div", &int(&[1]), &int(&[0]), 100).is_err());
        assert!(binary("Mul", &int(&[i64::MAX]), &int(&[2]), 100).is_err());
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let column = Constant::ints(vec![2, 1], vec![10, 20]).unwrap();
        let sum = binary("Add", &column, &int(&[1, 2, 3]), 100).unwrap();
        assert_eq!((sum.shape.clone(), sum.to_ints().unwrap()), (vec![2, 3], vec![11, 12, 13, 21, 22, 23]));
        assert!(binary("Add", &int(&[1, 2]), &int(&[1, 2, 3]), 100).is_err());
        assert!(binary("Add", &column, &int(&[1, 2, 3]), 5).is_err(), "over budget");
    }

    #[test]
    fn empty_operands_stay_empty() {
        assert_eq!(binary("Add", &int(&[]), &int(&[1]), 100).unwrap().shape, [0]);
        let chosen = choose(&int(&[1, 0]), &int(&[5, 6]), &int(&[-1]), 100).unwrap();
        assert_eq!(chosen.to_ints().unwrap(), [5, -1]);
    }
}
