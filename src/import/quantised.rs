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
use crate::graph::{Conv, Graph, Op, TensorId, WeightId};
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
