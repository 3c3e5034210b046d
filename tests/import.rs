//! ONNX files in, graphs out: every lowering, every refusal, and files that lie.

mod onnx;

use headwater::ErrorKind;
use headwater::graph::op::{Coordinates, PadMode, PoolKind, ResizeMode, Rounding};
use headwater::graph::{Activation, Binary, Op};
use headwater::import::{ImportOptions, Imported, import_onnx};
use onnx::{Onnx, constant, float, int, ints, string};

fn import(bytes: &[u8]) -> Imported {
    import_onnx(bytes, &ImportOptions::default()).unwrap()
}

fn refuse(bytes: &[u8]) -> (ErrorKind, String) {
    let error = import_onnx(bytes, &ImportOptions::default()).unwrap_err();
    (error.kind(), error.message().to_owned())
}

/// The only operator, and the shape that it makes, of a file with one node from `x` `[1, 8, 12, 16]`.
fn one(operator: &str, attributes: Vec<rten_onnx::onnx::AttributeProto>) -> (Op, Vec<usize>) {
    only(&Onnx::new(&[1, 8, 12, 16]).node(operator, &["x"], &["y"], attributes).finish(&["y"]))
}

fn only(bytes: &[u8]) -> (Op, Vec<usize>) {
    let graph = import(bytes).graph;
    assert_eq!(graph.nodes.len(), 1, "{:?}", graph.nodes);
    let output = &graph.tensors[graph.outputs[0]];
    assert_eq!(output.name, "y");
    (graph.nodes[0].op.clone(), output.shape.clone())
}

#[test]
fn activations_keep_their_numbers() {
    let activation = |operator, attributes| match one(operator, attributes) {
        (Op::Activation(activation), shape) if shape == [1, 8, 12, 16] => activation,
        other => panic!("{other:?}"),
    };
    assert_eq!(activation("Relu", vec![]), Activation::Relu);
    assert_eq!(activation("Sigmoid", vec![]), Activation::Sigmoid);
    assert_eq!(activation("Tanh", vec![]), Activation::Tanh);
    assert_eq!(activation("HardSwish", vec![]), Activation::HardSwish);
    assert_eq!(activation("LeakyRelu", vec![]), Activation::LeakyRelu { alpha: 0.01 });
    assert_eq!(activation("LeakyRelu", vec![float("alpha", 0.1)]), Activation::LeakyRelu { alpha: 0.1 });
    assert_eq!(activation("HardSigmoid", vec![]), Activation::HardSigmoid { alpha: 0.2, beta: 0.5 });
}

#[test]
fn clip_reads_inputs_and_attributes() {
    let old = Onnx::new(&[1, 8, 12, 16]).opset(7);
    let old = old.node("Clip", &["x"], &["y"], vec![float("min", 0.0), float("max", 6.0)]).finish(&["y"]);
    let new = Onnx::new(&[1, 8, 12, 16]).floats("lo", &[], &[0.0]).floats("hi", &[], &[6.0]);
    let new = new.node("Clip", &["x", "lo", "hi"], &["y"], vec![]).finish(&["y"]);
    for bytes in [old, new] {
        assert_eq!(only(&bytes).0, Op::Activation(Activation::Clip { min: 0.0, max: 6.0 }));
    }
    let open = Onnx::new(&[1, 8, 12, 16]).floats("lo", &[], &[0.0]);
    let open = open.node("Clip", &["x", "lo"], &["y"], vec![]).finish(&["y"]);
    assert_eq!(only(&open).0, Op::Activation(Activation::Clip { min: 0.0, max: f32::MAX }));
}

#[test]
fn pools_resolve_their_padding() {
    let pool = |operator, attributes| match one(operator, attributes) {
        (Op::Pool(pool), shape) => (pool, [shape[2], shape[3]]),
        other => panic!("{other:?}"),
    };
    let window = || ints("kernel_shape", &[3, 3]);
    let stride = || ints("strides", &[2, 2]);
    let (max, size) = pool("MaxPool", vec![window(), stride(), int("ceil_mode", 1)]);
    assert_eq!((max.kind, max.ceil_mode, size), (PoolKind::Max, true, [6, 8]));
    let (_, size) = pool("MaxPool", vec![window(), stride()]);
    assert_eq!(size, [5, 7]);
    let (upper, size) = pool("MaxPool", vec![window(), stride(), string("auto_pad", "SAME_UPPER")]);
    assert_eq!((upper.pads, size), ([0, 0, 1, 1], [6, 8]));
    let (lower, _) = pool("MaxPool", vec![window(), stride(), string("auto_pad", "SAME_LOWER")]);
    assert_eq!(lower.pads, [1, 1, 0, 0]);
    let (inside, _) = pool("AveragePool", vec![window(), ints("pads", &[1, 1, 1, 1])]);
    assert_eq!((inside.kind, inside.pads), (PoolKind::Average, [1; 4]));
    let (all, _) = pool("AveragePool", vec![window(), ints("pads", &[1, 1, 1, 1]), int("count_include_pad", 1)]);
    assert_eq!(all.kind, PoolKind::AverageWithPads);
}

#[test]
fn means_over_the_picture_are_global_pools() {
    let axes = |values: &[i64]| vec![ints("axes", values)];
    assert_eq!(one("ReduceMean", axes(&[2, 3])), (Op::GlobalAveragePool, vec![1, 8, 1, 1]));
    assert_eq!(one("ReduceMean", axes(&[-1, -2])).0, Op::GlobalAveragePool);
    assert_eq!(one("GlobalAveragePool", vec![]).0, Op::GlobalAveragePool);
    let flat = Onnx::new(&[1, 8, 12, 16]).opset(18).ints("axes", &[2, 3]);
    let flat = flat.node("ReduceMean", &["x", "axes"], &["y"], vec![int("keepdims", 0)]).finish(&["y"]);
    let graph = import(&flat).graph;
    assert_eq!(graph.tensors[graph.outputs[0]].shape, [1, 8]);
    let wrong = Onnx::new(&[1, 8, 12, 16]).node("ReduceMean", &["x"], &["y"], axes(&[1])).finish(&["y"]);
    assert_eq!(refuse(&wrong).0, ErrorKind::UnsupportedOperator);
}

#[test]
fn views_keep_sizes_open() {
    assert_eq!(one("Softmax", vec![int("axis", 1)]).0, Op::Softmax);
    assert_eq!(one("Softmax", vec![int("axis", -3)]).0, Op::Softmax);
    let reshape = Onnx::new(&[1, 8, 12, 16]).ints("to", &[1, 8, -1]);
    let reshape = reshape.node("Reshape", &["x", "to"], &["y"], vec![]).finish(&["y"]);
    assert_eq!(only(&reshape), (Op::Reshape { shape: vec![0, 0, -1] }, vec![1, 8, 192]));
    let graph = import(&reshape).graph.with_input_size(6, 8).unwrap();
    assert_eq!(graph.tensors[graph.outputs[0]].shape, [1, 8, 48]);

    let chain = Onnx::new(&[1, 8, 12, 16])
        .ints("last", &[2, 3])
        .node("GlobalAveragePool", &["x"], &["m"], vec![])
        .node("Flatten", &["m"], &["f"], vec![])
        .node("Unsqueeze", &["f", "last"], &["u"], vec![])
        .node("Squeeze", &["u", "last"], &["y"], vec![])
        .finish(&["y"]);
    let graph = import(&chain).graph;
    let shapes: Vec<_> = graph.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
    assert_eq!(shapes[1..], [vec![1, 8, 1, 1], vec![1, 8], vec![1, 8, 1, 1], vec![1, 8]]);
}

#[test]
fn slices_splits_and_pads() {
    let slice = Onnx::new(&[1, 8, 12, 16])
        .ints("starts", &[1, 0])
        .ints("ends", &[i64::MAX, -2])
        .ints("axes", &[2, -1])
        .ints("steps", &[2, 1])
        .node("Slice", &["x", "starts", "ends", "axes", "steps"], &["y"], vec![])
        .finish(&["y"]);
    assert_eq!(only(&slice).1, [1, 8, 6, 14]);

    let split = Onnx::new(&[1, 8, 12, 16])
        .ints("parts", &[3, 5])
        .node("Split", &["x", "parts"], &["a", "y"], vec![int("axis", 1)])
        .finish(&["y"]);
    assert_eq!(only(&split).1, [1, 5, 12, 16]);

    let pad = |attributes| {
        let file =
            Onnx::new(&[1, 8, 12, 16]).ints("pads", &[0, 0, 1, 2, 0, 0, 3, 4]).floats("v", &[], &[f32::NEG_INFINITY]);
        only(&file.node("Pad", &["x", "pads", "v"], &["y"], attributes).finish(&["y"]))
    };
    let (Op::Pad(constant), shape) = pad(vec![]) else { panic!() };
    assert_eq!((constant.pads, constant.mode), ([1, 2, 3, 4], PadMode::Constant { value: f32::MIN }));
    assert_eq!(shape, [1, 8, 16, 22]);
    assert!(matches!(pad(vec![string("mode", "reflect")]).0, Op::Pad(pad) if pad.mode == PadMode::Reflect));
}

#[test]
fn resizes_become_scales() {
    let linear = vec![string("mode", "linear"), string("coordinate_transformation_mode", "align_corners")];
    let sized = Onnx::new(&[1, 8, 12, 16]).ints("sizes", &[1, 8, 24, 40]);
    let sized = sized.node("Resize", &["x", "", "", "sizes"], &["y"], linear).finish(&["y"]);
    let (Op::Resize(resize), shape) = only(&sized) else { panic!() };
    assert_eq!(
        (resize.mode, resize.coordinates, resize.scales),
        (ResizeMode::Linear, Coordinates::AlignCorners, [2.0, 2.5])
    );
    assert_eq!(shape, [1, 8, 24, 40]);

    let scaled = Onnx::new(&[1, 8, 12, 16]).floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let scaled = scaled.node("Resize", &["x", "", "scales"], &["y"], vec![]).finish(&["y"]);
    let (Op::Resize(resize), _) = only(&scaled) else { panic!() };
    assert_eq!(resize.mode, ResizeMode::Nearest(Rounding::RoundPreferFloor));
    assert_eq!(resize.coordinates, Coordinates::HalfPixel);

    let old = Onnx::new(&[1, 8, 12, 16]).opset(9).floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0]);
    let old = old.node("Upsample", &["x", "scales"], &["y"], vec![]).finish(&["y"]);
    let (Op::Resize(resize), _) = only(&old) else { panic!() };
    assert_eq!((resize.mode, resize.coordinates), (ResizeMode::Nearest(Rounding::Floor), Coordinates::Asymmetric));

    let channels = Onnx::new(&[1, 8, 12, 16]).ints("sizes", &[1, 16, 24, 40]);
    let channels = channels.node("Resize", &["x", "", "", "sizes"], &["y"], vec![]).finish(&["y"]);
    assert_eq!(refuse(&channels).0, ErrorKind::UnsupportedOperator);
}

/// What PyTorch writes for `interpolate(x, scale_factor=2)` and for `interpolate(x, size=other.shape[2:])`.
#[test]
fn shape_programs_fold_and_stay_open() {
    let bytes = Onnx::new(&[1, 8, 12, 16])
        .floats("two", &[], &[2.0])
        .node("Shape", &["x"], &["shape"], vec![])
        .node("Constant", &[], &["i2"], vec![constant(&[2])])
        .node("Constant", &[], &["i4"], vec![constant(&[4])])
        .node("Constant", &[], &["i0"], vec![constant(&[0])])
        .node("Slice", &["shape", "i2", "i4", "i0"], &["hw"], vec![])
        .node("Cast", &["hw"], &["hwf"], vec![int("to", 1)])
        .node("Mul", &["hwf", "two"], &["twice"], vec![])
        .node("Floor", &["twice"], &["floor"], vec![])
        .node("Cast", &["floor"], &["size"], vec![int("to", 7)])
        .node("Slice", &["shape", "i0", "i2", "i0"], &["nc"], vec![])
        .node("Concat", &["nc", "size"], &["sizes"], vec![int("axis", 0)])
        .node("Resize", &["x", "", "", "sizes"], &["y"], vec![string("mode", "linear")])
        .finish(&["y"]);
    assert_eq!(only(&bytes).1, [1, 8, 24, 32]);
    let graph = import(&bytes).graph.with_input_size(50, 70).unwrap();
    assert_eq!(graph.tensors[graph.outputs[0]].shape, [1, 8, 100, 140]);
}

#[test]
fn gather_range_where_and_expand_fold() {
    // The shape that `x.view(1, 8, -1)` computes, by a roundabout way through every operator.
    let bytes = Onnx::new(&[1, 8, 12, 16])
        .node("Shape", &["x"], &["shape"], vec![])
        .ints("one", &[1])
        .ints("minus", &[-1])
        .ints("three", &[3])
        .node("Gather", &["shape", "one"], &["c"], vec![])
        .node("Concat", &["one", "c", "minus"], &["raw"], vec![int("axis", 0)])
        .node("ConstantOfShape", &["three"], &["zeros"], vec![constant(&[0])])
        .node("Equal", &["raw", "zeros"], &["is_zero"], vec![])
        .node("Where", &["is_zero", "one", "raw"], &["to"], vec![])
        .node("Reshape", &["x", "to"], &["y"], vec![])
        .finish(&["y"]);
    assert_eq!(only(&bytes).1, [1, 8, 192]);
}

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

fn norm(file: Onnx, from: &str, to: &str) -> Onnx {
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
    let Imported { graph, weights } = import(&file.finish(&["y"]));
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
    let Imported { graph, weights } = import(&file.finish(&["y"]));
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
    let Imported { graph, weights } = import(&file.finish(&["y"]));
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
    let Imported { graph, weights } = import(&file.finish(&["y"]));
    let kernel = |node: usize| weights.get(&graph.weights[graph.nodes[node].weights[0]].name).unwrap().to_f32();
    assert_eq!((graph.nodes.len(), kernel(0), kernel(1)), (2, vec![1.0, 2.0, 3.0, 4.0], vec![0.5, 1.0, 1.5, 2.0]));
}

#[test]
fn constants_stay_operands_on_the_right_side() {
    let file = || Onnx::new(&[1, 2, 4, 4]).floats("k", &[1, 1, 2, 1, 1], &[4.0, 8.0]).floats("s", &[], &[1.0]);
    let case = |operator, inputs: &[&str]| {
        let Imported { graph, weights } = import(&file().node(operator, inputs, &["y"], vec![]).finish(&["y"]));
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
    let Imported { graph, weights } = import(&bytes);
    assert_eq!(graph.nodes.len(), 1);
    let values = |index: usize| weights.get(&graph.weights[graph.nodes[0].weights[index]].name).unwrap().to_f32();
    assert_eq!((values(0), values(1)), (vec![1.0, -4.0], vec![7.0, 8.0]));
    assert_eq!(graph.tensors[graph.outputs[0]].name, "y");
}

#[test]
fn only_what_the_output_needs_remains() {
    let file = || {
        Onnx::new(&[-1, -1, -1, -1])
            .floats("w", &[3, 3, 1, 1], &[1.0; 9])
            .floats("unused", &[1], &[1.0])
            .node("Identity", &["x"], &["same"], vec![])
            .node("Conv", &["same", "w"], &["c"], vec![])
            .node("Cast", &["c"], &["side"], vec![int("to", 1)])
            .node("MysteryOperator", &["c"], &["unknown"], vec![])
            .node("Relu", &["c"], &["y"], vec![])
            .finish(&["y", "side", "unknown"])
    };
    let size = Some([20, 10]);
    let graph = import_onnx(&file(), &ImportOptions { output: None, size }).unwrap().graph;
    assert_eq!((graph.nodes.len(), graph.weights.len()), (2, 1));
    assert_eq!(graph.tensors[graph.inputs[0]].shape, [1, 3, 10, 20]);
    let side = ImportOptions { output: Some("side".into()), size };
    let side = import_onnx(&file(), &side).unwrap().graph;
    assert_eq!((side.nodes.len(), side.tensors[side.outputs[0]].name.as_str()), (1, "side"));

    assert_eq!(refuse(&file()).0, ErrorKind::BadShape, "an open size must be given");
    let wrong = import_onnx(&file(), &ImportOptions { output: Some("nope".into()), size }).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::BadArgument);
    let unknown = import_onnx(&file(), &ImportOptions { output: Some("unknown".into()), size }).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::UnsupportedOperator);
    assert!(unknown.message().contains("unknown_node") && unknown.message().contains("MysteryOperator"), "{unknown}");
}

#[test]
fn refusals_name_the_node_and_the_operator() {
    let w = || Onnx::new(&[1, 8, 12, 16]).floats("w", &[4, 7, 3, 3], &[0.0; 252]);
    let cases = [
        (w().node("Conv", &["x", "w"], &["y"], vec![]), ErrorKind::BadShape),
        (w().node("Conv", &["x"], &["y"], vec![]), ErrorKind::BadModel),
        (w().node("Conv", &["x", "x"], &["y"], vec![]), ErrorKind::UnsupportedOperator),
        (w().node("Conv", &["x", "w"], &["y"], vec![ints("pads", &[-1, 0, 0, 0])]), ErrorKind::BadShape),
        (w().node("Concat", &["x", "x"], &["y"], vec![int("axis", 2)]), ErrorKind::UnsupportedOperator),
        (w().node("Softmax", &["x"], &["y"], vec![]), ErrorKind::UnsupportedOperator),
        (w().node("Cast", &["x"], &["y"], vec![int("to", 7)]), ErrorKind::UnsupportedOperator),
        (w().node("Flatten", &["x"], &["y"], vec![]), ErrorKind::BadShape),
        (w().node("Relu", &["missing"], &["y"], vec![]), ErrorKind::BadModel),
        (w().node("Relu", &["y"], &["y"], vec![]), ErrorKind::BadModel),
    ];
    for (file, kind) in cases {
        let operator = file.graph.node[0].op_type.clone().unwrap();
        let (found, message) = refuse(&file.finish(&["y"]));
        assert_eq!(found, kind, "{message}");
        assert!(message.contains("y_node") && message.contains(&operator), "{message}");
    }
    let mut control = Onnx::new(&[1, 8, 12, 16]).node("If", &["x"], &["y"], vec![]);
    let branch = rten_onnx::onnx::AttributeProto { g: Some(Default::default()), ..int("then_branch", 0) };
    control.graph.node[0].attribute.push(branch);
    let (kind, message) = refuse(&control.finish(&["y"]));
    assert!(kind == ErrorKind::UnsupportedOperator && message.contains("control flow"), "{message}");
}

#[test]
fn a_small_file_cannot_ask_for_gigabytes() {
    // Doubling 40 times, by addition of shapes, by joining and by filling.
    let mut file = Onnx::new(&[1, 1, 4, 4]).ints("n0", &[1]);
    for step in 0..40 {
        let (from, to) = (format!("n{step}"), format!("n{}", step + 1));
        file = file.node("Concat", &[&from, &from], &[&to], vec![int("axis", 0)]);
    }
    let (kind, message) = refuse(&file.node("Reshape", &["x", "n40"], &["y"], vec![]).finish(&["y"]));
    assert!(kind == ErrorKind::BadModel && message.contains("computed while importing"), "{message}");

    let filled = Onnx::new(&[1, 1, 4, 4]).ints("huge", &[1 << 30]);
    let filled = filled.node("ConstantOfShape", &["huge"], &["k"], vec![]).node("Add", &["x", "k"], &["y"], vec![]);
    assert_eq!(refuse(&filled.finish(&["y"])).0, ErrorKind::BadModel);
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    /// One file that has something of everything.
    fn rich() -> Vec<u8> {
        let file = Onnx::new(&[1, 2, 8, 8])
            .floats("w", &[2, 2, 3, 3], &[0.1; 36])
            .bytes("q", &[2, 2, 1, 1], &[1, 2, 3, 4])
            .floats("scale", &[], &[0.5])
            .ints("two", &[2])
            .ints("four", &[4])
            .ints("zero", &[0])
            .node("Conv", &["x", "w"], &["c"], vec![ints("pads", &[1, 1, 1, 1])]);
        norm(file, "c", "n")
            .node("MaxPool", &["n"], &["p"], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])])
            .node("DynamicQuantizeLinear", &["p"], &["pq", "ps", "pz"], vec![])
            .node("ConvInteger", &["pq", "q", "pz"], &["i"], vec![])
            .node("Cast", &["i"], &["f"], vec![int("to", 1)])
            .node("Mul", &["ps", "scale"], &["s"], vec![])
            .node("Mul", &["f", "s"], &["d"], vec![])
            .node("Shape", &["n"], &["shape"], vec![])
            .node("Slice", &["shape", "two", "four", "zero"], &["hw"], vec![])
            .node("Shape", &["d"], &["dshape"], vec![])
            .node("Slice", &["dshape", "zero", "two", "zero"], &["nc"], vec![])
            .node("Concat", &["nc", "hw"], &["sizes"], vec![int("axis", 0)])
            .node("Resize", &["d", "", "", "sizes"], &["u"], vec![string("mode", "linear")])
            .node("Concat", &["u", "n"], &["cat"], vec![int("axis", 1)])
            .node("Sigmoid", &["cat"], &["y"], vec![])
            .finish(&["y"])
    }

    #[test]
    fn the_untouched_file_is_read() {
        let graph = import(&rich()).graph;
        assert_eq!(graph.tensors[graph.outputs[0]].shape, [1, 4, 8, 8]);
        assert_eq!(graph.nodes.len(), 6);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let mut bytes = rich();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Ok(imported) = import_onnx(&bytes, &ImportOptions::default()) {
                prop_assert!(imported.graph.validate().is_ok());
                for weight in &imported.graph.weights {
                    prop_assert_eq!(imported.weights.get(&weight.name).unwrap().shape(), weight.shape.as_slice());
                }
            }
        }

        #[test]
        fn cut_and_spliced_files_never_panic(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
            let bytes = rich();
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let cut = &bytes[..from];
            prop_assert!(import_onnx(cut, &ImportOptions::default()).is_err());
            let spliced = [cut, &bytes[to..]].concat();
            let _ = import_onnx(&spliced, &ImportOptions { output: None, size: Some([16, 16]) });
        }
    }
}

/// The real files, where somebody has pulled them: set HEADWATER_ONNX_DIR to a folder that holds
/// `medium.onnx` and `small.onnx`, joined from the package in `models/known.json`.
mod isnet {
    use super::*;
    use headwater::pull;
    use std::path::PathBuf;

    fn read(name: &str) -> Option<Vec<u8>> {
        let Some(folder) = std::env::var_os("HEADWATER_ONNX_DIR") else {
            eprintln!("SKIPPED: HEADWATER_ONNX_DIR is not set, so {name} is not imported");
            return None;
        };
        Some(std::fs::read(PathBuf::from(folder).join(name)).unwrap())
    }

    #[test]
    fn both_files_come_out_as_the_same_net() {
        let (Some(medium), Some(small)) = (read("medium.onnx"), read("small.onnx")) else { return };
        let medium = import(&medium);
        let small = import(&small);
        let operators =
            |imported: &Imported| imported.graph.nodes.iter().map(|node| node.op.clone()).collect::<Vec<_>>();
        assert_eq!(operators(&medium), operators(&small));
        let graph = &medium.graph;
        assert_eq!((graph.weight_values(), graph.macs()), (44_004_737, 159_601_655_808));
        assert_eq!(graph.tensors[graph.inputs[0]].shape, [1, 3, 1024, 1024]);
        let output = &graph.tensors[graph.outputs[0]];
        assert_eq!((output.name.as_str(), output.shape.as_slice()), ("output", &[1, 1, 1024, 1024][..]));
        assert!(graph.nodes.iter().all(|node| match &node.op {
            Op::Resize(resize) => resize.scales.iter().all(|scale| scale.log2().fract() == 0.0),
            _ => true,
        }));
        let half = graph.with_input_size(512, 512).unwrap();
        assert_eq!(half.macs() * 4, graph.macs());
        // Quantising moves a weight by half a step at most; the nets are the same one.
        for (a, b) in graph.weights.iter().zip(&small.graph.weights).take(20) {
            let (a, b) = (medium.weights.get(&a.name).unwrap().to_f32(), small.weights.get(&b.name).unwrap().to_f32());
            let span = b.iter().fold(0f32, |span, value| span.max(value.abs()));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= span / 64.0));
        }
    }

    #[test]
    fn the_converted_file_opens() {
        let Some(onnx) = read("medium.onnx") else { return };
        let known = pull::known("isnet").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("isnet.safetensors");
        let options = pull::convert_options(&known, headwater::tensor::DType::F16);
        let manifest = headwater::import::convert(&onnx, &out, &options).unwrap();
        assert_eq!(manifest.source.sha256, known.sha256);
        let file = std::fs::File::open(&out).unwrap();
        let model = pollster::block_on(headwater::model::Model::open(&file)).unwrap();
        assert_eq!(model.manifest, manifest);
        assert_eq!(model.weight_bytes(&manifest.graph).unwrap(), 2 * manifest.graph.weight_values());
    }
}
