//! Operators that are others in disguise, by what they compute.

use crate::onnx::{Onnx, float, int, ints, string};
use crate::{import, refuse};
use headwater::ErrorKind;
use headwater::reference;
use headwater::tensor::Tensor;

/// What a file makes of the numbers -1, -0.75 and so on, in `[1, channels, 2, 2]`.
fn made(file: Onnx, channels: usize) -> (Vec<f32>, Vec<f32>) {
    let imported = import(&file.finish(&["y"]));
    let input: Vec<f32> = (0..4 * channels).map(|index| index as f32 / 4.0 - 1.0).collect();
    let tensor = Tensor::new(vec![1, channels, 2, 2], input.clone()).unwrap();
    let output = reference::run(&imported.graph, &imported.weights, &[tensor]).unwrap().swap_remove(0);
    (input, output.data().to_vec())
}

fn net(channels: i64) -> Onnx {
    Onnx::new(&[1, channels, 2, 2])
}

#[test]
fn slopes_may_differ_between_channels() {
    let slopes = [0.5, -2.0, 0.0];
    let shapes = [(17, vec![3, 1, 1]), (17, vec![1, 3, 1, 1]), (7, vec![3])];
    for (opset, shape) in shapes {
        let file = net(3).opset(opset).floats("s", &shape, &slopes).node("PRelu", &["x", "s"], &["y"], vec![]);
        let (input, output) = made(file, 3);
        let expected: Vec<f32> =
            input.iter().enumerate().map(|(index, &x)| if x < 0.0 { x * slopes[index / 4] } else { x }).collect();
        assert_eq!(output, expected, "{shape:?}");
    }
    let file = net(3).floats("s", &[1, 5, 1], &[0.1, 0.2, 0.3, 0.4, 0.5]).node("PRelu", &["x", "s"], &["y"], vec![]);
    assert_eq!(refuse(&file.finish(&["y"])).0, ErrorKind::BadShape);
}

#[test]
fn limits_by_numbers_are_clips() {
    for (operator, inputs, limit) in [
        ("Max", ["x", "zero"].as_slice(), f32::max as fn(f32, f32) -> f32),
        ("Max", &["low", "x", "zero"], f32::max),
        ("Min", &["zero", "x"], f32::min),
    ] {
        let file = net(1).floats("zero", &[], &[0.0]).floats("low", &[1, 1], &[-3.0]);
        let (input, output) = made(file.node(operator, inputs, &["y"], vec![]), 1);
        assert_eq!(output, input.iter().map(|&x| limit(x, 0.0)).collect::<Vec<_>>(), "{operator} {inputs:?}");
    }
    let file = net(3).floats("several", &[3, 1, 1], &[0.0, 1.0, 2.0]).node("Max", &["x", "several"], &["y"], vec![]);
    assert_eq!(refuse(&file.finish(&["y"])).0, ErrorKind::UnsupportedOperator);
    let (input, output) = made(net(1).node("Neg", &["x"], &["y"], vec![]), 1);
    assert_eq!(output, input.iter().map(|x| -x).collect::<Vec<_>>());
}

#[test]
fn fully_connected_layers_are_convolutions_of_a_pixel() {
    // Two values from the means of three channels: -0.625, 0.375, 1.375.
    let means = [-0.625f32, 0.375, 1.375];
    let rows = [[1.0f32, 2.0, 3.0], [-1.0, 0.5, 0.25]];
    let expected = |alpha: f32, bias: [f32; 2]| -> Vec<f32> {
        let dot = |row: &[f32; 3]| row.iter().zip(means).map(|(w, x)| alpha * w * x).sum::<f32>();
        rows.iter().zip(bias).map(|(row, bias)| dot(row) + bias).collect()
    };
    let pooled = |operator: &str, inputs: &[&str], attributes| {
        let file = net(3)
            .floats("w", &[3, 2], &[1.0, -1.0, 2.0, 0.5, 3.0, 0.25])
            .floats("t", &[2, 3], &[1.0, 2.0, 3.0, -1.0, 0.5, 0.25])
            .floats("b", &[2], &[10.0, 20.0])
            .ints("shape", &[1, 2, 1, 1])
            .node("GlobalAveragePool", &["x"], &["p"], vec![])
            .node("Flatten", &["p"], &["f"], vec![])
            .node(operator, inputs, &["g"], attributes);
        file.node("Reshape", &["g", "shape"], &["y"], vec![])
    };
    let cases = [
        (pooled("Gemm", &["f", "w"], vec![]), expected(1.0, [0.0; 2])),
        (pooled("Gemm", &["f", "t", "b"], vec![int("transB", 1)]), expected(1.0, [10.0, 20.0])),
        (pooled("Gemm", &["f", "w", "b"], vec![float("alpha", 2.0), float("beta", 0.5)]), expected(2.0, [5.0, 10.0])),
        (pooled("MatMul", &["f", "w"], vec![]), expected(1.0, [0.0; 2])),
    ];
    for (file, expected) in cases {
        let (_, output) = made(file, 3);
        assert!(output.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{output:?} {expected:?}");
    }
    for (inputs, attributes) in
        [(["f", "t"], vec![]), (["f", "w"], vec![int("transB", 1)]), (["f", "w"], vec![int("transA", 1)])]
    {
        assert_eq!(refuse(&pooled("Gemm", &inputs, attributes).finish(&["y"])).0, ErrorKind::BadShape);
    }
}

#[test]
fn old_nearest_resizes_round_as_onnx_runtime_does() {
    // 2 rows to 1 by 0.75 picks none but the first; 4 columns to 3 picks 0, ceil(4/3), ceil(8/3).
    let file = Onnx::new(&[1, 1, 1, 4]).opset(10).floats("s", &[4], &[1.0, 1.0, 1.0, 0.75]);
    let imported = import(&file.node("Resize", &["x", "s"], &["y"], vec![string("mode", "nearest")]).finish(&["y"]));
    let input = Tensor::new(vec![1, 1, 1, 4], vec![0.0, 1.0, 2.0, 3.0]).unwrap();
    let output = reference::run(&imported.graph, &imported.weights, &[input]).unwrap().swap_remove(0);
    assert_eq!(output.data(), [0.0, 2.0, 3.0]);
    let mixed = Onnx::new(&[1, 1, 4, 4]).opset(10).floats("s", &[4], &[1.0, 1.0, 2.0, 0.75]);
    let (kind, _) = refuse(&mixed.node("Resize", &["x", "s"], &["y"], vec![]).finish(&["y"]));
    assert_eq!(kind, ErrorKind::UnsupportedOperator);
}

#[test]
fn automatic_pads_on_which_runtimes_disagree_are_refused() {
    for attributes in [vec![ints("dilations", &[2, 1])], vec![ints("strides", &[3, 1])]] {
        let all = [vec![ints("kernel_shape", &[2, 2]), string("auto_pad", "SAME_UPPER")], attributes].concat();
        let file = Onnx::new(&[1, 1, 8, 8]).node("MaxPool", &["x"], &["y"], all);
        let (kind, message) = refuse(&file.finish(&["y"]));
        assert!(kind == ErrorKind::UnsupportedOperator && message.contains("auto_pad"), "{message}");
    }
}

#[test]
fn all_operators_that_are_not_known_are_listed_with_their_number() {
    let file = net(1)
        .node("Relu", &["x"], &["a"], vec![])
        .node("Erf", &["a"], &["b"], vec![])
        .node("Einsum", &["b"], &["c"], vec![])
        .node("Erf", &["c"], &["d"], vec![])
        .node("Mystery", &["d"], &["unused"], vec![])
        .node("Tanh", &["d"], &["y"], vec![]);
    let (kind, message) = refuse(&file.finish(&["y"]));
    assert_eq!(kind, ErrorKind::UnsupportedOperator);
    assert!(message.contains("Einsum (1), Erf (2)") && message.contains("b_node"), "{message}");
    assert!(!message.contains("Mystery"), "{message}");
}

#[test]
fn products_of_dimensions_keep_their_rank_when_asked_to() {
    let file = net(1).ints("hw", &[2, 2]).ints("nc", &[1, 1]);
    let file = file.node("ReduceProd", &["hw"], &["n"], vec![int("keepdims", 1)]);
    let file =
        file.node("Concat", &["nc", "n"], &["s"], vec![int("axis", 0)]).node("Reshape", &["x", "s"], &["r"], vec![]);
    let back = file.ints("back", &[1, 1, 2, 2]).node("Reshape", &["r", "back"], &["y"], vec![]);
    let (input, output) = made(back, 1);
    assert_eq!(input, output);
}
