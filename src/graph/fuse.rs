//! Fusion: fewer passes over memory for the same numbers.
//!
//! Each rule looks at one node and answers with a [`Patch`], leaving the graph alone; [`fuse`] applies
//! patches until no rule has any. Tensors that are outputs of the graph are never fused away.

use super::extract::Renumbering;
use super::{Binary, Graph, Node, Op, Scaling, TensorId};

/// The most tensors that a convolution reads side by side. With its parameters, weights, bias, residual
/// and output that makes 8 storage buffers, the least that WebGPU promises a stage.
pub const MAX_PARTS: usize = 4;

/// A change: one node replaced, others dropped.
#[derive(Debug, Clone)]
pub struct Patch {
    /// The node whose place the new one takes.
    pub replace: usize,
    /// The new node; it makes the tensor that the replaced one made.
    pub with: Node,
    /// Nodes whose outputs nothing reads any more.
    pub drop: Vec<usize>,
}

/// What the rules ask about the graph again and again.
struct View<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    consumers: Vec<Vec<usize>>,
}

impl View<'_> {
    /// The node that makes `id`, provided that only one node reads it and the caller does not get it.
    fn private_producer(&self, id: TensorId) -> Option<usize> {
        let private = self.consumers[id].len() == 1 && !self.graph.outputs.contains(&id);
        self.producers[id].filter(|_| private)
    }
}

/// The same computation with as few passes over memory as the rules know.
pub fn fuse(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    loop {
        let view = View { producers: graph.producers(), consumers: graph.consumers(), graph: &graph };
        let rules = [activation_into_conv, sum_into_conv, concat_into_conv];
        let patch = (0..graph.nodes.len()).find_map(|index| rules.iter().find_map(|rule| rule(&view, index)));
        match patch {
            Some(patch) => graph = apply(&graph, patch),
            // A concatenation that several convolutions read in place is left without a reader.
            None => return graph.extract(&graph.inputs, &graph.outputs).unwrap_or(graph),
        }
    }
}

/// `Relu(Conv(x))` in one pass.
fn activation_into_conv(view: &View<'_>, index: usize) -> Option<Patch> {
    let node = &view.graph.nodes[index];
    let Op::Activation(activation) = node.op else { return None };
    let producer = view.private_producer(node.inputs[0])?;
    let mut fused = view.graph.nodes[producer].clone();
    let Op::Conv(conv) = &mut fused.op else { return None };
    let slot = if conv.epilogue.residual { &mut conv.epilogue.after } else { &mut conv.epilogue.before };
    if slot.replace(activation).is_some() {
        return None;
    }
    fused.output = node.output;
    Some(Patch { replace: index, with: fused, drop: vec![producer] })
}

/// `Add(Conv(x), y)` in one pass; the sum's place is kept, since `y` may be made after the convolution.
fn sum_into_conv(view: &View<'_>, index: usize) -> Option<Patch> {
    let node = &view.graph.nodes[index];
    let (Op::Binary { function: Binary::Add, .. }, [a, b]) = (&node.op, node.inputs.as_slice()) else {
        return None;
    };
    let tensors = &view.graph.tensors;
    if a == b || tensors[*a].shape != tensors[*b].shape {
        return None;
    }
    [(*a, *b), (*b, *a)].into_iter().find_map(|(sum, residual)| {
        let producer = view.private_producer(sum)?;
        let mut fused = view.graph.nodes[producer].clone();
        let Op::Conv(conv) = &mut fused.op else { return None };
        if std::mem::replace(&mut conv.epilogue.residual, true) {
            return None;
        }
        fused.inputs.push(residual);
        fused.output = node.output;
        Some(Patch { replace: index, with: fused, drop: vec![producer] })
    })
}

/// `Conv(Concat(a, b))` reading `a` and `b` where they lie.
fn concat_into_conv(view: &View<'_>, index: usize) -> Option<Patch> {
    let node = &view.graph.nodes[index];
    let Op::Conv(conv) = &node.op else { return None };
    let parts = node.inputs.len() - usize::from(conv.epilogue.residual);
    if conv.groups != 1 || parts != 1 {
        return None;
    }
    let concat = view.producers[node.inputs[0]]?;
    let joined = &view.graph.nodes[concat];
    if joined.op != Op::Concat || joined.inputs.len() > MAX_PARTS {
        return None;
    }
    let mut fused = node.clone();
    fused.inputs.splice(0..1, joined.inputs.iter().copied());
    let drop = view.private_producer(node.inputs[0]).into_iter().collect();
    Some(Patch { replace: index, with: fused, drop })
}

fn apply(graph: &Graph, mut patch: Patch) -> Graph {
    let mut parts = Renumbering::new(graph);
    let inputs = graph.inputs.iter().map(|&id| parts.tensor(id)).collect();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for (index, node) in graph.nodes.iter().enumerate() {
        if index == patch.replace {
            nodes.push(parts.node(&patch.with));
        } else if let Some(position) = patch.drop.iter().position(|&dropped| dropped == index) {
            patch.drop.swap_remove(position);
        } else {
            nodes.push(parts.node(node));
        }
    }
    let outputs = graph.outputs.iter().map(|&id| parts.tensor(id)).collect();
    Graph { tensors: parts.tensors, weights: parts.weights, nodes, inputs, outputs, scaling: Scaling::default() }
}
