//! Functions of one or two values, and softmax.

use super::super::call::{self, Call};
use super::super::constant::Constant;
use super::super::lower::{Lowering, Value};
use super::super::quantised;
use super::window::finite;
use crate::error::{Result, bail};
use crate::graph::{Activation, Binary, Op};

pub(super) fn activation(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    if call.operator() == "PRelu"
        && let Some(slopes) = slopes(state, call)?
    {
        return leak_by_channel(state, call, input, &slopes);
    }
    let activation = match call.operator() {
        "Relu" => Activation::Relu,
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "HardSwish" => Activation::HardSwish,
        "LeakyRelu" => Activation::LeakyRelu { alpha: call.float("alpha", 0.01)? },
        "HardSigmoid" => Activation::HardSigmoid { alpha: call.float("alpha", 0.2)?, beta: call.float("beta", 0.5)? },
        "PRelu" => Activation::LeakyRelu { alpha: one_slope(state, call)? },
        _ => Activation::Clip {
            min: limit(state, call, "min", 1, f32::MIN)?,
            max: limit(state, call, "max", 2, f32::MAX)?,
        },
    };
    state.emit(call, Op::Activation(activation), vec![input], vec![])
}

/// A limit of `Clip`: an input since version 11, an attribute before.
fn limit(state: &Lowering, call: Call<'_>, name: &str, index: usize, default: f32) -> Result<f32> {
    let value = match state.constant(call, index)? {
        Some(value) => value.scalar().map_err(|e| e.context(name))?,
        None => call.attribute(name).and_then(|attribute| attribute.f).unwrap_or(default),
    };
    finite(name, value)
}

/// A `PRelu` whose channels share their slope is a leaky ReLU.
fn one_slope(state: &Lowering, call: Call<'_>) -> Result<f32> {
    let slopes = state.constant(call, 1)?.map(Constant::to_floats).unwrap_or_default();
    let Some(&first) = slopes.first() else { bail!(BadModel, "expected slopes, found none") };
    finite("slope", first)
}

/// The slopes of a `PRelu` that differ.
fn slopes(state: &Lowering, call: Call<'_>) -> Result<Option<Constant>> {
    let Some(slopes) = state.constant(call, 1)? else { return Ok(None) };
    let values = slopes.to_floats();
    Ok(values.iter().any(|slope| *slope != values[0]).then(|| slopes.clone()))
}

/// `PRelu` with slopes of its own for each channel: `relu(x) + slope * min(x, 0)`.
fn leak_by_channel(state: &mut Lowering, call: Call<'_>, input: usize, slopes: &Constant) -> Result<()> {
    let name = call.output(0)?;
    let clip = Op::Activation(Activation::Clip { min: f32::MIN, max: 0.0 });
    let above = state.emit_as(call, &format!("{name}.above"), Op::Activation(Activation::Relu), vec![input], vec![])?;
    let below = state.emit_as(call, &format!("{name}.below"), clip, vec![input], vec![])?;
    // Slopes align with the input at its end, as in numpy; but one axis alone is the channels' in older files.
    let rank = state.shape(input).len();
    let channels = state.shape(input).get(1).copied().unwrap_or(0);
    let shape = match slopes.shape[..] {
        [length] if call.opset < 9 && length == channels && rank > 1 => [vec![length], vec![1; rank - 2]].concat(),
        _ => slopes.shape.clone(),
    };
    let slopes = state.weight(call.input(1).unwrap_or_default(), &slopes.with_shape(shape)?)?;
    let product = Op::Binary { function: Binary::Mul, constant_first: false };
    let leak = state.emit_as(call, &format!("{name}.leak"), product, vec![below], vec![slopes])?;
    let sum = Op::Binary { function: Binary::Add, constant_first: false };
    state.emit(call, sum, vec![above, leak], vec![])
}

/// `Neg`, as a product.
pub(super) fn negate(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let name = format!("{}.minus_one", call.output(0)?);
    let factor = state.weight(&name, &Constant::floats(vec![1], &[-1.0])?)?;
    state.emit(call, Op::Binary { function: Binary::Mul, constant_first: false }, vec![input], vec![factor])
}

/// `Max` and `Min` of one activation and numbers.
pub(super) fn limit_by_constant(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let is_max = call.operator() == "Max";
    let mut limit = if is_max { f32::MIN } else { f32::MAX };
    let mut input = None;
    for index in 0..call.node.input.len() {
        match state.operand(call, index)? {
            Value::Tensor(id) if input.is_none() => input = Some(*id),
            Value::Constant(constant) if constant.len() == 1 => {
                let value = finite("constant", constant.scalar()?)?;
                limit = if is_max { limit.max(value) } else { limit.min(value) };
            }
            _ => bail!(UnsupportedOperator, "expected one activation and single numbers"),
        }
    }
    let Some(input) = input else { bail!(BadModel, "expected an activation, found none") };
    let (min, max) = if is_max { (limit, f32::MAX) } else { (f32::MIN, limit) };
    state.emit(call, Op::Activation(Activation::Clip { min, max }), vec![input], vec![])
}

/// `Add`, `Sub`, `Mul`; and `Div` by a constant, as a product with its reciprocal.
pub(super) fn binary(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let function = match call.operator() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        _ => Binary::Mul,
    };
    let operands = (state.operand(call, 0)?.clone(), state.operand(call, 1)?.clone());
    let divides = call.operator() == "Div";
    match operands {
        (Value::Tensor(a), Value::Tensor(b)) if !divides => {
            state.emit(call, Op::Binary { function, constant_first: false }, vec![a, b], vec![])
        }
        (Value::Tensor(a), Value::Constant(constant)) => {
            if divides {
                state.spend(constant.len())?;
            }
            let constant = if divides { reciprocal(&constant)? } else { constant };
            with_constant(state, call, function, [a, 1], &constant)
        }
        (Value::Constant(constant), Value::Tensor(b)) if !divides => {
            with_constant(state, call, function, [b, 0], &constant)
        }
        (Value::Quantised(_), _) | (_, Value::Quantised(_)) if function == Binary::Mul && !divides => {
            quantised::multiply(state, call, operands)
        }
        _ => bail!(UnsupportedOperator, "expected activations and constants, and no division by an activation"),
    }
}

/// One activation and the constant that is input `index`.
fn with_constant(
    state: &mut Lowering,
    call: Call<'_>,
    function: Binary,
    [tensor, index]: [usize; 2],
    constant: &Constant,
) -> Result<()> {
    // A leading 1 beyond the activation's rank, or no axes at all, are spellings of the same thing.
    let rank = state.shape(tensor).len();
    let extra = constant.shape.len().saturating_sub(rank);
    let mut shape = constant.shape.clone();
    if shape[..extra].iter().all(|&dim| dim == 1) {
        shape.drain(..extra);
    }
    if shape.is_empty() {
        shape.push(1);
    }
    let weight = state.weight(call.input(index).unwrap_or_default(), &constant.with_shape(shape)?)?;
    let constant_first = index == 0 && function == Binary::Sub;
    state.emit(call, Op::Binary { function, constant_first }, vec![tensor], vec![weight])
}

fn reciprocal(constant: &Constant) -> Result<Constant> {
    let values: Vec<f32> = constant.to_floats().into_iter().map(f32::recip).collect();
    if values.iter().any(|value| !value.is_finite()) {
        bail!(BadModel, "a division by zero");
    }
    Constant::floats(constant.shape.clone(), &values)
}

/// `Sum` of any number of activations, as a chain of additions.
pub(super) fn sum(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let count = call.node.input.len();
    let mut total = state.tensor(call, 0)?;
    if count == 1 {
        return state.alias(call, 0);
    }
    let add = Op::Binary { function: Binary::Add, constant_first: false };
    for index in 1..count - 1 {
        let next = state.tensor(call, index)?;
        let name = format!("{}.{index}", call.output(0)?);
        total = state.emit_as(call, &name, add.clone(), vec![total, next], vec![])?;
    }
    let last = state.tensor(call, count - 1)?;
    state.emit(call, add, vec![total, last], vec![])
}

/// Softmax over channels.
pub(super) fn softmax(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let shape = state.shape(input).to_vec();
    let flattens = call.opset < 13;
    let axis = call::axis(call.int("axis", if flattens { 1 } else { -1 }), shape.len())?;
    // Before version 13 everything from the axis on was normalized together.
    let together = flattens && shape.iter().skip(2).any(|&dim| dim != 1);
    if axis != 1 || together {
        bail!(UnsupportedOperator, "expected a softmax over channels alone, found axis {axis} of {shape:?}");
    }
    state.emit(call, Op::Softmax, vec![input], vec![])
}
