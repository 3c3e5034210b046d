//! Operands of different rank.

use crate::onnx::{Onnx, ints};
use crate::{Made, adapter, apart, picture};
use headwater::ErrorKind;
use headwater::kernels::Precision;

/// `[1, 8, 8, 8] + [1, 8]`, which by ONNX's rule lie along the width, and a mask.
fn ranks_meet() -> Vec<u8> {
    let weights: Vec<f32> = (0..24).map(|index| index as f32 / 12.0 - 1.0).collect();
    Onnx::new(&[1, 3, 8, 8])
        .floats("w", &[8, 3, 1, 1], &weights)
        .floats("v", &[1, 8, 1, 1], &[0.3, -0.2, 0.1, 0.4, -0.5, 0.2, -0.1, 0.3])
        .node("Conv", &["x", "w"], &["a"], vec![])
        .node("GlobalAveragePool", &["a"], &["p"], vec![])
        .node("Flatten", &["p"], &["f"], vec![])
        .node("Add", &["a", "f"], &["b"], vec![])
        .node("Conv", &["b", "v"], &["c"], vec![ints("strides", &[1, 1])])
        .node("Sigmoid", &["c"], &["y"], vec![])
        .finish(&["y"])
}

#[test]
fn ranks_that_the_gpu_cannot_align_are_refused_before_anything_runs() {
    if adapter::open("broadcasting between ranks").is_none() {
        return;
    }
    let made = Made::new(&ranks_meet());
    let input = picture(8, 8);
    assert!(apart(&made.remote(&input), &made.reference(&input)) < 1e-5);
    let refused = made.try_local(&input, Precision::F32).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::UnsupportedOperator);
    assert!(refused.message().contains("b_node") && refused.message().contains("broadcast"), "{refused}");
}
