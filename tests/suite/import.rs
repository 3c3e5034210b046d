//! The importer as a runtime of the golden cases: the ONNX files themselves, against ONNX Runtime's answers.

use crate::compare::compare;
use crate::golden;
use crate::problem::Problem;
use headwater::import::{ImportOptions, import_onnx};
use headwater::reference;
use headwater::tensor::Tensor;
use std::path::Path;

/// One output of a case, by way of its ONNX file. An import keeps one output and the inputs that it needs.
fn run(file: &[u8], problem: &Problem, output: &str) -> headwater::Result<Tensor> {
    let options = ImportOptions { output: Some(output.to_owned()), ..ImportOptions::default() };
    let imported = import_onnx(file, &options)?;
    let given = |id: &usize| {
        let name = &imported.graph.tensors[*id].name;
        let of_case = problem.graph.inputs.iter().position(|&input| problem.graph.tensors[input].name == *name);
        problem.inputs[of_case.unwrap_or_else(|| panic!("{}: no input {name:?}", problem.name))].clone()
    };
    let inputs: Vec<Tensor> = imported.graph.inputs.iter().map(given).collect();
    let mut made = reference::run(&imported.graph, &imported.weights, &inputs)?;
    Ok(made.remove(0))
}

#[test]
fn imported_files_give_what_onnx_runtime_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/operators");
    let cases = golden::cases();
    let files = std::fs::read_dir(&folder).unwrap();
    let onnx = files.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "onnx"));
    assert_eq!(onnx.count(), cases.len(), "a file for each case and a case for each file");
    let mut failures = Vec::new();
    for (problem, expected) in &cases {
        let file = std::fs::read(folder.join(format!("{}.onnx", problem.name))).unwrap();
        for (&id, expected) in problem.graph.outputs.iter().zip(expected) {
            let output = &problem.graph.tensors[id].name;
            let result = match run(&file, problem, output) {
                Ok(found) => compare(problem, f64::from(f32::EPSILON), std::slice::from_ref(expected), &[found]),
                Err(e) => Err(format!("{}: {e:?}", problem.name)),
            };
            failures.extend(result.err().map(|message| format!("{output}: {message}")));
        }
    }
    assert!(failures.is_empty(), "{} outputs are wrong:\n{}", failures.len(), failures.join("\n"));
}
