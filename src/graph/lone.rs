//! A net of one convolution, for what is tried on a device.

use super::op::{Activation, Epilogue};
use super::{Conv, Graph, Node, Op, Scaling, TensorSpec, WeightSpec};

impl Graph {
    /// A 3x3 convolution with ReLU between as many channels, over pictures of `side` by `side`: from `x`,
    /// `[1, channels, side, side]`, by weights `w`, `[channels, channels, 3, 3]`, to `y` of `x`'s shape, in a node
    /// called `conv`.
    pub(crate) fn lone_conv(channels: usize, side: usize) -> Self {
        let epilogue = Epilogue { before: Some(Activation::Relu), ..Epilogue::default() };
        let conv = Conv { groups: 1, strides: [1; 2], dilations: [1; 2], pads: [1; 4], epilogue };
        let tensor = |name: &str| TensorSpec { name: name.into(), shape: vec![1, channels, side, side] };
        Self {
            tensors: vec![tensor("x"), tensor("y")],
            weights: vec![WeightSpec { name: "w".into(), shape: vec![channels, channels, 3, 3] }],
            nodes: vec![Node { name: "conv".into(), op: Op::Conv(conv), inputs: vec![0], weights: vec![0], output: 1 }],
            inputs: vec![0],
            outputs: vec![1],
            scaling: Scaling::default(),
        }
    }
}
