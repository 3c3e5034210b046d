//! What a graph costs: multiply-adds and weights.

use super::{Graph, Node, Op};

impl Graph {
    /// Multiply-adds of a node; only convolutions count, as is usual.
    pub fn node_macs(&self, node: &Node) -> u64 {
        let product = |shape: &[usize]| shape.iter().map(|&dim| dim as u64).product::<u64>();
        match node.op {
            Op::Conv(_) => {
                let pixels = product(&self.tensors[node.output].shape[2..]);
                pixels * product(&self.weights[node.weights[0]].shape)
            }
            Op::ConvTranspose(_) => {
                let pixels = product(&self.tensors[node.inputs[0]].shape[2..]);
                pixels * product(&self.weights[node.weights[0]].shape)
            }
            _ => 0,
        }
    }

    /// Multiply-adds of all nodes.
    pub fn macs(&self) -> u64 {
        self.nodes.iter().map(|node| self.node_macs(node)).sum()
    }

    /// Values in all weights.
    pub fn weight_values(&self) -> u64 {
        self.weights.iter().map(|weight| weight.shape.iter().map(|&dim| dim as u64).product::<u64>()).sum()
    }
}
