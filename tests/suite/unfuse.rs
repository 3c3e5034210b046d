//! Fused graphs written out again, one operator a node, as the model file has them.

use headwater::graph::op::Epilogue;
use headwater::graph::{Binary, Conv, Graph, Node, Op, TensorId, TensorSpec};

pub(crate) fn is_fused(node: &Node) -> bool {
    matches!(&node.op, Op::Conv(conv) if node.inputs.len() > 1 || !conv.epilogue.is_empty())
}

/// The same function of the same inputs without several inputs or epilogues on any convolution.
pub(crate) fn unfuse(graph: &Graph) -> Graph {
    let mut plain = Graph { nodes: vec![], ..graph.clone() };
    for node in &graph.nodes {
        match &node.op {
            Op::Conv(conv) if is_fused(node) => write_out(&mut plain, node, conv),
            _ => plain.nodes.push(node.clone()),
        }
    }
    plain
}

fn write_out(graph: &mut Graph, node: &Node, conv: &Conv) {
    let out_shape = graph.tensors[node.output].shape.clone();
    let (data, residual) = match node.inputs.as_slice() {
        [data @ .., residual] if conv.epilogue.residual => (data, Some(*residual)),
        data => (data, None),
    };
    let mut steps: Vec<(Op, Vec<TensorId>)> = Vec::new();
    let mut latest = data[0];
    if data.len() > 1 {
        let mut shape = graph.tensors[data[0]].shape.clone();
        shape[1] = data.iter().map(|&id| graph.tensors[id].shape[1]).sum();
        latest = push(graph, node, Op::Concat, data.to_vec(), shape);
    }
    let plain = Conv { epilogue: Epilogue::default(), ..conv.clone() };
    steps.push((Op::Conv(plain), vec![]));
    steps.extend(conv.epilogue.before.map(|function| (Op::Activation(function), vec![])));
    let add = Op::Binary { function: Binary::Add, constant_first: false };
    steps.extend(residual.map(|residual| (add, vec![residual])));
    steps.extend(conv.epilogue.after.map(|function| (Op::Activation(function), vec![])));
    for (op, others) in steps {
        let inputs = std::iter::once(latest).chain(others).collect();
        latest = push(graph, node, op, inputs, out_shape.clone());
    }
    // The last step makes the tensor that the fused node made.
    if let Some(last) = graph.nodes.last_mut() {
        last.output = node.output;
    }
}

fn push(graph: &mut Graph, from: &Node, op: Op, inputs: Vec<TensorId>, shape: Vec<usize>) -> TensorId {
    let output = graph.tensors.len();
    graph.tensors.push(TensorSpec { name: format!("{}.{output}", from.name), shape });
    let weights = if matches!(op, Op::Conv(_)) { from.weights.clone() } else { vec![] };
    graph.nodes.push(Node { name: format!("{}.{}", from.name, op.name()), op, inputs, weights, output });
    output
}
