//! Branches whose condition is known, and quantisation of activations by static scales.

use crate::onnx::{Onnx, int, tensor};
use crate::{import, refuse};
use headwater::ErrorKind;
use headwater::graph::{Activation, Op};
use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, NodeProto, ValueInfoProto};

/// A branch of one node that reads `from` outside and gives its result.
fn branch(name: &str, operator: &str, from: &[&str]) -> AttributeProto {
    let made = format!("{name}_made");
    let node = NodeProto {
        name: Some(format!("{made}_node")),
        op_type: Some(operator.to_owned()),
        input: from.iter().map(|name| name.to_string()).collect(),
        output: vec![made.clone()],
        ..Default::default()
    };
    let output = ValueInfoProto { name: Some(made), ..Default::default() };
    let graph = GraphProto { node: vec![node], output: vec![output], ..Default::default() };
    AttributeProto { g: Some(graph), ..int(name, 0) }
}

/// `If` by `condition` between a Relu and a Tanh of `late`, which stands behind it in the file.
fn net(condition: u8, then: &str) -> Onnx {
    let file = Onnx::new(&[1, 1, 2, 2]).tensor(tensor("cond", DataType::BOOL, &[], vec![condition]));
    let branches = vec![branch("then_branch", then, &["late"]), branch("else_branch", "Tanh", &["late"])];
    file.node("If", &["cond"], &["y"], branches).node("Sigmoid", &["x"], &["late"], vec![])
}

#[test]
fn the_branch_that_is_taken_is_read() {
    for (condition, expected) in [(1, Activation::Relu), (0, Activation::Tanh)] {
        let graph = import(&net(condition, "Relu").finish(&["y"])).graph;
        let operators: Vec<Op> = graph.nodes.iter().map(|node| node.op.clone()).collect();
        assert_eq!(operators, [Op::Activation(Activation::Sigmoid), Op::Activation(expected)]);
        assert_eq!(graph.tensors[graph.outputs[0]].name, "y");
    }
    // The other one may hold anything.
    assert_eq!(import(&net(0, "Mystery").finish(&["y"])).graph.nodes.len(), 2);
    let (kind, message) = refuse(&net(1, "Mystery").finish(&["y"]));
    assert!(kind == ErrorKind::UnsupportedOperator && message.contains("Mystery"), "{message}");
}

#[test]
fn branches_by_what_is_in_the_picture_are_refused() {
    let mut file = net(1, "Relu");
    file.graph.node[0].input[0] = "late".into();
    let (kind, message) = refuse(&file.finish(&["y"]));
    assert!(kind == ErrorKind::UnsupportedOperator && message.contains("control flow"), "{message}");
    let mut file = net(1, "Relu");
    file.graph.node[0].attribute.clear();
    assert_eq!(refuse(&file.finish(&["y"])).0, ErrorKind::BadModel);
}

fn quantised(zero: u8, scale: f32) -> Onnx {
    Onnx::new(&[1, 1, 2, 2]).floats("s", &[], &[scale]).bytes("z", &[], &[zero]).node(
        "QuantizeLinear",
        &["x", "s", "z"],
        &["q"],
        vec![],
    )
}

#[test]
fn steps_of_activations_become_their_bounds_and_a_warning() {
    let imported =
        import(&quantised(55, 0.5).node("DequantizeLinear", &["q", "s", "z"], &["y"], vec![]).finish(&["y"]));
    assert_eq!(imported.graph.nodes[0].op, Op::Activation(Activation::Clip { min: -27.5, max: 100.0 }));
    assert!(imported.warnings[0].contains("quantised"), "{:?}", imported.warnings);
    let other = quantised(55, 0.5).floats("t", &[], &[0.25]);
    let (kind, _) = refuse(&other.node("DequantizeLinear", &["q", "t", "z"], &["y"], vec![]).finish(&["y"]));
    assert_eq!(kind, ErrorKind::UnsupportedOperator);
    assert_eq!(refuse(&quantised(0, 0.0).node("Relu", &["q"], &["y"], vec![]).finish(&["y"])).0, ErrorKind::BadModel);
}

#[test]
fn constants_are_rounded_to_steps() {
    let file = Onnx::new(&[1, 3, 2, 2])
        .floats("w", &[1, 3, 1, 1], &[0.26, -0.25, 9.0])
        .floats("s", &[], &[0.1])
        .tensor(tensor("z", DataType::INT8, &[], vec![(-100i8) as u8]))
        .node("QuantizeLinear", &["w", "s", "z"], &["q"], vec![])
        .node("DequantizeLinear", &["q", "s", "z"], &["v"], vec![])
        .node("Conv", &["x", "v"], &["y"], vec![]);
    let imported = import(&file.finish(&["y"]));
    let values = imported.weights.get("v").unwrap().to_f32();
    // 2.6 steps are 3, -2.5 are -2 (to even), 90 are 90 and fit just below 127 + 100.
    let expected = [0.3, -0.2, 9.0];
    assert!(values.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5), "{values:?}");
}
