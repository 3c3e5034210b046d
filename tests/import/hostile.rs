//! Files that lie must end in an error, never in a panic.

use crate::import;
use crate::onnx::{Onnx, int, ints, string};
use crate::weights::norm;
use headwater::import::{ImportOptions, import_onnx};
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
