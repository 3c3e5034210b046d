//! Small models with made-up weights, for tests of the export, the wire and the server.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod nets;

use headwater::graph::op::{Conv, Coordinates, Epilogue, PoolKind, ResizeMode};
use headwater::graph::{Activation, Graph, Node, Op, Pool, Resize, TensorSpec, WeightSpec, shape};
use headwater::model::{Manifest, NamedSplit, Postprocess, Preprocess, Source, Weight, Weights, write_model};
use headwater::tensor::{DType, Tensor};
use std::path::Path;

/// Numbers that look random and are the same everywhere: Knuth's MMIX generator.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    /// Between -1 and 1.
    pub(crate) fn value(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(crate) fn tensor(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        Tensor::new(shape.to_vec(), (0..count).map(|_| self.value()).collect()).unwrap()
    }
}

/// Grows a graph node by node.
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    pub(crate) weights: Weights,
    random: Lcg,
}

impl Builder {
    pub(crate) fn new(input: &str, shape: &[usize]) -> Self {
        let tensors = vec![TensorSpec { name: input.to_owned(), shape: shape.to_vec() }];
        let graph = Graph {
            tensors,
            weights: vec![],
            nodes: vec![],
            inputs: vec![0],
            outputs: vec![],
            scaling: Default::default(),
        };
        Self { graph, weights: Weights::default(), random: Lcg(1) }
    }

    /// Adds `op` over tensors called `inputs`, with constants of the given shapes.
    pub(crate) fn op(&mut self, output: &str, op: Op, inputs: &[&str], constants: &[&[usize]]) -> &mut Self {
        let inputs: Vec<usize> = inputs.iter().map(|name| self.graph.tensor(name).unwrap()).collect();
        let mut weights = Vec::new();
        for (index, shape) in constants.iter().enumerate() {
            let name = format!("{output}.w{index}");
            let fan_in = shape.iter().skip(1).product::<usize>().max(1) as f32;
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|_| self.random.value() * (2.0 / fan_in).sqrt()).collect();
            self.weights.insert(name.clone(), Weight::from_f32(shape.to_vec(), &values).unwrap());
            self.graph.weights.push(WeightSpec { name, shape: shape.to_vec() });
            weights.push(self.graph.weights.len() - 1);
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.graph.tensors[id].shape.as_slice()).collect();
        let shape = shape::infer(&op, &shapes, constants).unwrap();
        self.graph.tensors.push(TensorSpec { name: output.to_owned(), shape });
        let made = self.graph.tensors.len() - 1;
        self.graph.nodes.push(Node { name: format!("/{output}"), op, inputs, weights, output: made });
        self
    }

    /// A 3x3 convolution that keeps the size, and its ReLU.
    pub(crate) fn conv_relu(&mut self, output: &str, input: &str, channels: usize) -> &mut Self {
        let from = self.graph.tensors[self.graph.tensor(input).unwrap()].shape[1];
        let before = format!("{output}.conv");
        self.op(&before, conv3(), &[input], &[&[channels, from, 3, 3], &[channels]]);
        self.op(output, Op::Activation(Activation::Relu), &[&before], &[])
    }

    pub(crate) fn finish(mut self, outputs: &[&str]) -> (Graph, Weights) {
        self.graph.outputs = outputs.iter().map(|name| self.graph.tensor(name).unwrap()).collect();
        self.graph.validate().unwrap();
        (self.graph, self.weights)
    }
}

pub(crate) fn conv3() -> Op {
    Op::Conv(Conv { groups: 1, strides: [1; 2], dilations: [1; 2], pads: [1; 4], epilogue: Epilogue::default() })
}

pub(crate) fn halve() -> Op {
    Op::Pool(Pool {
        kind: PoolKind::Max,
        window: [2; 2],
        strides: [2; 2],
        dilations: [1; 2],
        pads: [0; 4],
        ceil_mode: true,
    })
}

pub(crate) fn double() -> Op {
    Op::Resize(Resize { mode: ResizeMode::Linear, coordinates: Coordinates::HalfPixel, scales: [2.0; 2] })
}

/// A U-net of two levels over 32 x 32 pictures: `up` (4x16x16) goes to the server, `down` (4x16x16) comes back.
pub(crate) fn unet() -> (Graph, Weights) {
    let mut net = Builder::new("picture", &[1, 3, 32, 32]);
    net.conv_relu("skip", "picture", 4)
        .op("up", halve(), &["skip"], &[])
        .conv_relu("middle", "up", 8)
        .op("low", halve(), &["middle"], &[])
        .conv_relu("bottom", "low", 8)
        .op("raised", double(), &["bottom"], &[])
        .op("joined", Op::Concat, &["raised", "middle"], &[])
        .conv_relu("down", "joined", 4)
        .op("wide", double(), &["down"], &[])
        .op("both", Op::Concat, &["wide", "skip"], &[])
        .op("logits", conv3(), &["both"], &[&[1, 8, 3, 3], &[1]])
        .op("mask", Op::Activation(Activation::Sigmoid), &["logits"], &[]);
    net.finish(&["mask"])
}

/// Writes the U-net as a model file called `mini`.
pub(crate) fn write_unet(path: &Path) -> Manifest {
    let (graph, weights) = unet();
    let split = |name: &str, up: &str, down: &str| NamedSplit {
        name: name.to_owned(),
        up: vec![up.to_owned()],
        down: vec![down.to_owned()],
    };
    write_net(path, &graph, &weights, vec![split("U1", "up", "down"), split("U2", "low", "raised")])
}

/// Writes a net as a model file called `mini`.
pub(crate) fn write_net(path: &Path, graph: &Graph, weights: &Weights, splits: Vec<NamedSplit>) -> Manifest {
    write_net_as(path, graph, weights, splits, Postprocess::Alpha)
}

/// Writes a net, whose output is to be read as `postprocess` says, as a model file called `mini`.
pub(crate) fn write_net_as(
    path: &Path,
    graph: &Graph,
    weights: &Weights,
    splits: Vec<NamedSplit>,
    postprocess: Postprocess,
) -> Manifest {
    let [_, _, height, width] = graph.tensors[graph.inputs[0]].shape[..] else { panic!("no picture") };
    let manifest = Manifest {
        name: "mini".to_owned(),
        graph: graph.clone(),
        preprocess: Preprocess { size: [width, height], mean: [128.0; 3], scale: [256.0; 3] },
        postprocess,
        splits,
        source: Source { origin: "tests/mini".to_owned(), licence: "MIT".to_owned(), sha256: String::new() },
        sha256: String::new(),
    };
    write_model(path, manifest, weights, DType::F32).unwrap()
}
