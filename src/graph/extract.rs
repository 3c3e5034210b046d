//! Segments: the part of a graph between some tensors and some others.

use super::{Graph, Node, Scaling, TensorId};
use crate::error::{Result, bail};

impl Graph {
    /// The nodes needed for `outputs` when `inputs` are given, as a graph of its own.
    ///
    /// Tensors keep their names and weights their keys, so that segments of one model can be put
    /// together again. A given tensor that nothing needs stays an input all the same.
    ///
    /// # Errors
    /// `UnknownSplit` when an output needs one of this graph's inputs that is not given, or is itself given.
    pub fn extract(&self, inputs: &[TensorId], outputs: &[TensorId]) -> Result<Self> {
        let needed = self.needed_nodes(inputs, outputs)?;
        let mut parts = Renumbering::new(self);
        let inputs = inputs.iter().map(|&id| parts.tensor(id)).collect();
        let nodes = needed.into_iter().map(|index| parts.node(&self.nodes[index])).collect();
        let outputs = outputs.iter().map(|&id| parts.tensor(id)).collect();
        let (tensors, weights) = (parts.tensors, parts.weights);
        Ok(Self { tensors, weights, nodes, inputs, outputs, scaling: Scaling::default() })
    }

    /// Indices of the nodes between `inputs` and `outputs`, in order.
    pub(crate) fn needed_nodes(&self, inputs: &[TensorId], outputs: &[TensorId]) -> Result<Vec<usize>> {
        let producers = self.producers();
        let mut needed = vec![false; self.nodes.len()];
        let mut given = vec![false; self.tensors.len()];
        for &id in inputs {
            given[id] = true;
        }
        let mut open = Vec::new();
        for &id in outputs {
            if given[id] {
                bail!(UnknownSplit, "tensor {:?} is both given and asked for", self.tensors[id].name);
            }
            open.push(id);
        }
        while let Some(id) = open.pop() {
            if given[id] {
                continue;
            }
            let Some(index) = producers[id] else {
                bail!(UnknownSplit, "the segment would also need {:?}", self.tensors[id].name);
            };
            if !std::mem::replace(&mut needed[index], true) {
                open.extend(&self.nodes[index].inputs);
            }
        }
        Ok((0..self.nodes.len()).filter(|&index| needed[index]).collect())
    }
}

/// Copies parts of a graph into a new one, giving ids in the order of first use.
pub(crate) struct Renumbering<'a> {
    from: &'a Graph,
    tensor_ids: Vec<Option<usize>>,
    weight_ids: Vec<Option<usize>>,
    pub(crate) tensors: Vec<super::TensorSpec>,
    pub(crate) weights: Vec<super::WeightSpec>,
}

impl<'a> Renumbering<'a> {
    pub(crate) fn new(from: &'a Graph) -> Self {
        Self {
            from,
            tensor_ids: vec![None; from.tensors.len()],
            weight_ids: vec![None; from.weights.len()],
            tensors: Vec::new(),
            weights: Vec::new(),
        }
    }

    pub(crate) fn tensor(&mut self, id: usize) -> usize {
        *self.tensor_ids[id].get_or_insert_with(|| {
            self.tensors.push(self.from.tensors[id].clone());
            self.tensors.len() - 1
        })
    }

    fn weight(&mut self, id: usize) -> usize {
        *self.weight_ids[id].get_or_insert_with(|| {
            self.weights.push(self.from.weights[id].clone());
            self.weights.len() - 1
        })
    }

    pub(crate) fn node(&mut self, node: &Node) -> Node {
        Node {
            name: node.name.clone(),
            op: node.op.clone(),
            inputs: node.inputs.iter().map(|&id| self.tensor(id)).collect(),
            weights: node.weights.iter().map(|&id| self.weight(id)).collect(),
            output: self.tensor(node.output),
        }
    }
}
