//! Computing, while importing, what does not depend on the picture.
//!
//! Exporters write shapes as little programs (`Shape`, `Gather`, `Mul`, `Floor`, `Concat`, ...). With the
//! input's size known they are numbers, and so are weights that pass through casts and reshapes.

mod arithmetic;
mod arrange;

use super::call::{self, Call};
use super::constant::{Constant, Data};
use super::lower::{Lowering, Value};
use super::tensor;
use crate::error::{Result, bail, error};
use rten_onnx::onnx::DataType;

/// Evaluates `call` when all that it reads is known; says whether it did.
///
/// # Errors
/// As the operator's definition says, and `BadModel` when folding would make far more values than the file has.
pub(super) fn try_fold(state: &mut Lowering, call: Call<'_>) -> Result<bool> {
    let result = match call.operator() {
        "Constant" => constant(call)?,
        // Shapes are static: known even of activations.
        "Shape" | "Size" => {
            state.sizes.reads_shapes = true;
            shape_of(state, call)?
        }
        _ => {
            let mut operands = Vec::with_capacity(call.node.input.len());
            for index in 0..call.node.input.len() {
                match call.input(index).map(|name| state.value(name)).transpose()? {
                    Some(Value::Constant(constant)) => operands.push(Some(constant)),
                    Some(_) => return Ok(false),
                    None => operands.push(None),
                }
            }
            if operands.iter().all(Option::is_none) {
                return Ok(false);
            }
            let (result, is_new) = evaluate(call, &operands, state.fold_budget())?;
            if is_new {
                state.spend(result.len())?;
            }
            result
        }
    };
    state.set(call.output(0)?, Value::Constant(result));
    Ok(true)
}

/// Whether constants, and shapes, can be computed by `operator`.
pub(super) fn knows(operator: &str) -> bool {
    matches!(
        operator,
        "Constant"
            | "Shape"
            | "Size"
            | "Mod"
            | "Pow"
            | "Min"
            | "Max"
            | "Equal"
            | "Floor"
            | "Ceil"
            | "Round"
            | "Sqrt"
            | "Neg"
            | "Abs"
            | "Reciprocal"
            | "Exp"
            | "Where"
            | "DequantizeLinear"
            | "ReduceProd"
            | "Gather"
            | "Range"
            | "Expand"
            | "ConstantOfShape"
            | "If"
    )
}

/// The result, and whether it has values of its own rather than its operand's.
fn evaluate(call: Call<'_>, operands: &[Option<&Constant>], budget: usize) -> Result<(Constant, bool)> {
    let operand = |index: usize| {
        let constant = operands.get(index).copied().flatten();
        constant.ok_or_else(|| error!(BadModel, "expected an input {index}, found none"))
    };
    let second_ints = |name| call::attribute_or_input(call, name, operands.get(1).copied().flatten());
    let view = |shape: Vec<usize>| Ok((operand(0)?.with_shape(shape)?, false));
    let result = match call.operator() {
        "Identity" => return Ok((operand(0)?.clone(), false)),
        "Dropout" => {
            call::check_dropout(operands.get(1).copied().flatten(), operands.get(2).copied().flatten())?;
            return Ok((operand(0)?.clone(), false));
        }
        "Cast" => return cast(call, operand(0)?),
        "Reshape" => {
            let target = second_ints("shape")?.unwrap_or_default();
            return view(call::reshaped(&operand(0)?.shape, &target, call.flag("allowzero"))?);
        }
        "Squeeze" => return view(call::squeezed(&operand(0)?.shape, second_ints("axes")?.as_deref())?),
        "Unsqueeze" => return view(call::unsqueezed(&operand(0)?.shape, &second_ints("axes")?.unwrap_or_default())?),
        "Flatten" => {
            let shape = &operand(0)?.shape;
            let axis = call.int("axis", 1).clamp(0, shape.len() as i64) as usize;
            return view(vec![shape[..axis].iter().product(), shape[axis..].iter().product()]);
        }
        "Mod" if call.flag("fmod") => arithmetic::binary("Fmod", operand(0)?, operand(1)?, budget)?,
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Pow" | "Min" | "Max" | "Equal" => {
            arithmetic::binary(call.operator(), operand(0)?, operand(1)?, budget)?
        }
        "Floor" | "Ceil" | "Round" | "Sqrt" | "Neg" | "Abs" | "Reciprocal" | "Exp" => {
            arithmetic::unary(call.operator(), operand(0)?, budget)?
        }
        "Where" => arithmetic::choose(operand(0)?, operand(1)?, operand(2)?, budget)?,
        "QuantizeLinear" => {
            super::quantised::quantize_constant(call, operand(0)?, operand(1)?, operands.get(2).copied().flatten())?
        }
        "DequantizeLinear" => {
            super::quantised::dequantize(call, operand(0)?, operand(1)?, operands.get(2).copied().flatten())?
        }
        "ReduceProd" => arithmetic::product(operand(0)?, call.int("keepdims", 1) != 0)?,
        "Concat" => arrange::concat(call, operands, budget)?,
        "Gather" => arrange::gather(call, operand(0)?, operand(1)?, budget)?,
        "Slice" => arrange::slice(call, operands)?,
        "Transpose" => arrange::transpose(call, operand(0)?, budget)?,
        "Range" => arrange::range(operand(0)?, operand(1)?, operand(2)?, budget)?,
        "Expand" => arrange::expand(operand(0)?, &operand(1)?.to_ints()?, budget)?,
        "ConstantOfShape" => arrange::filled(call, operand(0)?, budget)?,
        other => bail!(
            UnsupportedOperator,
            "{other:?} of constants is not computed here: expected an activation among its inputs"
        ),
    };
    Ok((result, true))
}

/// Refuses to make `values` values when the budget does not hold them.
pub(super) fn afford(values: usize, budget: usize) -> Result<()> {
    if values > budget {
        bail!(BadModel, "expected at most {budget} more values to be computed while importing, found {values}");
    }
    Ok(())
}

fn constant(call: Call<'_>) -> Result<Constant> {
    if let Some(value) = call.attribute("value").and_then(|attribute| attribute.t.as_ref()) {
        return tensor::read(value, call.external);
    }
    if let Some(value) = call.attribute("value_int").and_then(|attribute| attribute.i) {
        return Constant::ints(vec![], vec![value]);
    }
    if let Some(value) = call.attribute("value_float").and_then(|attribute| attribute.f) {
        return Constant::floats(vec![], &[value]);
    }
    if let Some(attribute) = call.attribute("value_ints") {
        return Constant::ints(vec![attribute.ints.len()], attribute.ints.clone());
    }
    if let Some(attribute) = call.attribute("value_floats") {
        return Constant::floats(vec![attribute.floats.len()], &attribute.floats);
    }
    Err(error!(UnsupportedOperator, "expected a value that is a tensor or numbers, found neither"))
}

fn shape_of(state: &Lowering, call: Call<'_>) -> Result<Constant> {
    let shape = match state.operand(call, 0)? {
        Value::Tensor(id) => state.shape(*id).to_vec(),
        Value::Constant(constant) => constant.shape.clone(),
        Value::Quantised(_) => bail!(UnsupportedOperator, "expected the shape of an activation, found a quantised one"),
    };
    if call.operator() == "Size" {
        return Constant::ints(vec![], vec![super::constant::count(&shape)? as i64]);
    }
    let rank = shape.len() as i64;
    let bound = |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize;
    let (start, end) = (bound(call.int("start", 0)), bound(call.int("end", rank)));
    let dims: Vec<i64> = shape.get(start..end).unwrap_or_default().iter().map(|&dim| dim as i64).collect();
    Constant::ints(vec![dims.len()], dims)
}

fn cast(call: Call<'_>, from: &Constant) -> Result<(Constant, bool)> {
    let to = DataType(call.int("to", 0) as i32);
    let is_float = is_float(to);
    if !is_float && ![DataType::INT64, DataType::INT32, DataType::BOOL].contains(&to) {
        bail!(UnsupportedOperator, "expected a cast to floats, INT64, INT32 or BOOL, found {to}");
    }
    let shape = from.shape.clone();
    Ok(match (&from.data, is_float) {
        (Data::Floats { .. }, true) => (from.clone(), false),
        (Data::Floats { .. }, false) => {
            let whole =
                |value: &f32| if to == DataType::BOOL { i64::from(*value != 0.0) } else { value.trunc() as i64 };
            (Constant::ints(shape, from.to_floats().iter().map(whole).collect())?, true)
        }
        (_, true) => (Constant::floats(shape, &from.to_floats())?, true),
        (_, false) => (Constant::ints(shape, from.to_ints()?)?, true),
    })
}

/// Whether an element type is one of the floats, between which casts are dropped.
pub(super) fn is_float(data_type: DataType) -> bool {
    [DataType::FLOAT, DataType::FLOAT16, DataType::DOUBLE, DataType::BFLOAT16].contains(&data_type)
}
