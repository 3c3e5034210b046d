//! A Triton model repository that serves one split's body.

use super::to_onnx;
use crate::error::{Result, bail, error};
use crate::files::write_whole;
use crate::graph::Graph;
use crate::model::Weights;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `folder/<model>_<split>/config.pbtxt` and `folder/<model>_<split>/1/model.onnx`, and returns
/// the path of the model's own folder.
///
/// `body` is the server's segment and says the names and shapes that Triton will demand.
///
/// # Errors
/// `BadArgument` when the split's name could not be part of a path; `Io` when the folder cannot be
/// written; those of [`to_onnx`].
pub fn write_repository(folder: &Path, model: &str, split: &str, body: &Graph, weights: &Weights) -> Result<PathBuf> {
    let name = format!("{model}_{split}");
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) || name.starts_with('.') {
        bail!(BadArgument, "model and split {name:?}: expected letters, digits, '-', '_' and '.'");
    }
    let onnx = to_onnx(body, weights)?;
    let home = folder.join(&name);
    let version = home.join("1");
    let failed = |e| error!(Io, "writing {}", home.display()).with_source(e);
    fs::create_dir_all(&version).map_err(failed)?;
    write_whole(&version.join("model.onnx"), &onnx)?;
    write_whole(&home.join("config.pbtxt"), config(&name, body).as_bytes())?;
    Ok(home)
}

/// The configuration in protobuf's text form.
fn config(name: &str, body: &Graph) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "name: {}\nbackend: \"onnxruntime\"\nmax_batch_size: 0", quoted(name));
    for (role, ids) in [("input", &body.inputs), ("output", &body.outputs)] {
        let _ = writeln!(text, "{role} [");
        for (index, &id) in ids.iter().enumerate() {
            let tensor = &body.tensors[id];
            let dims: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
            let comma = if index + 1 < ids.len() { "," } else { "" };
            let (name, dims) = (quoted(&tensor.name), dims.join(", "));
            let _ = writeln!(text, "  {{ name: {name}, data_type: TYPE_FP32, dims: [ {dims} ] }}{comma}");
        }
        let _ = writeln!(text, "]");
    }
    text
}

/// Tensor names come from strangers' files: everything but plain ASCII is written as octal bytes.
fn quoted(name: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TensorSpec;

    #[test]
    fn the_configuration_names_every_tensor() {
        let spec = |name: &str, shape: &[usize]| TensorSpec { name: name.to_owned(), shape: shape.to_vec() };
        let body = Graph {
            tensors: vec![spec("a", &[1, 2, 3, 4]), spec("b\"\\\n", &[1, 5]), spec("out", &[1, 1, 2, 2])],
            weights: vec![],
            nodes: vec![],
            inputs: vec![0, 1],
            outputs: vec![2],
            scaling: Default::default(),
        };
        let expected = "name: \"m_U1\"\nbackend: \"onnxruntime\"\nmax_batch_size: 0\ninput [\n  \
            { name: \"a\", data_type: TYPE_FP32, dims: [ 1, 2, 3, 4 ] },\n  \
            { name: \"b\\\"\\\\\\012\", data_type: TYPE_FP32, dims: [ 1, 5 ] }\n]\noutput [\n  \
            { name: \"out\", data_type: TYPE_FP32, dims: [ 1, 1, 2, 2 ] }\n]\n";
        assert_eq!(config("m_U1", &body), expected);
    }

    #[test]
    fn a_split_cannot_leave_its_folder() {
        let body = Graph {
            tensors: vec![],
            weights: vec![],
            nodes: vec![],
            inputs: vec![],
            outputs: vec![],
            scaling: Default::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        let error = write_repository(folder.path(), "m", "../U1", &body, &Weights::default()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::BadArgument);
    }
}
