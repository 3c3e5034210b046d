//! ONNX files in, graphs out: every lowering, every refusal, and files that lie.

mod branches;
mod hostile;
mod isnet;
mod lowered;
#[path = "../onnx/mod.rs"]
mod onnx;
mod operators;
mod refusals;
mod versions;
mod weights;

use headwater::ErrorKind;
use headwater::graph::Op;
use headwater::import::{ImportOptions, Imported, import_onnx};
use onnx::Onnx;

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
