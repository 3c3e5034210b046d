//! Exported segments: every operator loads and runs in another runtime, with the shapes the graph promises.

mod mini;

use headwater::export::to_onnx;
use headwater::graph::op::{
    Conv, ConvTranspose, Coordinates, Epilogue, Pad, PadMode, Pool, PoolKind, Resize, ResizeMode, Rounding, SliceAxis,
};
use headwater::graph::{Activation, Binary, Graph, Op};
use headwater::model::Weights;
use headwater::tensor::Tensor;
use mini::{Builder, Lcg};
use rten_tensor::{AsView, Layout};

/// Runs an ONNX file with rten on made-up inputs; the outputs in the graph's order.
fn run(graph: &Graph, weights: &Weights, inputs: &[Tensor]) -> Vec<Tensor> {
    let bytes = to_onnx(graph, weights).unwrap();
    let model = rten::Model::load(bytes).unwrap();
    let id = |id: &usize| model.node_id(&graph.tensors[*id].name).unwrap();
    let given = graph.inputs.iter().zip(inputs).map(|(tensor, value)| {
        let value = rten_tensor::Tensor::from_data(value.shape(), value.data().to_vec());
        (id(tensor), rten::ValueOrView::from(value))
    });
    let outputs: Vec<_> = graph.outputs.iter().map(id).collect();
    let values = model.run(given.collect(), &outputs, None).unwrap();
    values
        .into_iter()
        .map(|value| {
            let value = value.into_tensor::<f32>().unwrap();
            let shape = value.shape().to_vec();
            Tensor::new(shape, value.to_vec()).unwrap()
        })
        .collect()
}

#[test]
fn every_operator_runs_elsewhere_and_gives_the_inferred_shape() {
    for (name, op, constants) in operators() {
        let shapes: Vec<&[usize]> = constants.iter().map(Vec::as_slice).collect();
        let mut net = Builder::new("x", &[1, 4, 7, 10]);
        net.op("y", op, &["x"], &shapes);
        let (graph, weights) = net.finish(&["y"]);
        let made = run(&graph, &weights, &[Lcg(2).tensor(&[1, 4, 7, 10])]);
        let expected = &graph.tensors[graph.outputs[0]].shape;
        assert_eq!(made[0].shape(), expected.as_slice(), "{name}");
        assert!(made[0].data().iter().any(|value| *value != made[0].data()[0]), "{name}: all values are alike");
    }
}

/// One node over `[1, 4, 7, 10]` each, with the shapes of its constants.
fn operators() -> Vec<(&'static str, Op, Vec<Vec<usize>>)> {
    let pool = |kind, window, stride, pads, ceil_mode| {
        Op::Pool(Pool { kind, window: [window; 2], strides: [stride; 2], dilations: [1; 2], pads, ceil_mode })
    };
    let resize = |mode, coordinates, scales| Op::Resize(Resize { mode, coordinates, scales });
    let act = Op::Activation;
    let pad = |mode| Op::Pad(Pad { pads: [1, 2, 3, 0], mode });
    let conv = |groups, stride, dilation, pads| {
        let (strides, dilations) = ([stride; 2], [dilation; 2]);
        Op::Conv(Conv { groups, strides, dilations, pads, epilogue: Epilogue::default() })
    };
    let transposed = |groups, output_padding| {
        let pads = [1, 0, 0, 1];
        Op::ConvTranspose(ConvTranspose { groups, strides: [2; 2], dilations: [1; 2], pads, output_padding })
    };
    let binary = |function, constant_first| Op::Binary { function, constant_first };
    let nearest = |rounding| ResizeMode::Nearest(rounding);
    vec![
        ("conv", conv(1, 1, 1, [1; 4]), vec![vec![6, 4, 3, 3], vec![6]]),
        ("conv without bias", conv(1, 2, 1, [1, 0, 1, 2]), vec![vec![6, 4, 3, 3]]),
        ("dilated conv", conv(1, 1, 2, [2; 4]), vec![vec![6, 4, 3, 3], vec![6]]),
        ("depthwise conv", conv(4, 1, 1, [1; 4]), vec![vec![4, 1, 3, 3], vec![4]]),
        ("transposed conv", transposed(1, [0, 0]), vec![vec![4, 3, 2, 2], vec![3]]),
        ("grouped transposed conv", transposed(2, [0, 0]), vec![vec![4, 3, 3, 3], vec![6]]),
        ("max pool up", pool(PoolKind::Max, 2, 2, [0; 4], true), vec![]),
        ("max pool down", pool(PoolKind::Max, 3, 2, [1; 4], false), vec![]),
        ("max pool into padding", pool(PoolKind::Max, 2, 3, [1; 4], true), vec![]),
        ("average pool", pool(PoolKind::Average, 3, 2, [1; 4], true), vec![]),
        ("average pool with pads", pool(PoolKind::AverageWithPads, 3, 2, [1; 4], false), vec![]),
        ("global average", Op::GlobalAveragePool, vec![]),
        ("linear", resize(ResizeMode::Linear, Coordinates::HalfPixel, [2.0, 0.5]), vec![]),
        ("ratio", resize(ResizeMode::Linear, Coordinates::PytorchHalfPixel, [15.0 / 7.0, 23.0 / 10.0]), vec![]),
        ("corners", resize(ResizeMode::Linear, Coordinates::AlignCorners, [3.0, 2.0]), vec![]),
        ("nearest", resize(nearest(Rounding::Floor), Coordinates::Asymmetric, [2.0; 2]), vec![]),
        ("nearest up", resize(nearest(Rounding::RoundPreferCeil), Coordinates::HalfPixel, [1.5; 2]), vec![]),
        ("relu", act(Activation::Relu), vec![]),
        ("leaky", act(Activation::LeakyRelu { alpha: 0.1 }), vec![]),
        ("clip", act(Activation::Clip { min: 0.0, max: 0.5 }), vec![]),
        ("sigmoid", act(Activation::Sigmoid), vec![]),
        ("hard sigmoid", act(Activation::HardSigmoid { alpha: 0.2, beta: 0.5 }), vec![]),
        ("hard swish", act(Activation::HardSwish), vec![]),
        ("silu", act(Activation::Silu), vec![]),
        ("tanh", act(Activation::Tanh), vec![]),
        ("bias", binary(Binary::Add, false), vec![vec![4, 1, 1]]),
        ("constant less", binary(Binary::Sub, true), vec![vec![1, 4, 1, 1]]),
        ("gain", binary(Binary::Mul, false), vec![vec![1]]),
        ("softmax", Op::Softmax, vec![]),
        ("pad", pad(PadMode::Constant { value: 1.5 }), vec![]),
        ("reflect", pad(PadMode::Reflect), vec![]),
        ("edge", pad(PadMode::Edge), vec![]),
        (
            "slice",
            Op::Slice {
                axes: vec![
                    SliceAxis { axis: 1, start: 1, end: i64::MAX, step: 2 },
                    SliceAxis { axis: 3, start: -6, end: -1, step: 1 },
                ],
            },
            vec![],
        ),
        ("reshape", Op::Reshape { shape: vec![0, 0, -1] }, vec![]),
        ("transpose", Op::Transpose { axes: vec![0, 1, 2, 3] }, vec![]),
    ]
}

#[test]
fn values_match_a_sum_done_by_hand() {
    // 1 x 1 x 2 x 2 through max pooling that rounds up, then a constant taken from it.
    let mut net = Builder::new("x", &[1, 1, 3, 3]);
    net.op("pooled", mini::halve(), &["x"], &[]);
    net.op("y", Op::Binary { function: Binary::Sub, constant_first: true }, &["pooled"], &[&[1]]);
    let (graph, mut weights) = net.finish(&["y"]);
    weights.insert("y.w0", headwater::model::Weight::from_f32(vec![1], &[10.0]).unwrap());
    let x = Tensor::new(vec![1, 1, 3, 3], (1..=9).map(|value| value as f32).collect()).unwrap();
    assert_eq!(run(&graph, &weights, &[x])[0].data(), [5.0, 4.0, 2.0, 1.0]);
}

#[test]
fn a_fused_convolution_equals_its_parts() {
    let mut net = Builder::new("a", &[1, 2, 5, 5]);
    net.op("b", Op::Activation(Activation::Tanh), &["a"], &[]);
    net.op("joined", Op::Concat, &["a", "b"], &[]);
    net.op("conv", mini::conv3(), &["joined"], &[&[2, 4, 3, 3], &[2]]);
    net.op("before", Op::Activation(Activation::Relu), &["conv"], &[]);
    net.op("sum", Op::Binary { function: Binary::Add, constant_first: false }, &["before", "a"], &[]);
    net.op("after", Op::Activation(Activation::Sigmoid), &["sum"], &[]);
    let (parts, weights) = net.finish(&["after"]);
    let mut fused = parts.clone();
    fused.nodes.truncate(1);
    fused.tensors.truncate(2);
    fused.tensors.push(parts.tensors[parts.outputs[0]].clone());
    let mut node = parts.nodes[2].clone();
    node.inputs = vec![0, 1, 0];
    node.output = 2;
    let Op::Conv(conv) = &mut node.op else { unreachable!("the third node is the convolution") };
    conv.epilogue = Epilogue { before: Some(Activation::Relu), residual: true, after: Some(Activation::Sigmoid) };
    fused.nodes.push(node);
    fused.outputs = vec![2];
    fused.validate().unwrap();
    let input = Lcg(5).tensor(&[1, 2, 5, 5]);
    let (whole, split) = (run(&parts, &weights, std::slice::from_ref(&input)), run(&fused, &weights, &[input]));
    assert_eq!(whole[0].shape(), split[0].shape());
    for (a, b) in whole[0].data().iter().zip(split[0].data()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
}

#[test]
fn segments_in_a_row_give_what_the_whole_net_gives() {
    let (graph, weights) = mini::unet();
    let id = |name: &str| graph.tensor(name).unwrap();
    let head = graph.extract(&[id("picture")], &[id("up"), id("skip")]).unwrap();
    let body = graph.extract(&[id("up")], &[id("down")]).unwrap();
    let tail = graph.extract(&[id("down"), id("skip")], &[id("mask")]).unwrap();
    let picture = Lcg(3).tensor(&[1, 3, 32, 32]);
    let whole = run(&graph, &weights, std::slice::from_ref(&picture));
    let sent = run(&head, &weights, &[picture]);
    let back = run(&body, &weights, &sent[..1]);
    let mask = run(&tail, &weights, &[back[0].clone(), sent[1].clone()]);
    assert_eq!(mask[0], whole[0]);
}

#[test]
fn names_shared_by_a_weight_and_a_tensor_are_kept_apart() {
    let mut net = Builder::new("x", &[1, 1, 4, 4]);
    net.op("y", Op::Binary { function: Binary::Mul, constant_first: false }, &["x"], &[&[1]]);
    let (mut graph, mut weights) = net.finish(&["y"]);
    graph.weights[0].name = "x".to_owned();
    weights.insert("x", headwater::model::Weight::from_f32(vec![1], &[3.0]).unwrap());
    let made = run(&graph, &weights, &[Tensor::new(vec![1, 1, 4, 4], vec![2.0; 16]).unwrap()]);
    assert_eq!(made[0].data(), [6.0; 16]);
}

#[test]
fn dilated_pools_run_elsewhere_as_they_do_here() {
    for kind in [PoolKind::Max, PoolKind::Average, PoolKind::AverageWithPads] {
        for (window, strides, dilations, pads, ceil_mode) in [
            ([2, 3], [1, 1], [2, 1], [0; 4], false),
            ([3, 3], [1, 1], [2, 2], [2; 4], false),
            ([2, 2], [2, 3], [3, 2], [1, 0, 2, 1], true),
            ([1, 2], [2, 1], [2, 4], [0, 3, 0, 1], false),
        ] {
            let pool = Op::Pool(Pool { kind, window, strides, dilations, pads, ceil_mode });
            let mut net = Builder::new("x", &[1, 3, 9, 11]);
            net.op("y", pool, &["x"], &[]);
            let (graph, weights) = net.finish(&["y"]);
            let input = Lcg(3).tensor(&[1, 3, 9, 11]);
            let made = run(&graph, &weights, std::slice::from_ref(&input)).swap_remove(0);
            let expected = headwater::reference::run(&graph, &weights, &[input]).unwrap().swap_remove(0);
            assert_eq!(made.shape(), expected.shape(), "{kind:?} {window:?} {dilations:?}");
            let off = made.data().iter().zip(expected.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{kind:?} {window:?} {strides:?} {dilations:?} {pads:?}: {off}");
        }
    }
}
