//! Operators with weights, and what is folded into them.

use crate::onnx::{Onnx, float, int, ints, string};
use crate::{import, only, refuse};
use headwater::ErrorKind;
use headwater::graph::{Activation, Binary, Op};
use headwater::import::Imported;

#[test]
fn convolutions_resolve_their_padding() {
    let conv = |attributes| {
        let file = Onnx::new(&[1, 8, 12, 16]).floats("w", &[4, 4, 3, 3], &[0.5; 144]);
        let mut all = vec![int("group", 2)];
        all.extend::<Vec<_>>(attributes);
        let (op, shape) = only(&file.node("Conv", &["x", "w"], &["y"], all).finish(&["y"]));
        let Op::Conv(conv) = op else { panic!() };
        assert_eq!(conv.groups, 2);
        (conv.pads, [shape[2], shape[3]])
    };
    assert_eq!(conv(vec![]), ([0; 4], [10, 14]));
    assert_eq!(conv(vec![ints("pads", &[1, 2, 3, 4])]), ([1, 2, 3, 4], [14, 20]));
    assert_eq!(conv(vec![string("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])]), ([0, 0, 1, 1], [6, 8]));
    assert_eq!(conv(vec![string("auto_pad", "SAME_LOWER"), ints("dilations", &[2, 2])]), ([2; 4], [12, 16]));
    assert_eq!(conv(vec![string("auto_pad", "VALID"), ints("pads", &[9, 9, 9, 9])]), ([0; 4], [10, 14]));

    let up = |attributes| {
        let file = Onnx::new(&[1, 8, 12, 16]).floats("w", &[8, 4, 3, 3], &[0.5; 288]).floats("b", &[4], &[0.0; 4]);
        only(&file.node("ConvTranspose", &["x", "w", "b"], &["y"], attributes).finish(&["y"])).1
    };
    let stride = || ints("strides", &[2, 2]);
    assert_eq!(up(vec![stride(), ints("pads", &[1, 1, 1, 1]), ints("output_padding", &[1, 1])]), [1, 4, 24, 32]);
    assert_eq!(up(vec![stride(), ints("output_shape", &[24, 31])]), [1, 4, 24, 31]);
    assert_eq!(up(vec![stride(), string("auto_pad", "SAME_UPPER")]), [1, 4, 24, 32]);
}

pub(crate) fn norm(file: Onnx, from: &str, to: &str) -> Onnx {
    file.floats("gamma", &[2], &[2.0, 3.0])
        .floats("beta", &[2], &[0.5, -0.5])
        .floats("mean", &[2], &[1.0, 2.0])
        .floats("var", &[2], &[4.0, 9.0])
        .node("BatchNormalization", &[from, "gamma", "beta", "mean", "var"], &[to], vec![float("epsilon", 0.0)])
}

#[test]
fn normalization_folds_into_the_convolution_before_it() {
    // gamma / sqrt(var) is 1 for both channels; the offsets are beta - mean.
    let file = Onnx::new(&[1, 1, 4, 4]).floats("w", &[2, 1, 1, 1], &[5.0, 7.0]).floats("b", &[2], &[10.0, 20.0]);
    let file = norm(file.node("Conv", &["x", "w", "b"], &["c"], vec![]), "c", "y");
    let Imported { graph, weights, .. } = import(&file.finish(&["y"]));
    assert_eq!(graph.nodes.len(), 1);
    let [kernel, bias] =
        [0, 1].map(|index| weights.get(&graph.weights[graph.nodes[0].weights[index]].name).unwrap().to_f32());
    assert_eq!(kernel, [5.0, 7.0]);
    assert_eq!(bias, [10.0 + 0.5 - 1.0, 20.0 - 0.5 - 2.0]);
}

#[test]
fn normalization_scales_transposed_and_grouped_weights_by_output_channel() {
    let file = Onnx::new(&[1, 2, 4, 4])
        .floats("w", &[2, 1, 1, 1], &[5.0, 7.0])
        .floats("gamma", &[2], &[2.0, 3.0])
        .floats("zero", &[2], &[0.0; 2])
        .floats("one", &[2], &[1.0; 2])
        .node("ConvTranspose", &["x", "w"], &["c"], vec![int("group", 2)])
        .node("BatchNormalization", &["c", "gamma", "zero", "zero", "one"], &["y"], vec![float("epsilon", 0.0)]);
    let Imported { graph, weights, .. } = import(&file.finish(&["y"]));
    assert_eq!(graph.nodes.len(), 1);
    assert_eq!(weights.get(&graph.weights[0].name).unwrap().to_f32(), [10.0, 21.0]);
}

#[test]
fn normalization_elsewhere_is_a_depthwise_convolution() {
    let file = norm(Onnx::new(&[1, 2, 4, 4]).node("Relu", &["x"], &["r"], vec![]), "r", "y");
    let graph = import(&file.finish(&["y"])).graph;
    assert!(matches!(&graph.nodes[1].op, Op::Conv(conv) if conv.groups == 2));

    // A second reader of the convolution's output needs it as it was.
    let file = Onnx::new(&[1, 1, 4, 4]).floats("w", &[2, 1, 1, 1], &[5.0, 7.0]);
    let file = norm(file.node("Conv", &["x", "w"], &["c"], vec![]), "c", "n");
    let file = file.node("Add", &["c", "n"], &["y"], vec![]);
    let Imported { graph, weights, .. } = import(&file.finish(&["y"]));
    assert_eq!(graph.nodes.len(), 3);
    assert_eq!(weights.get("w").unwrap().to_f32(), [5.0, 7.0]);
}

#[test]
fn shared_weights_are_kept_once_and_copied_when_only_one_use_is_normalized() {
    let file = Onnx::new(&[1, 2, 4, 4]).floats("w", &[2, 2, 1, 1], &[1.0, 2.0, 3.0, 4.0]);
    let file = file.node("Conv", &["x", "w"], &["a"], vec![]).node("Conv", &["a", "w"], &["c"], vec![]);
    let plain = import(&file.finish(&["c"])).graph;
    assert_eq!(plain.weights.len(), 1);

    let file =
        Onnx::new(&[1, 2, 4, 4]).floats("w", &[2, 2, 1, 1], &[1.0, 2.0, 3.0, 4.0]).floats("half", &[2], &[0.5; 2]);
    let file = file
        .floats("zero", &[2], &[0.0; 2])
        .floats("one", &[2], &[1.0; 2])
        .node("Conv", &["x", "w"], &["a"], vec![])
        .node("Conv", &["a", "w"], &["c"], vec![])
        .node("BatchNormalization", &["c", "half", "zero", "zero", "one"], &["y"], vec![float("epsilon", 0.0)]);
    let Imported { graph, weights, .. } = import(&file.finish(&["y"]));
    let kernel = |node: usize| weights.get(&graph.weights[graph.nodes[node].weights[0]].name).unwrap().to_f32();
    assert_eq!((graph.nodes.len(), kernel(0), kernel(1)), (2, vec![1.0, 2.0, 3.0, 4.0], vec![0.5, 1.0, 1.5, 2.0]));
}

#[test]
fn constants_stay_operands_on_the_right_side() {
    let file = || Onnx::new(&[1, 2, 4, 4]).floats("k", &[1, 1, 2, 1, 1], &[4.0, 8.0]).floats("s", &[], &[1.0]);
    let case = |operator, inputs: &[&str]| {
        let Imported { graph, weights, .. } = import(&file().node(operator, inputs, &["y"], vec![]).finish(&["y"]));
        let node = &graph.nodes[0];
        let weight = weights.get(&graph.weights[node.weights[0]].name).unwrap();
        (node.op.clone(), weight.shape().to_vec(), weight.to_f32())
    };
    let plain = |function| Op::Binary { function, constant_first: false };
    assert_eq!(case("Mul", &["x", "k"]), (plain(Binary::Mul), vec![1, 2, 1, 1], vec![4.0, 8.0]));
    assert_eq!(case("Div", &["x", "k"]), (plain(Binary::Mul), vec![1, 2, 1, 1], vec![0.25, 0.125]));
    assert_eq!(case("Add", &["s", "x"]), (plain(Binary::Add), vec![1], vec![1.0]));
    let first = Op::Binary { function: Binary::Sub, constant_first: true };
    assert_eq!(case("Sub", &["s", "x"]).0, first);
    assert_eq!(case("Sub", &["x", "s"]).0, plain(Binary::Sub));
    assert_eq!(
        refuse(&file().node("Div", &["s", "x"], &["y"], vec![]).finish(&["y"])).0,
        ErrorKind::UnsupportedOperator
    );
}

#[test]
fn gates_are_recognised_only_on_their_own_value() {
    let silu = Onnx::new(&[1, 2, 4, 4]).node("Sigmoid", &["x"], &["g"], vec![]);
    let silu = silu.node("Mul", &["g", "x"], &["y"], vec![]).finish(&["y"]);
    assert_eq!(only(&silu).0, Op::Activation(Activation::Silu));
    let hard = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
    let hard = Onnx::new(&[1, 2, 4, 4]).node("HardSigmoid", &["x"], &["g"], hard);
    assert_eq!(
        only(&hard.node("Mul", &["x", "g"], &["y"], vec![]).finish(&["y"])).0,
        Op::Activation(Activation::HardSwish)
    );
    let other = Onnx::new(&[1, 2, 4, 4]).node("Relu", &["x"], &["r"], vec![]).node("Sigmoid", &["x"], &["g"], vec![]);
    let other = import(&other.node("Mul", &["g", "r"], &["y"], vec![]).finish(&["y"])).graph;
    assert_eq!(other.nodes.len(), 3);
}

#[test]
fn dynamic_quantisation_is_read_as_a_convolution() {
    let bytes = Onnx::new(&[1, 1, 4, 4])
        .bytes("q", &[2, 1, 1, 1], &[130, 120])
        .bytes("zero", &[], &[128])
        .floats("scale", &[], &[0.5])
        .floats("bias", &[2], &[7.0, 8.0])
        .ints("bias_shape", &[1, -1, 1, 1])
        .node("Reshape", &["bias", "bias_shape"], &["bias4"], vec![])
        .node("DynamicQuantizeLinear", &["x"], &["xq", "xs", "xz"], vec![])
        .node("Mul", &["xs", "scale"], &["ss"], vec![])
        .node("ConvInteger", &["xq", "q", "xz", "zero"], &["i"], vec![])
        .node("Cast", &["i"], &["f"], vec![int("to", 1)])
        .node("Mul", &["f", "ss"], &["scaled"], vec![])
        .node("Add", &["scaled", "bias4"], &["y"], vec![])
        .finish(&["y"]);
    let Imported { graph, weights, .. } = import(&bytes);
    assert_eq!(graph.nodes.len(), 1);
    let values = |index: usize| weights.get(&graph.weights[graph.nodes[0].weights[index]].name).unwrap().to_f32();
    assert_eq!((values(0), values(1)), (vec![1.0, -4.0], vec![7.0, 8.0]));
    assert_eq!(graph.tensors[graph.outputs[0]].name, "y");
}
