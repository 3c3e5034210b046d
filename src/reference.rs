//! What every operator means, as plain loops on the processor: the answer that the GPU is held to.
//!
//! Written to be read beside the ONNX specification (opset 19), not to be fast. Values are f32 at
//! rest, as in the model; inside a node every sum and every function is computed in f64, and each
//! output value is rounded once. `tests/golden/operators` holds it to ONNX Runtime.

mod conv;
mod layout;
mod pointwise;
mod pool;
mod resize;

use crate::error::{Result, bail, error};
use crate::graph::{Graph, Op, shape};
use crate::model::Weights;
use crate::tensor::Tensor;

/// Runs `graph` and returns its outputs, in the graph's order.
///
/// A tensor is let go after its last reader, so that the memory needed is the widest moment of the
/// net and not the sum of its tensors.
///
/// # Errors
/// `BadModel` when the graph is invalid; `BadShape` when `inputs` are not what the graph takes;
/// `Internal` when a weight is missing or is not of the graph's shape.
pub fn run(graph: &Graph, weights: &Weights, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    graph.validate()?;
    if inputs.len() != graph.inputs.len() {
        bail!(BadShape, "expected {} inputs, found {}", graph.inputs.len(), inputs.len());
    }
    let mut values: Vec<Option<Tensor>> = vec![None; graph.tensors.len()];
    for (&id, input) in graph.inputs.iter().zip(inputs) {
        let spec = &graph.tensors[id];
        if input.shape() != spec.shape {
            bail!(BadShape, "input {:?}: expected {:?}, found {:?}", spec.name, spec.shape, input.shape());
        }
        values[id] = Some(input.clone());
    }
    let consumers = graph.consumers();
    for (index, node) in graph.nodes.iter().enumerate() {
        let constants = node.weights.iter().map(|&id| constant(graph, weights, id)).collect::<Result<Vec<_>>>()?;
        let operands = node.inputs.iter().map(|&id| held(graph, &values, id)).collect::<Result<Vec<_>>>()?;
        let output = run_node(&node.op, &operands, &constants.iter().collect::<Vec<_>>())
            .map_err(|e| e.context(format!("node {:?} ({})", node.name, node.op.name())))?;
        values[node.output] = Some(output);
        for &id in &node.inputs {
            if consumers[id].last() == Some(&index) && !graph.outputs.contains(&id) {
                values[id] = None;
            }
        }
    }
    graph.outputs.iter().map(|&id| held(graph, &values, id).cloned()).collect()
}

fn held<'a>(graph: &Graph, values: &'a [Option<Tensor>], id: usize) -> Result<&'a Tensor> {
    values[id].as_ref().ok_or_else(|| error!(Internal, "tensor {:?} is not there when read", graph.tensors[id].name))
}

fn constant(graph: &Graph, weights: &Weights, id: usize) -> Result<Tensor> {
    let spec = &graph.weights[id];
    let weight = weights.get(&spec.name)?;
    if weight.shape() != spec.shape {
        bail!(Internal, "weight {:?}: expected {:?}, found {:?}", spec.name, spec.shape, weight.shape());
    }
    Tensor::new(weight.shape().to_vec(), weight.to_f32())
}

/// Runs one operator on activations `inputs` and constants `weights`, both in the operator's order.
///
/// # Errors
/// `BadShape` when the operands do not fit the operator, as [`shape::infer`] says.
pub fn run_node(op: &Op, inputs: &[&Tensor], weights: &[&Tensor]) -> Result<Tensor> {
    let input_shapes: Vec<&[usize]> = inputs.iter().map(|tensor| tensor.shape()).collect();
    let weight_shapes: Vec<&[usize]> = weights.iter().map(|tensor| tensor.shape()).collect();
    let shape = shape::infer(op, &input_shapes, &weight_shapes)?;
    // From here on operand counts, ranks and dimensions are those of the operator.
    let data = match op {
        Op::Conv(conv) => conv::conv(conv, inputs, weights, &shape)?,
        Op::ConvTranspose(conv) => conv::conv_transpose(conv, inputs[0], weights, &shape)?,
        Op::Pool(pool) => pool::pool(pool, inputs[0], &shape)?,
        Op::GlobalAveragePool => pool::global_average(inputs[0])?,
        Op::Resize(resize) => resize::resize(resize, inputs[0], &shape)?,
        Op::Concat => layout::concat(inputs),
        Op::Activation(activation) => pointwise::activation(*activation, inputs[0]),
        Op::Binary { function, constant_first } => match (inputs, weights) {
            ([a], [b]) if *constant_first => pointwise::binary(*function, b, a, &shape),
            ([a], [b]) | ([a, b], _) => pointwise::binary(*function, a, b, &shape),
            _ => bail!(Internal, "two operands passed inference as {}", inputs.len()),
        },
        Op::Softmax => pointwise::softmax(inputs[0]),
        Op::Pad(pad) => layout::pad(pad, inputs[0], &shape)?,
        Op::Slice { axes } => layout::slice(axes, inputs[0], &shape)?,
        // Views: the same values in the same order.
        Op::Reshape { .. } | Op::Transpose { .. } => inputs[0].data().to_vec(),
    };
    Tensor::new(shape, data)
}

/// A picture's values by channel, row and column; `None` outside of it.
#[derive(Clone, Copy)]
struct Image<'a> {
    channels: usize,
    height: usize,
    width: usize,
    data: &'a [f32],
}

impl<'a> Image<'a> {
    fn new(tensor: &'a Tensor) -> Result<Self> {
        let [_, channels, height, width] = shape::image(tensor.shape())?;
        Ok(Self { channels, height, width, data: tensor.data() })
    }

    fn at(&self, channel: usize, row: usize, column: usize) -> f64 {
        f64::from(self.data[(channel * self.height + row) * self.width + column])
    }

    /// Where step `tap` of a window lands that starts `pad` before `start`, if inside `length`.
    fn inside(start: usize, tap: usize, pad: usize, length: usize) -> Option<usize> {
        (start + tap).checked_sub(pad).filter(|&index| index < length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::graph::{Activation, Node};
    use crate::graph::{TensorSpec, op};

    fn chain() -> Graph {
        let spec = |name: &str| TensorSpec { name: name.into(), shape: vec![1, 1, 1, 2] };
        let node = |name: &str, op, inputs: Vec<usize>, output| Node {
            name: name.into(),
            op,
            inputs,
            weights: vec![],
            output,
        };
        Graph {
            tensors: vec![spec("x"), spec("relu"), spec("sum")],
            weights: vec![],
            nodes: vec![
                node("a", Op::Activation(Activation::Relu), vec![0], 1),
                node("b", Op::Binary { function: op::Binary::Add, constant_first: false }, vec![0, 1], 2),
            ],
            inputs: vec![0],
            outputs: vec![2, 1],
            scaling: crate::graph::Scaling::default(),
        }
    }

    #[test]
    fn outputs_come_in_the_graphs_order_and_survive_their_readers() {
        let x = Tensor::new(vec![1, 1, 1, 2], vec![-3.0, 4.0]).unwrap();
        let outputs = run(&chain(), &Weights::default(), &[x]).unwrap();
        assert_eq!(outputs[0].data(), [-3.0, 8.0]);
        assert_eq!(outputs[1].data(), [0.0, 4.0]);
    }

    #[test]
    fn inputs_of_another_shape_are_refused_by_name() {
        let x = Tensor::new(vec![1, 1, 2, 1], vec![1.0, 2.0]).unwrap();
        let error = run(&chain(), &Weights::default(), &[x]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadShape);
        assert_eq!(error.message(), "input \"x\": expected [1, 1, 1, 2], found [1, 1, 2, 1]");
        assert_eq!(run(&chain(), &Weights::default(), &[]).unwrap_err().kind(), ErrorKind::BadShape);
    }
}
