//! The model as operators and tensors: what is computed, not where nor how.
//!
//! A [`Graph`] is canonical: one node an ONNX operator, nothing fused. Cuts are made on canonical
//! graphs, so that every tensor of the model can be a cut; only then is a segment fused
//! ([`fuse`]) and lowered to dispatches ([`crate::plan`]).

pub mod cost;
pub mod cuts;
pub mod extract;
pub mod fuse;
#[cfg(feature = "gpu")]
mod lone;
pub mod op;
pub mod scaling;
pub mod shape;
mod sizes;

pub use op::{Activation, Binary, Conv, Op, Pool, Resize};
pub use scaling::Scaling;

use crate::error::{Result, bail, brief, error};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Index into [`Graph::tensors`].
pub type TensorId = usize;
/// Index into [`Graph::weights`].
pub type WeightId = usize;

/// An activation: a tensor that a node makes or that the caller gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Unique in its graph; the same in every segment extracted from it.
    pub name: String,
    /// `[1, C, H, W]`, or another rank whose axis 1 is channels.
    pub shape: Vec<usize>,
}

/// A constant tensor that lies in the model file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightSpec {
    /// Its key in the model file.
    pub name: String,
    /// As in ONNX: convolutions `[Cout, Cin/groups, Kh, Kw]`, biases `[Cout]`.
    pub shape: Vec<usize>,
}

/// One operator applied to tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The name it had in the source model, for messages.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Activations read, in the operator's order.
    pub inputs: Vec<TensorId>,
    /// Constants read, in the operator's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightId>,
    /// The activation made.
    pub output: TensorId,
}

/// Operators in topological order over named tensors, all shapes known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Activations.
    pub tensors: Vec<TensorSpec>,
    /// Constants, in the order of first use: their order in the model file.
    pub weights: Vec<WeightSpec>,
    /// Operators; each reads only graph inputs and outputs of earlier nodes.
    pub nodes: Vec<Node>,
    /// What the caller gives.
    pub inputs: Vec<TensorId>,
    /// What the caller gets.
    pub outputs: Vec<TensorId>,
    /// What holds for pictures of other sizes; empty in segments, whose size is settled.
    #[serde(default, skip_serializing_if = "Scaling::is_empty")]
    pub scaling: Scaling,
}

impl Graph {
    /// The id of the tensor called `name`.
    ///
    /// # Errors
    /// `UnknownSplit` when there is none, since names come from splits and requests.
    pub fn tensor(&self, name: &str) -> Result<TensorId> {
        self.tensors
            .iter()
            .position(|tensor| tensor.name == name)
            .ok_or_else(|| error!(UnknownSplit, "the model has no tensor called {}", brief(name)))
    }

    /// The node that makes each tensor; `None` for graph inputs.
    pub fn producers(&self) -> Vec<Option<usize>> {
        let mut producers = vec![None; self.tensors.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            producers[node.output] = Some(index);
        }
        producers
    }

    /// The nodes that read each tensor, in order.
    pub fn consumers(&self) -> Vec<Vec<usize>> {
        let mut consumers = vec![Vec::new(); self.tensors.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for &input in &node.inputs {
                if consumers[input].last() != Some(&index) {
                    consumers[input].push(index);
                }
            }
        }
        consumers
    }

    /// Shapes of a node's activations, in order.
    pub fn input_shapes(&self, node: &Node) -> Vec<&[usize]> {
        node.inputs.iter().map(|&id| self.tensors[id].shape.as_slice()).collect()
    }

    /// Shapes of a node's constants, in order.
    pub fn weight_shapes(&self, node: &Node) -> Vec<&[usize]> {
        node.weights.iter().map(|&id| self.weights[id].shape.as_slice()).collect()
    }

    /// Infers every shape, and what follows the size by [`Graph::scaling`], again from the inputs' present shapes.
    ///
    /// # Errors
    /// `BadShape` naming the first node whose operands do not fit.
    pub fn infer_shapes(&mut self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|index| self.infer_node(index))
    }

    /// Infers the shape that node `index` makes, and what of the node follows the size.
    pub(crate) fn infer_node(&mut self, index: usize) -> Result<()> {
        let fitted = self.fit(index);
        let node = &self.nodes[index];
        let shape = fitted
            .and_then(|()| shape::infer(&node.op, &self.input_shapes(node), &self.weight_shapes(node)))
            .map_err(|e| e.context(format!("node {:?} ({})", node.name, node.op.name())))?;
        let output = node.output;
        self.tensors[output].shape = shape;
        Ok(())
    }

    /// Checks everything that code working on graphs relies on: ids in range, names unique, nodes in
    /// topological order, operand counts and shapes as the operators say. Graphs read from files pass
    /// through here before anything is done with them.
    ///
    /// # Errors
    /// `BadModel` or `BadShape`, naming the first offender.
    pub fn validate(&self) -> Result<()> {
        let mut names = HashMap::new();
        for tensor in &self.tensors {
            crate::tensor::value_count(&tensor.shape).map_err(|e| e.context(format!("tensor {:?}", tensor.name)))?;
            if tensor.name.is_empty() {
                bail!(BadModel, "a tensor has no name");
            }
            if names.insert(tensor.name.as_str(), ()).is_some() {
                bail!(BadModel, "two tensors are called {:?}", tensor.name);
            }
        }
        for weight in &self.weights {
            crate::tensor::value_count(&weight.shape).map_err(|e| e.context(format!("weight {:?}", weight.name)))?;
        }
        let mut known = vec![false; self.tensors.len()];
        for &id in &self.inputs {
            match known.get_mut(id) {
                Some(slot) if !*slot => *slot = true,
                _ => bail!(BadModel, "graph input {id} is out of range or listed twice"),
            }
        }
        for node in &self.nodes {
            let place = || format!("node {:?} ({})", node.name, node.op.name());
            if let Some(id) = node.inputs.iter().find(|&&id| !known.get(id).copied().unwrap_or(false)) {
                bail!(BadModel, "{}: reads tensor {id} before anything makes it", place());
            }
            if let Some(id) = node.weights.iter().find(|&&id| id >= self.weights.len()) {
                bail!(BadModel, "{}: weight {id} of {}", place(), self.weights.len());
            }
            match known.get_mut(node.output) {
                Some(slot) if !*slot => *slot = true,
                _ => bail!(BadModel, "{}: its output {} is out of range or made twice", place(), node.output),
            }
            let shape = shape::infer(&node.op, &self.input_shapes(node), &self.weight_shapes(node))
                .map_err(|e| e.context(place()))?;
            let stated = &self.tensors[node.output].shape;
            if &shape != stated {
                bail!(BadModel, "{}: makes {shape:?}, the file says {stated:?}", place());
            }
        }
        if self.outputs.is_empty() {
            bail!(BadModel, "the graph has no outputs");
        }
        if let Some(id) = self.outputs.iter().find(|&&id| !known.get(id).copied().unwrap_or(false)) {
            bail!(BadModel, "graph output {id} is never made");
        }
        if let Some(id) = self.outputs.iter().enumerate().find(|(index, id)| self.outputs[..*index].contains(id)) {
            bail!(BadModel, "graph output {} is listed twice", id.1);
        }
        Ok(())
    }
}
