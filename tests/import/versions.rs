//! What operator sets change, and nets that were exported while they were being trained.

use crate::onnx::{Onnx, bytes_of, constant, float, int, tensor};
use crate::{import, refuse};
use headwater::ErrorKind;
use rten_onnx::onnx::{AttributeProto, DataType};

fn net() -> Onnx {
    Onnx::new(&[1, 3, 4, 4]).floats("w", &[1, 3, 1, 1], &[1.0, 2.0, 3.0])
}

#[test]
fn operator_sets_that_change_nothing_here_are_read_like_older_ones() {
    let file = |opset| {
        let file = net().opset(opset).ints("axes", &[-1]).node("Conv", &["x", "w"], &["c"], vec![]);
        let file = file.node("Unsqueeze", &["c", "axes"], &["u"], vec![]).node("Identity", &["u"], &["i"], vec![]);
        let file =
            file.node("Squeeze", &["i", "axes"], &["s"], vec![]).node("Cast", &["s"], &["y"], vec![int("to", 1)]);
        import(&file.finish(&["y"]))
    };
    let expected = file(17);
    for opset in [7 + 6, 23, 24, 25, 26, 27, 28] {
        let found = file(opset);
        assert_eq!(found.graph, expected.graph, "{opset}");
        assert!(found.warnings.is_empty(), "{opset}: {:?}", found.warnings);
    }
    for opset in [29, 1 << 40] {
        let found = file(opset);
        assert_eq!(found.graph, expected.graph, "{opset}");
        assert!(found.warnings[0].contains(&format!("operator set {opset} ")), "{:?}", found.warnings);
    }
    for opset in [6, 1, 0, -1] {
        let (kind, message) = refuse(&net().opset(opset).node("Conv", &["x", "w"], &["y"], vec![]).finish(&["y"]));
        assert_eq!(kind, ErrorKind::UnsupportedOperator);
        assert!(
            message.contains(&format!("operator set {opset}:")) && message.contains("version_converter"),
            "{message}"
        );
    }
}

/// A dropout whose ratio and training mode are the given inputs, in a net that has several ways to say both.
fn dropout(opset: i64, inputs: &[&str]) -> Vec<u8> {
    let flag = |value: u8| tensor("", DataType::BOOL, &[], vec![value]);
    let truth = AttributeProto { t: Some(flag(1)), ..constant(&[]) };
    let inputs: Vec<&str> = ["c"].iter().chain(inputs).copied().collect();
    net()
        .opset(opset)
        .floats("half", &[], &[0.5])
        .floats("none", &[], &[0.0])
        .tensor(tensor("yes", DataType::BOOL, &[], vec![1]))
        .tensor(tensor("no", DataType::BOOL, &[], vec![0]))
        .node("Constant", &[], &["constant"], vec![truth])
        .node("Not", &["no"], &["unknown"], vec![])
        .node("Identity", &["constant"], &["computed"], vec![])
        .node("Conv", &["x", "w"], &["c"], vec![])
        .node("Dropout", &inputs, &["d"], if opset < 12 { vec![float("ratio", 0.5)] } else { vec![] })
        .node("Relu", &["d"], &["y"], vec![])
        .finish(&["y"])
}

#[test]
fn dropout_is_nothing_but_in_training() {
    for (opset, inputs) in [
        (7, [].as_slice()),
        (10, &[]),
        (12, &[]),
        (13, &["half"]),
        (22, &["half", ""]),
        (13, &["half", "no"]),
        (13, &["", "no"]),
        (13, &["none", "yes"]),
    ] {
        assert_eq!(import(&dropout(opset, inputs)).graph.nodes.len(), 2, "{opset} {inputs:?}");
    }
    for inputs in [["half", "yes"], ["", "yes"], ["half", "constant"], ["half", "computed"]] {
        let (kind, message) = refuse(&dropout(17, &inputs));
        assert_eq!(kind, ErrorKind::UnsupportedOperator);
        let names = ["d_node", "Dropout", "training_mode", "model.eval()"];
        assert!(names.iter().all(|name| message.contains(name)), "{inputs:?}: {message}");
    }
    // A mode that depends on the picture is not known to be off.
    assert_eq!(refuse(&dropout(17, &["half", "x"])).0, ErrorKind::UnsupportedOperator);
    // Nor may constants be dropped from.
    let file =
        net().tensor(tensor("yes", DataType::BOOL, &[], vec![1])).node("Dropout", &["w", "", "yes"], &["v"], vec![]);
    let (kind, message) = refuse(&file.node("Conv", &["x", "v"], &["y"], vec![]).finish(&["y"]));
    assert!(kind == ErrorKind::UnsupportedOperator && message.contains("model.eval()"), "{message}");
}

#[test]
fn normalization_in_training_is_refused() {
    let file = |opset, outputs: &[&str], attributes| {
        let file = Onnx::new(&[1, 2, 4, 4]).opset(opset).floats("p", &[2], &[1.0, 2.0]);
        let file = file.node("BatchNormalization", &["x", "p", "p", "p", "p"], outputs, attributes);
        file.finish(&["y"])
    };
    assert_eq!(import(&file(9, &["y"], vec![])).graph.nodes.len(), 1);
    assert_eq!(import(&file(15, &["y"], vec![int("training_mode", 0)])).graph.nodes.len(), 1);
    for refused in [
        file(9, &["y", "mean", "var", "saved_mean", "saved_var"], vec![]),
        file(14, &["y", "mean", "var"], vec![int("training_mode", 1)]),
    ] {
        let (kind, message) = refuse(&refused);
        assert!(kind == ErrorKind::UnsupportedOperator && message.contains("model.eval()"), "{message}");
    }
    assert_eq!(refuse(&file(7, &["y"], vec![int("spatial", 0)])).0, ErrorKind::UnsupportedOperator);
}

#[test]
fn remainders_have_the_sign_that_the_file_asks_for() {
    // Minus 7 by 3 leaves 2, or with fmod minus 1.
    for (attributes, rest) in [(vec![], 2.0), (vec![int("fmod", 1)], -1.0)] {
        let file = net().ints("seven", &[-7]).ints("three", &[3]).node("Mod", &["seven", "three"], &["m"], attributes);
        let file = file.node("Cast", &["m"], &["f"], vec![int("to", 1)]).node("Mul", &["x", "f"], &["y"], vec![]);
        let imported = import(&file.finish(&["y"]));
        assert_eq!(imported.weights.get("f").unwrap().bytes(), bytes_of(&[rest]));
    }
}
