//! Nets at other sizes than the one they were converted at: right, or refused by a message that names the node.

use crate::onnx::{Onnx, float, int, ints, string};
use crate::{apart, picture};
use headwater::ErrorKind;
use headwater::graph::{Graph, Op};
use headwater::import::{ImportOptions, Imported, import_onnx};
use headwater::reference;
use headwater::tensor::Tensor;
use rten_onnx::onnx::AttributeProto;

fn at(onnx: &[u8], size: Option<[usize; 2]>) -> Imported {
    import_onnx(onnx, &ImportOptions { output: None, size }).unwrap()
}

fn run(graph: &Graph, imported: &Imported, input: &Tensor) -> Tensor {
    reference::run(graph, &imported.weights, std::slice::from_ref(input)).unwrap().swap_remove(0)
}

/// Converts at `from`, scales to `to`, and compares with what the file itself says at `to`.
fn is_right(onnx: &[u8], from: [usize; 2], to: [usize; 2]) {
    let converted = at(onnx, Some(from));
    let scaled = converted.graph.with_input_size(to[1], to[0]).unwrap();
    let direct = at(onnx, Some(to));
    let input = picture(to[0], to[1]);
    let off = apart(&run(&scaled, &converted, &input), &run(&direct.graph, &direct, &input));
    assert!(off < 1e-5, "{from:?} at {to:?}: {off}");
}

/// The message with which a net converted at its own size, or at `from`, refuses another size.
fn refused(onnx: &[u8], from: Option<[usize; 2]>, to: [usize; 2]) -> String {
    let error = at(onnx, from).graph.with_input_size(to[1], to[0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadShape);
    let message = error.message().to_owned();
    assert!(message.contains(&format!("{}x{}", to[0], to[1])), "{message}");
    message
}

/// Two channels `a` from a picture `x`.
fn features(size: [i64; 2], attributes: Vec<AttributeProto>) -> Onnx {
    let weights: Vec<f32> = (0..54).map(|index| (index * 29 % 54) as f32 / 54.0 - 0.5).collect();
    let file = Onnx::new(&[1, 3, size[0], size[1]]).floats("w", &[2, 3, 3, 3], &weights);
    file.node("Conv", &["x", "w"], &["a"], attributes)
}

fn same() -> Vec<AttributeProto> {
    vec![ints("pads", &[1, 1, 1, 1])]
}

/// A mask `y` from two channels called `from`.
fn mask(file: Onnx, from: &str) -> Vec<u8> {
    let file = file.floats("v", &[1, 2, 1, 1], &[1.5, -2.0]).node("Conv", &[from, "v"], &["o"], vec![]);
    file.node("Sigmoid", &["o"], &["y"], vec![]).finish(&["y"])
}

/// Rows and columns of `of`, called `hw`.
fn shape_of(file: Onnx, of: &str) -> Onnx {
    let file = file.ints("two", &[2]).ints("four", &[4]).node("Shape", &[of], &["shape"], vec![]);
    file.node("Slice", &["shape", "two", "four"], &["hw"], vec![])
}

const OPEN: [i64; 2] = [-1, -1];

#[test]
fn crops_to_the_size_of_the_picture_hold_at_that_size_only() {
    let pads = vec![ints("pads", &[1, 1, 4, 4])];
    let computed = |size| {
        let file = shape_of(features(size, pads.clone()), "x").ints("zero", &[0, 0]).ints("axes", &[2, 3]);
        mask(file.node("Slice", &["a", "zero", "hw", "axes"], &["b"], vec![]), "b")
    };
    for (size, from) in [(OPEN, Some([64, 48])), ([48, 64], None)] {
        let message = refused(&computed(size), from, [128, 96]);
        assert!(message.contains("b_node") && message.contains("64x48"), "{message}");
    }
    // What the file computes, it computes for any size that it is converted at.
    let other = at(&computed([48, 64]), Some([40, 56]));
    assert_eq!(other.graph.tensors[other.graph.outputs[0]].shape, [1, 1, 56, 40]);
    assert!(other.graph.with_input_size(48, 64).is_err());
    let baked = features([48, 64], pads.clone()).ints("zero", &[0, 0]).ints("end", &[48, 64]).ints("axes", &[2, 3]);
    let baked = mask(baked.node("Slice", &["a", "zero", "end", "axes"], &["b"], vec![]), "b");
    assert!(refused(&baked, None, [128, 96]).contains("b_node"));
    // Two rows less at either end are two rows less at every size.
    let border = features(OPEN, same()).ints("two", &[2, 2]).ints("end", &[-2, i64::MAX]).ints("axes", &[2, 3]);
    let border = mask(border.node("Slice", &["a", "two", "end", "axes"], &["b"], vec![]), "b");
    is_right(&border, [64, 48], [50, 70]);
}

#[test]
fn numbers_computed_from_the_size_hold_at_that_size_only() {
    let factor = features(OPEN, same()).ints("two", &[2]).floats("k", &[], &[64.0]);
    let factor = factor.node("Shape", &["x"], &["shape"], vec![]).node("Gather", &["shape", "two"], &["h"], vec![]);
    let factor = factor.node("Cast", &["h"], &["f"], vec![int("to", 1)]).node("Div", &["f", "k"], &["q"], vec![]);
    let factor = mask(factor.node("Mul", &["a", "q"], &["b"], vec![]), "b");
    let message = refused(&factor, Some([64, 64]), [128, 128]);
    assert!(message.contains("b_node") && message.contains("constant"), "{message}");
    // The width alone stays: so does the number.
    is_right(&factor, [64, 64], [64, 64]);
}

#[test]
fn automatic_pads_follow_the_size() {
    for auto_pad in ["SAME_UPPER", "SAME_LOWER"] {
        let conv = vec![string("auto_pad", auto_pad), ints("strides", &[2, 2])];
        let pool = vec![string("auto_pad", auto_pad), ints("strides", &[2, 2]), ints("kernel_shape", &[3, 3])];
        let onnx = mask(features(OPEN, conv).node("MaxPool", &["a"], &["b"], pool), "b");
        for to in [[64, 64], [65, 65], [66, 67], [33, 40]] {
            is_right(&onnx, [64, 64], to);
        }
        let saved = serde_json::to_string(&at(&onnx, Some([64, 64])).graph).unwrap();
        let read: Graph = serde_json::from_str(&saved).unwrap();
        assert_eq!(read, at(&onnx, Some([64, 64])).graph, "{saved}");
        assert_eq!(read.with_input_size(65, 65).unwrap(), at(&onnx, Some([65, 65])).graph);
    }
}

/// The average of `window`, brought back to the map by a resize to its size, and added.
fn pyramid(size: i64, window: [i64; 2], strides: [i64; 2], operator: &str) -> Vec<u8> {
    let file = features([size, size], same()).ints("size", &[1, 2, size, size]);
    let file = file.node(operator, &["a"], &["p"], vec![ints("kernel_shape", &window), ints("strides", &strides)]);
    let resize = vec![string("mode", "nearest"), string("coordinate_transformation_mode", "asymmetric")];
    let file = file.node("Resize", &["p", "", "", "size"], &["r"], resize);
    mask(file.node("Add", &["a", "r"], &["b"], vec![]), "b")
}

#[test]
fn windows_that_tile_the_map_scale_with_it() {
    for operator in ["AveragePool", "MaxPool"] {
        for (parts, window) in [(2, 32), (4, 16), (8, 8)] {
            let onnx = pyramid(64, [window; 2], [window; 2], operator);
            let converted = at(&onnx, None);
            for size in [64, 128, 96] {
                let graph = converted.graph.with_input_size(size, size).unwrap();
                let pool = graph.nodes.iter().find(|node| matches!(node.op, Op::Pool(_))).unwrap();
                assert_eq!(graph.tensors[pool.output].shape, [1, 2, parts, parts]);
                // The same net with the window written for this size.
                let other = size as i64 / parts as i64;
                let direct = at(&pyramid(size as i64, [other; 2], [other; 2], operator), None);
                let input = picture(size, size);
                let off = apart(&run(&graph, &converted, &input), &run(&direct.graph, &direct, &input));
                assert!(off < 1e-5, "{operator} {parts} at {size}: {off}");
            }
            let message = refused(&onnx, None, [63, 63]);
            assert!(message.contains("p_node") && message.contains("64"), "{message}");
        }
    }
}

#[test]
fn a_window_over_the_whole_map_is_a_global_pool() {
    let net = |size: i64| {
        let file = features([size, size], same()).node(
            "AveragePool",
            &["a"],
            &["p"],
            vec![ints("kernel_shape", &[size, size])],
        );
        mask(file.node("Mul", &["a", "p"], &["b"], vec![]), "b")
    };
    let converted = at(&net(32), None);
    assert!(converted.graph.nodes.iter().any(|node| node.op == Op::GlobalAveragePool));
    for size in [32, 64, 33] {
        let graph = converted.graph.with_input_size(size, size).unwrap();
        let direct = at(&net(size as i64), None);
        let input = picture(size, size);
        assert!(apart(&run(&graph, &converted, &input), &run(&direct.graph, &direct, &input)) < 1e-5, "{size}");
    }
}

#[test]
fn small_windows_stay_what_they_are_and_doubtful_ones_hold_the_size() {
    let net = |size: i64| {
        let pool = vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
        mask(features([size, size], same()).node("AveragePool", &["a"], &["b"], pool), "b")
    };
    assert!(at(&net(64), None).graph.scaling.is_empty());
    assert_eq!(at(&net(64), None).graph.with_input_size(32, 32).unwrap().tensors.last().unwrap().shape, [1, 1, 16, 16]);
    assert!(refused(&net(4), None, [8, 8]).contains("b_node"));
}

#[test]
fn resizes_to_a_size_of_their_own_are_told_from_those_to_the_pictures() {
    let resize = || vec![string("mode", "linear"), string("coordinate_transformation_mode", "half_pixel")];
    let pool = || vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    // To the size of a skip, by way of its shape: a factor of 2 wherever halves are whole.
    let skip = |size| {
        let file = shape_of(features(size, same()), "a").ints("nc", &[1, 2]);
        let file =
            file.node("MaxPool", &["a"], &["d"], pool()).node("Concat", &["nc", "hw"], &["s"], vec![int("axis", 0)]);
        let file = file.node("Resize", &["d", "", "", "s"], &["u"], resize());
        mask(file.node("Add", &["a", "u"], &["b"], vec![]), "b")
    };
    is_right(&skip(OPEN), [64, 48], [128, 48]);
    is_right(&skip([48, 64]), [64, 48], [128, 144]);
    let message = refused(&skip(OPEN), Some([64, 48]), [63, 47]);
    assert!(message.contains("64x48"), "a size that does: {message}");
    // To 32x32 whatever the picture: in a file with an open size that is no factor.
    let inner = |size| {
        let file = features(size, same()).ints("s", &[1, 2, 32, 32]);
        mask(file.node("Resize", &["a", "", "", "s"], &["b"], resize()), "b")
    };
    let message = refused(&inner(OPEN), Some([64, 64]), [128, 128]);
    assert!(message.contains("b_node") && message.contains("factor"), "{message}");
    // In a file with one size it may be either, and is read as a factor.
    let scaled = at(&inner([64, 64]), None).graph.with_input_size(128, 128).unwrap();
    assert_eq!(scaled.tensors[scaled.outputs[0]].shape, [1, 1, 64, 64]);
}

#[test]
fn a_mask_that_would_not_cover_the_picture_is_refused() {
    // Down by 4 and up to the size of the picture: at 62 a factor makes 64.
    let net = |up: bool| {
        let strides = vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[4, 4])];
        let file = shape_of(features(OPEN, strides), "x").ints("nc", &[1, 2]).floats("f", &[4], &[1.0, 1.0, 4.0, 4.0]);
        let file = file.node("Concat", &["nc", "hw"], &["s"], vec![int("axis", 0)]);
        let inputs: &[&str] = if up { &["a", "", "", "s"] } else { &["a", "", "f"] };
        mask(file.node("Resize", inputs, &["b"], vec![string("mode", "linear"), float("cubic_coeff_a", -0.75)]), "b")
    };
    is_right(&net(true), [64, 64], [32, 128]);
    let message = refused(&net(true), Some([64, 64]), [62, 62]);
    assert!(message.contains("\"y\"") && message.contains("multiples of 4"), "{message}");
    // A factor of 4 that stands in the file makes 64 in every runtime.
    is_right(&net(false), [64, 64], [62, 62]);
}

#[test]
fn pooled_contexts_grow_with_the_picture() {
    // The mean of the picture, resized to the map beside it: one value, whatever the size.
    let resize = || vec![string("mode", "linear"), string("coordinate_transformation_mode", "half_pixel")];
    let computed = |size| {
        let file = shape_of(features(size, vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2])]), "a");
        let file = file.ints("nc", &[1, 2]).node("GlobalAveragePool", &["a"], &["p"], vec![]);
        let file = file.node("Concat", &["nc", "hw"], &["s"], vec![int("axis", 0)]);
        let file = file.node("Resize", &["p", "", "", "s"], &["u"], resize());
        mask(file.node("Add", &["a", "u"], &["b"], vec![]), "b")
    };
    for size in [OPEN, [48, 64]] {
        is_right(&computed(size), [64, 48], [128, 48]);
        is_right(&computed(size), [64, 48], [32, 96]);
        assert!(refused(&computed(size), Some([64, 48]), [63, 47]).contains("64x48"));
    }
    let strips = |size: i64| {
        let file = features([size, size], same()).ints("s", &[1, 2, size, size]);
        let pool = vec![ints("kernel_shape", &[size, 1]), ints("strides", &[size, 1])];
        let file = file.node("AveragePool", &["a"], &["p"], pool);
        let file = file.node("Resize", &["p", "", "", "s"], &["u"], resize());
        mask(file.node("Mul", &["a", "u"], &["b"], vec![]), "b")
    };
    let converted = at(&strips(32), None);
    for size in [32, 48, 33] {
        let graph = converted.graph.with_input_size(size, size).unwrap();
        let direct = at(&strips(size as i64), None);
        let input = picture(size, size);
        assert!(apart(&run(&graph, &converted, &input), &run(&direct.graph, &direct, &input)) < 1e-5, "{size}");
    }
}
