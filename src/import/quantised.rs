//! Dynamically quantised convolutions, read as the convolutions that they approximate.
//!
//! Quantisers turn `Conv` into `DynamicQuantizeLinear`, `ConvInteger`, `Cast`, two `Mul` and an `Add`.
//! The activations' scale is computed from the activations at run time and cancels out; what remains
//! is a convolution with weights `(q - zero) * scale`. So the intermediate values are followed by what
//! they mean, in whatever order their nodes stand, and the convolution is emitted at its last factor.

use super::call::{self, Call};
use super::constant::{Constant, Data, count};
use super::lower::{Lowering, Value};
use super::operators::conv_attributes;
use crate::error::{Result, bail, error};
use crate::graph::scaling::Fit;
use crate::graph::{Activation, Conv, Graph, Op, TensorId, WeightId};
use std::collections::HashSet;

/// What an intermediate of quantisation means.
#[derive(Debug, Clone)]
pub(super) enum Quantised {
    /// This activation, as bytes.
    Values(TensorId),
    /// The factor from those bytes to this activation.
    Scale(TensorId),
    /// The byte that stands for its zero.
    Zero(TensorId),
    /// A sum of products of bytes.
    Accumulator(Box<Accumulator>),
    /// This activation's factor times the weights'.
    Product(TensorId, Constant),
    /// An activation rounded to steps of static quantisation.
    Steps(Box<Steps>),
}

/// What `QuantizeLinear` makes of an activation: `round(x / scale) + zero`, confined to the bytes there are.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    input: TensorId,
    scale: f32,
    zero: f32,
    least: f32,
    greatest: f32,
}

/// A convolution that still lacks its factors.
#[derive(Debug, Clone)]
pub(super) struct Accumulator {
    input: TensorId,
    conv: Conv,
    fit: Option<Fit>,
    /// Bytes, `[Cout, Cin/groups, Kh, Kw]`.
    kernel: Constant,
    kernel_name: String,
    zero: Option<Constant>,
}

/// `DynamicQuantizeLinear`.
pub(super) fn quantize(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    state.set(call.output(0)?, Value::Quantised(Quantised::Values(input)));
    state.set(call.output(1)?, Value::Quantised(Quantised::Scale(input)));
    state.set(call.output(2)?, Value::Quantised(Quantised::Zero(input)));
    Ok(())
}

/// `ConvInteger`.
pub(super) fn conv(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let Value::Quantised(Quantised::Values(input)) = *state.operand(call, 0)? else {
        bail!(UnsupportedOperator, "input 0: expected an output of DynamicQuantizeLinear");
    };
    match call.input(2).map(|name| state.value(name)).transpose()? {
        Some(Value::Quantised(Quantised::Zero(of))) if *of == input => {}
        _ => bail!(UnsupportedOperator, "input 2: expected the zero point of input 0"),
    }
    let Some(kernel) = state.constant(call, 1)?.cloned() else { bail!(BadModel, "expected weights, found none") };
    let &[_, _, height, width] = kernel.shape.as_slice() else {
        bail!(UnsupportedOperator, "expected weights of rank 4, found {:?}", kernel.shape);
    };
    let (conv, fit) = conv_attributes(call, [height, width], state.image_size(input)?)?;
    let zero = state.constant(call, 3)?.cloned();
    let kernel_name = call.input(1).unwrap_or_default().to_owned();
    let accumulator = Box::new(Accumulator { input, conv, fit, kernel, kernel_name, zero });
    state.set(call.output(0)?, Value::Quantised(Quantised::Accumulator(accumulator)));
    Ok(())
}

/// `Mul` with a quantised operand.
pub(super) fn multiply(state: &mut Lowering, call: Call<'_>, operands: (Value, Value)) -> Result<()> {
    use Quantised::{Accumulator as Sum, Product, Scale};
    use Value::{Constant as Known, Quantised as Part};
    match operands {
        (Part(Scale(of)), Known(scale)) | (Known(scale), Part(Scale(of))) => {
            state.set(call.output(0)?, Part(Product(of, scale)));
            Ok(())
        }
        (Part(Sum(sum)), Part(Product(of, scale))) | (Part(Product(of, scale)), Part(Sum(sum))) if sum.input == of => {
            state.spend(sum.kernel.len())?;
            let kernel = weights(&sum.kernel, &scale, sum.zero.as_ref(), 0).map_err(|e| e.context(&sum.kernel_name))?;
            let weight = state.weight(&sum.kernel_name, &kernel)?;
            state.emit_fitted(call, Op::Conv(sum.conv), sum.fit, of, vec![weight])?;
            state.dequantised.insert(state.graph.nodes.len() - 1);
            Ok(())
        }
        _ => Err(error!(UnsupportedOperator, "expected a sum of products of bytes and the two scales of its factors")),
    }
}

/// Zero point, least and greatest byte of a quantisation.
fn bytes(call: Call<'_>, zero: Option<&Constant>) -> Result<(Vec<f32>, bool)> {
    match zero {
        Some(Constant { data: Data::Bytes { signed, .. }, .. }) => {
            Ok((zero.map(Constant::to_floats).unwrap_or_default(), *signed))
        }
        // Without a zero point it is 0, and bytes are unsigned unless the attribute says INT8.
        None if matches!(call.int("output_dtype", 0), 0 | 2 | 3) => Ok((vec![0.0], call.int("output_dtype", 0) == 3)),
        _ => Err(error!(UnsupportedOperator, "expected quantisation to bytes")),
    }
}

fn span(signed: bool) -> [f32; 2] {
    if signed { [-128.0, 127.0] } else { [0.0, 255.0] }
}

/// `QuantizeLinear` of an activation, of which only its bounds remain.
pub(super) fn step(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let steps = steps(state, call, input)?;
    state.has_steps = true;
    state.set(call.output(0)?, Value::Quantised(Quantised::Steps(Box::new(steps))));
    Ok(())
}

fn steps(state: &Lowering, call: Call<'_>, input: TensorId) -> Result<Steps> {
    let Some(scale) = state.constant(call, 1)? else { bail!(BadModel, "expected a scale, found none") };
    let (zero, signed) = bytes(call, state.constant(call, 2)?)?;
    let (&[zero], scale) = (zero.as_slice(), scale.scalar()?) else {
        bail!(UnsupportedOperator, "expected one zero point for an activation, found {}", zero.len());
    };
    if !(scale.is_finite() && scale > 0.0) {
        bail!(BadModel, "scale {scale}: expected a finite number above 0");
    }
    let [least, greatest] = span(signed);
    Ok(Steps { input, scale, zero, least, greatest })
}

/// `DequantizeLinear` of what [`step`] made.
pub(super) fn restore(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let Value::Quantised(Quantised::Steps(made)) = state.operand(call, 0)?.clone() else {
        bail!(UnsupportedOperator, "expected a constant or an output of QuantizeLinear");
    };
    let Steps { input, scale, zero, least, greatest } = *made;
    let read = state.constant(call, 1)?.map(Constant::scalar).transpose()?;
    let read_zero = state.constant(call, 2)?.map(Constant::scalar).transpose()?.unwrap_or(0.0);
    if read != Some(scale) || read_zero != zero {
        bail!(UnsupportedOperator, "expected the scale and zero point of the QuantizeLinear before it");
    }
    let [min, max] = [least, greatest].map(|byte| ((byte - zero) * scale).clamp(f32::MIN, f32::MAX));
    state.emit(call, Op::Activation(Activation::Clip { min, max }), vec![input], vec![])
}

/// `QuantizeLinear` of a constant, as training with quantisation in mind leaves it in front of weights.
pub(super) fn quantize_constant(
    call: Call<'_>,
    values: &Constant,
    scale: &Constant,
    zero: Option<&Constant>,
) -> Result<Constant> {
    if call.int("block_size", 0) != 0 {
        bail!(UnsupportedOperator, "block_size: expected one scale for each channel, or one for all");
    }
    let axis = if scale.len() == 1 { 0 } else { call::axis(call.int("axis", 1), values.shape.len())? };
    let rows = values.shape.get(axis).copied().unwrap_or(1);
    let (zeros, signed) = bytes(call, zero)?;
    let [scales, zeros] = [scale.to_floats(), zeros].map(|all| if all.len() == 1 { vec![all[0]; rows] } else { all });
    if scales.len() != rows || zeros.len() != rows {
        bail!(
            BadShape,
            "scale and zero point: expected 1 or {rows} values, found {} and {}",
            scales.len(),
            zeros.len()
        );
    }
    let inner = count(values.shape.get(axis + 1..).unwrap_or_default())?.max(1);
    let [least, greatest] = span(signed);
    let quantise = |(index, value): (usize, f32)| {
        let row = index / inner % rows;
        let byte = ((value / scales[row]).round_ties_even() + zeros[row]).clamp(least, greatest);
        if signed { byte as i8 as u8 } else { byte as u8 }
    };
    let bytes = values.to_floats().into_iter().enumerate().map(quantise).collect();
    Ok(Constant { shape: values.shape.clone(), data: Data::Bytes { signed, bytes: std::sync::Arc::new(bytes) } })
}

/// `DequantizeLinear` of a constant.
pub(super) fn dequantize(
    call: Call<'_>,
    bytes: &Constant,
    scale: &Constant,
    zero: Option<&Constant>,
) -> Result<Constant> {
    if call.int("block_size", 0) != 0 {
        bail!(UnsupportedOperator, "block_size: expected one scale for each channel, or one for all");
    }
    let axis = if scale.len() == 1 { 0 } else { call::axis(call.int("axis", 1), bytes.shape.len())? };
    weights(bytes, scale, zero, axis)
}

/// `(q - zero) * scale`, with one scale or one for each row of `axis`.
fn weights(bytes: &Constant, scale: &Constant, zero: Option<&Constant>, axis: usize) -> Result<Constant> {
    let rows = bytes.shape.get(axis).copied().unwrap_or(1);
    let spread = |values: Vec<f32>, name: &str| match values.len() {
        1 => Ok(vec![values[0]; rows]),
        length if length == rows => Ok(values),
        length => Err(error!(BadShape, "{name}: expected 1 or {rows} values, found {length}")),
    };
    if matches!(bytes.data, Data::Floats { .. }) {
        bail!(BadModel, "expected quantised integers, found floats of shape {:?}", bytes.shape);
    }
    let scales = spread(scale.to_floats(), "scale")?;
    let zeros = spread(zero.map_or_else(|| vec![0.0], Constant::to_floats), "zero point")?;
    let inner = count(bytes.shape.get(axis + 1..).unwrap_or_default())?.max(1);
    let values = bytes.to_floats();
    let values: Vec<f32> = values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let row = index / inner % rows;
            (value - zeros[row]) * scales[row]
        })
        .collect();
    Constant::floats(bytes.shape.clone(), &values)
}

/// Turns the addition after each of the `dequantised` convolutions, where there is one, back into its bias.
///
/// The nodes that nothing reads any more stay behind; the convolution makes what the addition made.
pub(super) fn restore_biases(
    graph: &mut Graph,
    constants: &mut [Constant],
    dequantised: &HashSet<usize>,
) -> Result<()> {
    let consumers = graph.consumers();
    let readers = super::rewrite::weight_readers(graph);
    for index in 0..graph.nodes.len() {
        if !dequantised.contains(&index) {
            continue;
        }
        let made = graph.nodes[index].output;
        let &[next] = consumers[made].as_slice() else { continue };
        if graph.outputs.contains(&made) {
            continue;
        }
        let channels = graph.tensors[made].shape.get(1).copied().unwrap_or(0);
        let Some(bias) = bias_of(graph, &readers, next, channels) else { continue };
        constants[bias] = constants[bias].with_shape(vec![channels])?;
        graph.weights[bias].shape = vec![channels];
        graph.nodes[index].weights.push(bias);
        super::rewrite::absorb(graph, index, next);
    }
    Ok(())
}

/// The constant that node `index` adds, when it is one value a channel that no other node reads.
fn bias_of(graph: &Graph, readers: &[usize], index: usize, channels: usize) -> Option<WeightId> {
    let node = &graph.nodes[index];
    let adds = matches!(node.op, Op::Binary { function: crate::graph::Binary::Add, .. });
    let &[weight] = node.weights.as_slice() else { return None };
    let shape = &graph.weights[weight].shape;
    let is_bias = matches!(shape.as_slice(), [1, found, 1, 1] | [found, 1, 1] if *found == channels);
    (adds && is_bias && readers[weight] == 1).then_some(weight)
}
