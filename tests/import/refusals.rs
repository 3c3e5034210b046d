//! What is left out, and what is refused.

use crate::onnx::{Onnx, int, ints};
use crate::refuse;
use headwater::ErrorKind;
use headwater::import::{ImportOptions, import_onnx};

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
