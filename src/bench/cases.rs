//! One operator at one shape, with noise for weights.

use super::noise;
use crate::error::Result;
use crate::graph::op::{Activation, Epilogue};
use crate::graph::{Conv, Graph, Node, Op, Scaling, TensorSpec, WeightSpec};
use crate::model::{Weight, Weights};

/// An operator and its inputs' shapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The net and its size.
    pub net: &'static str,
    /// For instance `64+64->32 3x3 @128`.
    pub shape: String,
    pub(super) op: Op,
    /// Channels of each input; a fused convolution reads several side by side.
    pub(super) inputs: Vec<usize>,
    /// Channels of the output, where the weights decide them.
    pub(super) outputs: usize,
    /// Of the inputs: height, width.
    pub(super) size: [usize; 2],
    /// Side of a convolution's window, 0 for what has no weights.
    pub(super) window: usize,
}

impl Case {
    /// A convolution of one group that keeps the picture's size but for its stride.
    pub(super) fn conv(inputs: &[usize], outputs: usize, [window, stride, dilation]: [usize; 3], side: usize) -> Self {
        let from: Vec<String> = inputs.iter().map(usize::to_string).collect();
        let mut shape = format!("{}->{outputs} {window}x{window}", from.join("+"));
        let mut say = |mark: &str, number: usize| {
            if number > 1 {
                shape += &format!(" {mark}{number}");
            }
        };
        say("/", stride);
        say("*", dilation);
        let conv = Conv {
            groups: 1,
            strides: [stride; 2],
            dilations: [dilation; 2],
            pads: [dilation * (window / 2); 4],
            epilogue: Epilogue::default(),
        };
        Self { inputs: inputs.to_vec(), outputs, window, ..Self::plain(Op::Conv(conv), &shape, 0, side) }
    }

    /// A 3x3 convolution of each channel by itself.
    pub(super) fn depthwise(channels: usize, stride: usize, side: usize) -> Self {
        let mut case = Self::conv(&[channels], channels, [3, stride, 1], side);
        if let Op::Conv(conv) = &mut case.op {
            conv.groups = channels;
        }
        case.shape = case.shape.replace(&format!("{channels}->{channels}"), &format!("{channels} depthwise"));
        case
    }

    /// An operator without weights over one input.
    pub(super) fn plain(op: Op, what: &str, channels: usize, side: usize) -> Self {
        let shape = format!("{what} @{side}");
        Self { net: "", shape, op, inputs: vec![channels], outputs: channels, size: [side; 2], window: 0 }
    }

    /// With the activation that fusion would put at a convolution's end.
    pub(super) fn then(mut self, activation: Activation) -> Self {
        if let Op::Conv(conv) = &mut self.op {
            conv.epilogue.before = Some(activation);
        }
        self
    }

    /// The graph of this one node, which carries the case's shape as its name, for inputs of `size`.
    pub(super) fn graph(&self, [height, width]: [usize; 2]) -> Result<(Graph, Weights)> {
        let mut weights = Weights::default();
        let mut specs = Vec::new();
        if let Op::Conv(conv) = &self.op {
            let inputs: usize = self.inputs.iter().sum();
            let kernel = vec![self.outputs, inputs / conv.groups, self.window, self.window];
            for (name, shape, seed) in [("w", kernel, 1), ("b", vec![self.outputs], 2)] {
                let values = noise(shape.iter().product(), seed);
                weights.insert(name, Weight::from_f32(shape.clone(), &values)?);
                specs.push(WeightSpec { name: name.into(), shape });
            }
        }
        let output = self.inputs.len();
        let mut tensors: Vec<TensorSpec> = (0..)
            .zip(&self.inputs)
            .map(|(index, &channels)| TensorSpec { name: format!("x{index}"), shape: vec![1, channels, height, width] })
            .collect();
        tensors.push(TensorSpec { name: Self::OUTPUT.into(), shape: vec![1] });
        let node = Node {
            name: self.shape.clone(),
            op: self.op.clone(),
            inputs: (0..output).collect(),
            weights: (0..specs.len()).collect(),
            output,
        };
        let mut graph = Graph {
            tensors,
            weights: specs,
            nodes: vec![node],
            inputs: (0..output).collect(),
            outputs: vec![output],
            scaling: Scaling::default(),
        };
        graph.infer_shapes()?;
        Ok((graph, weights))
    }

    /// The output's name.
    pub(super) const OUTPUT: &'static str = "y";

    /// Products that add up to one value of the output.
    pub(super) fn terms(&self) -> usize {
        match &self.op {
            Op::Conv(conv) => self.inputs.iter().sum::<usize>() / conv.groups * self.window * self.window,
            _ => 1,
        }
    }
}
