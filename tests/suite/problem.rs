//! A problem: a graph, what it is given, and how close an answer must come.

use crate::random::Random;
use headwater::graph::{Conv, Graph, Node, Op, Pool, TensorSpec, WeightSpec, op, shape};
use headwater::model::{Weight, Weights};
use headwater::tensor::{DType, Tensor};
use std::sync::Arc;

/// One graph with weights and inputs, for every runtime.
pub(crate) struct Problem {
    /// Names the maker and its seed, for instance `conv-17`.
    pub(crate) name: String,
    pub(crate) graph: Graph,
    pub(crate) weights: Weights,
    /// In the order of the graph's inputs.
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) tolerance: Tolerance,
}

/// How far an answer may be from the reference, in units of the arithmetic's own error.
///
/// Rounding errors of a sum of `n` products are independent, so that they grow as `sqrt(n)`
/// (Higham, Accuracy and Stability of Numerical Algorithms, 2.8), relative to the sum's partial
/// sums. Problems are made so that each layer keeps the size of its values, about 1; errors of
/// several layers then add up as if their sums were one long sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// Terms that are summed on the longest way to an output value.
    pub(crate) terms: f64,
    /// The longest axis that is interpolated: an f32 coordinate is off by this many epsilons, and a
    /// value by as much times the step between neighbours. 0 without a linear resize.
    pub(crate) coordinates: f64,
}

/// Room for unlucky sums and for functions such as `exp`, which GPUs give to a few units.
const SLACK: f64 = 4.0;

impl Tolerance {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut terms = 0.0;
        let mut coordinates: f64 = 0.0;
        for node in &graph.nodes {
            let input = &graph.tensors[node.inputs[0]].shape;
            terms += match &node.op {
                Op::Conv(_) => 2.0 + graph.weights[node.weights[0]].shape[1..].iter().product::<usize>() as f64,
                Op::ConvTranspose(conv) => {
                    let kernel = &graph.weights[node.weights[0]].shape;
                    1.0 + (kernel[0] / conv.groups * kernel[2] * kernel[3]) as f64
                }
                Op::Pool(Pool { window: [height, width], .. }) => (height * width) as f64,
                Op::GlobalAveragePool => (input[2] * input[3]) as f64,
                Op::Softmax => input[1] as f64,
                Op::Resize(_) => 4.0,
                _ => 1.0,
            };
            if let Op::Resize(op::Resize { mode: op::ResizeMode::Linear, .. }) = node.op {
                coordinates += input[2].max(input[3]) as f64;
            }
        }
        Self { terms, coordinates }
    }

    /// The greatest allowed difference, for outputs of which the greatest is `greatest`, from a
    /// runtime that computes with relative error `epsilon`. Coordinates are f32 everywhere.
    pub(crate) fn allowed(&self, epsilon: f64, greatest: f64) -> f64 {
        let relative = epsilon * self.terms.sqrt() + f64::from(f32::EPSILON) * self.coordinates;
        // Values of about 1 entered the sum even where all that came out of it is small.
        SLACK * relative * greatest.max(1.0)
    }
}

/// Puts a problem together; shapes are inferred as nodes are added.
pub(crate) struct Builder {
    pub(crate) random: Random,
    graph: Graph,
    weights: Weights,
    inputs: Vec<Tensor>,
    /// Weights are stored as in files that halve them.
    halves: bool,
}

impl Builder {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let halves = random.chance(4);
        let graph = Graph {
            tensors: vec![],
            weights: vec![],
            nodes: vec![],
            inputs: vec![],
            outputs: vec![],
            scaling: Default::default(),
        };
        Self { random, graph, weights: Weights::default(), inputs: vec![], halves }
    }

    fn tensor(&mut self, shape: Vec<usize>) -> usize {
        let id = self.graph.tensors.len();
        self.graph.tensors.push(TensorSpec { name: format!("t{id}"), shape });
        id
    }

    pub(crate) fn shape(&self, id: usize) -> &[usize] {
        &self.graph.tensors[id].shape
    }

    /// A graph input with values between -2 and 2.
    pub(crate) fn input(&mut self, shape: &[usize]) -> usize {
        let values = self.random.values(shape.iter().product(), 2.0);
        self.inputs.push(Tensor::new(shape.to_vec(), values).expect("as many values as the shape has"));
        let id = self.tensor(shape.to_vec());
        self.graph.inputs.push(id);
        id
    }

    /// A constant with values between `-size` and `size`.
    pub(crate) fn weight(&mut self, shape: &[usize], size: f32) -> usize {
        let values = self.random.values(shape.iter().product(), size);
        let weight = if self.halves {
            let bytes: Vec<u8> = values.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect();
            let range = 0..bytes.len();
            Weight::new(shape.to_vec(), DType::F16, Arc::new(bytes), range)
        } else {
            Weight::from_f32(shape.to_vec(), &values)
        };
        let id = self.graph.weights.len();
        let name = format!("w{id}");
        self.weights.insert(name.as_str(), weight.expect("as many values as the shape has"));
        self.graph.weights.push(WeightSpec { name, shape: shape.to_vec() });
        id
    }

    pub(crate) fn node(&mut self, op: Op, inputs: &[usize], weights: &[usize]) -> usize {
        let input_shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.shape(id)).collect();
        let weight_shapes: Vec<&[usize]> = weights.iter().map(|&id| self.graph.weights[id].shape.as_slice()).collect();
        let shape = shape::infer(&op, &input_shapes, &weight_shapes)
            .unwrap_or_else(|e| panic!("{op:?} on {input_shapes:?} and {weight_shapes:?}: {e}"));
        let output = self.tensor(shape);
        let name = format!("n{}", self.graph.nodes.len());
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), weights: weights.to_vec(), output });
        output
    }

    /// A convolution of `inputs` side by side, its weights scaled so that values keep their size.
    pub(crate) fn conv(&mut self, conv: Conv, inputs: &[usize], out_channels: usize, window: [usize; 2]) -> usize {
        let data = if conv.epilogue.residual { &inputs[..inputs.len() - 1] } else { inputs };
        let channels: usize = data.iter().map(|&id| self.shape(id)[1]).sum();
        let fan_in = channels / conv.groups * window[0] * window[1];
        let size = (3.0 / fan_in as f32).sqrt();
        let mut weights = vec![self.weight(&[out_channels, channels / conv.groups, window[0], window[1]], size)];
        if !self.random.chance(4) {
            weights.push(self.weight(&[out_channels], 0.5));
        }
        self.node(Op::Conv(conv), inputs, &weights)
    }

    pub(crate) fn finish(mut self, name: String, outputs: &[usize]) -> Problem {
        self.graph.outputs = outputs.to_vec();
        self.graph.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
        let tolerance = Tolerance::of(&self.graph);
        Problem { name, graph: self.graph, weights: self.weights, inputs: self.inputs, tolerance }
    }
}
