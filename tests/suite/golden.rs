//! Problems with ONNX Runtime's answers: `tests/golden/operators`, made by `make_operators.py`.

use crate::problem::{Problem, Tolerance};
use headwater::graph::{Graph, TensorId, WeightId};
use headwater::model::{Weight, Weights};
use headwater::tensor::Tensor;
use safetensors::SafeTensors;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Case {
    name: String,
    graph: Graph,
}

/// Every golden case and the outputs expected of it.
pub(crate) fn cases() -> Vec<(Problem, Vec<Tensor>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/operators/cases.safetensors");
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let listing = &metadata.metadata().as_ref().unwrap()["cases"];
    let cases: Vec<Case> = serde_json::from_str(listing).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    cases.into_iter().map(|case| load(case, &tensors)).collect()
}

fn load(Case { name, graph }: Case, tensors: &SafeTensors<'_>) -> (Problem, Vec<Tensor>) {
    graph.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
    let stored = |kind: &str, tensor: &str| {
        let view = tensors.tensor(&format!("{name}/{kind}/{tensor}")).unwrap();
        let (values, []) = view.data().as_chunks::<4>() else { panic!("{name}: {tensor} is not f32") };
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Tensor::new(view.shape().to_vec(), values).unwrap()
    };
    let activation = |kind: &str, id: TensorId| stored(kind, &graph.tensors[id].name);
    let mut weights = Weights::default();
    let constant = |id: WeightId| {
        let tensor = stored("weight", &graph.weights[id].name);
        Weight::from_f32(tensor.shape().to_vec(), tensor.data()).unwrap()
    };
    for (id, spec) in graph.weights.iter().enumerate() {
        weights.insert(spec.name.as_str(), constant(id));
    }
    let inputs = graph.inputs.iter().map(|&id| activation("input", id)).collect();
    let outputs = graph.outputs.iter().map(|&id| activation("output", id)).collect();
    let tolerance = Tolerance::of(&graph);
    (Problem { name, graph, weights, inputs, tolerance }, outputs)
}
