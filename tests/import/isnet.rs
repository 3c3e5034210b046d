//! The real files, where somebody has pulled them: set HEADWATER_ONNX_DIR to a folder that holds
//! `medium.onnx` and `small.onnx`, joined from the package in `models/known.json`.

use crate::import;
use headwater::graph::Op;
use headwater::import::Imported;
use headwater::pull;
use std::path::PathBuf;

fn read(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("HEADWATER_ONNX_DIR") else {
        eprintln!("SKIPPED: HEADWATER_ONNX_DIR is not set, so {name} is not imported");
        return None;
    };
    Some(std::fs::read(PathBuf::from(folder).join(name)).unwrap())
}

#[test]
fn both_files_come_out_as_the_same_net() {
    let (Some(medium), Some(small)) = (read("medium.onnx"), read("small.onnx")) else { return };
    let medium = import(&medium);
    let small = import(&small);
    let operators = |imported: &Imported| imported.graph.nodes.iter().map(|node| node.op.clone()).collect::<Vec<_>>();
    assert_eq!(operators(&medium), operators(&small));
    let graph = &medium.graph;
    assert_eq!((graph.weight_values(), graph.macs()), (44_004_737, 159_601_655_808));
    assert_eq!(graph.tensors[graph.inputs[0]].shape, [1, 3, 1024, 1024]);
    let output = &graph.tensors[graph.outputs[0]];
    assert_eq!((output.name.as_str(), output.shape.as_slice()), ("output", &[1, 1, 1024, 1024][..]));
    assert!(graph.nodes.iter().all(|node| match &node.op {
        Op::Resize(resize) => resize.scales.iter().all(|scale| scale.log2().fract() == 0.0),
        _ => true,
    }));
    let half = graph.with_input_size(512, 512).unwrap();
    assert_eq!(half.macs() * 4, graph.macs());
    // Quantising moves a weight by half a step at most; the nets are the same one.
    for (a, b) in graph.weights.iter().zip(&small.graph.weights).take(20) {
        let (a, b) = (medium.weights.get(&a.name).unwrap().to_f32(), small.weights.get(&b.name).unwrap().to_f32());
        let span = b.iter().fold(0f32, |span, value| span.max(value.abs()));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= span / 64.0));
    }
}

#[test]
fn the_converted_file_opens() {
    let Some(onnx) = read("medium.onnx") else { return };
    let known = pull::known("isnet").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("isnet.safetensors");
    let options = pull::convert_options(&known, headwater::tensor::DType::F16);
    let manifest = headwater::import::convert(&onnx, &out, &options).unwrap().manifest;
    assert_eq!(manifest.source.sha256, known.sha256);
    let file = std::fs::File::open(&out).unwrap();
    let model = pollster::block_on(headwater::model::Model::open(&file)).unwrap();
    assert_eq!(model.manifest, manifest);
    assert_eq!(model.weight_bytes(&manifest.graph).unwrap(), 2 * manifest.graph.weight_values());
}
