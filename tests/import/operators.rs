//! Operators without weights, and shape programs.

use crate::onnx::{Onnx, constant, float, int, ints, string};
use crate::{import, one, only, refuse};
use headwater::ErrorKind;
use headwater::graph::op::{Coordinates, PadMode, PoolKind, ResizeMode, Rounding};
use headwater::graph::{Activation, Op};

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
