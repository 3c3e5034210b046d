//! Weights that f16, the file's default, cannot hold.

use crate::onnx::{Onnx, float};
use crate::{Made, adapter, apart, picture};
use headwater::ErrorKind;
use headwater::import::{ConvertOptions, ImportOptions, convert, import_onnx};
use headwater::kernels::Precision;
use headwater::model::Weights;
use headwater::reference;
use headwater::tensor::{DType, Tensor};

/// A convolution, what `middle` does with its output `c`, and a sigmoid of `m`.
fn net(middle: impl FnOnce(Onnx) -> Onnx) -> Vec<u8> {
    let file = Onnx::new(&[1, 3, 8, 8])
        .floats("w", &[2, 3, 1, 1], &[0.5, -1.0, 0.75, -0.25, 1.0, -0.5])
        .floats("v", &[1, 2, 1, 1], &[1.0, -1.0])
        .node("Conv", &["x", "w"], &["c"], vec![]);
    middle(file).node("Conv", &["m", "v"], &["o"], vec![]).node("Sigmoid", &["o"], &["y"], vec![]).finish(&["y"])
}

/// What the ONNX file's own f32 weights give.
fn expected(onnx: &[u8], input: &Tensor) -> Tensor {
    let imported = import_onnx(onnx, &ImportOptions::default()).unwrap();
    reference::run(&imported.graph, &imported.weights, std::slice::from_ref(input)).unwrap().swap_remove(0)
}

fn dtype(weights: &Weights, made: &Made, name: &str) -> DType {
    let specs = &made.converted.manifest.graph.weights;
    let spec = specs.iter().find(|spec| spec.name.ends_with(&format!(".{name}"))).unwrap();
    weights.get(&spec.name).unwrap().dtype()
}

/// Nets with a constant `k` that f16 cannot hold; without it their masks are wrong everywhere.
fn nets() -> [(&'static str, Vec<u8>); 4] {
    let both = |k: f32| {
        move |file: Onnx| {
            let file = file.floats("k", &[], &[k]).node("Mul", &["c", "k"], &["s"], vec![]);
            file.node("Div", &["s", "k"], &["m"], vec![])
        }
    };
    let threshold = |file: Onnx| {
        let file = file.floats("k", &[1], &[1e5]).node("Relu", &["c"], &["r"], vec![]);
        file.node("Mul", &["r", "k"], &["m"], vec![])
    };
    // A factor for each channel, of which one is small, and its inverse.
    let channel = |file: Onnx| {
        let file = file.floats("k", &[2, 1, 1], &[1.0, 1e-9]).node("Mul", &["c", "k"], &["s"], vec![]);
        file.node("Div", &["s", "k"], &["m"], vec![])
    };
    [("large", net(both(3e6))), ("small", net(both(1e-8))), ("threshold", net(threshold)), ("channel", net(channel))]
}

#[test]
fn weights_beyond_f16_stay_in_f32_and_are_named() {
    for (name, onnx) in nets() {
        let made = Made::new(&onnx);
        let [warning] = &made.converted.warnings[..] else { panic!("{name}: {:?}", made.converted.warnings) };
        assert!(warning.contains("f32") && warning.contains(": k"), "{name}: {warning}");
        let weights = made.weights();
        let stored = ["w", "v", "k"].map(|weight| dtype(&weights, &made, weight));
        assert_eq!(stored, [DType::F16, DType::F16, DType::F32], "{name}");
        let input = picture(8, 8);
        let off = apart(&made.reference(&input), &expected(&onnx, &input));
        assert!(off < 1e-5, "{name}: {off}");
    }
    let plain = Made::new(&net(|file| file.node("Relu", &["c"], &["m"], vec![])));
    assert!(plain.converted.warnings.is_empty(), "{:?}", plain.converted.warnings);
}

#[test]
fn masks_beyond_f16_are_right_on_every_road() {
    let Some(gpu) = adapter::open("weights beyond f16") else { return };
    for (name, onnx) in nets() {
        let made = Made::new(&onnx);
        let input = picture(8, 8);
        let expected = expected(&onnx, &input);
        let off = apart(&made.remote(&input), &expected);
        assert!(off < 1e-5, "{name}, remote: {off}");
        for precision in [Precision::F32, Precision::F16] {
            let (mask, report) = made.local(&input, precision);
            let off = apart(&mask, &expected);
            assert!(off < 1e-5, "{name}, {}: {off}", precision.name());
            let reason = report.fallback.unwrap_or_default();
            let must_say = precision == Precision::F16 && gpu.info().f16;
            assert_eq!(reason.contains("cannot hold weight"), must_say, "{name}: {reason}");
        }
    }
}

#[test]
fn folded_normalization_beyond_f16_stays_in_f32() {
    // 1e-10 is a variance of a channel that hardly moves: its factor is 1e5, its folded weights 5e4 to 1e5.
    let onnx = net(|file| {
        file.floats("gamma", &[2], &[1.0, 1.0])
            .floats("beta", &[2], &[0.0, 0.0])
            .floats("mean", &[2], &[0.1, 0.1])
            .floats("var", &[2], &[1e-10, 1.0])
            .node("BatchNormalization", &["c", "gamma", "beta", "mean", "var"], &["m"], vec![float("epsilon", 0.0)])
    });
    let made = Made::new(&onnx);
    assert_eq!(dtype(&made.weights(), &made, "w"), DType::F32);
    let input = picture(8, 8);
    assert!(apart(&made.reference(&input), &expected(&onnx, &input)) < 1e-3);
    assert!(made.converted.warnings[0].ends_with(": w"), "{:?}", made.converted.warnings);
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_name() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let onnx = net(|file| {
            file.floats("strange", &[2, 1, 1], &[1.0, value]).node("Mul", &["c", "strange"], &["m"], vec![])
        });
        let folder = tempfile::tempdir().unwrap();
        let refused = convert(&onnx, &folder.path().join("net"), &ConvertOptions::new("net")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadModel);
        assert!(refused.message().contains("strange") && refused.message().contains("value 1"), "{refused}");
    }
}
