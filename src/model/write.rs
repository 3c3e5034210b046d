//! Writing a model file.

use super::{MANIFEST_KEY, Manifest, Weight, Weights};
use crate::error::{Result, error};
use crate::files::write_whole_with;
use crate::graph::Graph;
use crate::tensor::DType;
use safetensors::{Dtype, View};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// A weight about to be written.
struct Stored<'a> {
    weight: &'a Weight,
    dtype: DType,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.dtype {
            DType::F32 => Dtype::F32,
            DType::F16 => Dtype::F16,
        }
    }

    fn shape(&self) -> &[usize] {
        self.weight.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        if self.weight.dtype() == self.dtype {
            return Cow::Borrowed(self.weight.bytes());
        }
        let values = self.weight.to_f32();
        Cow::Owned(match self.dtype {
            DType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            DType::F16 => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
        })
    }

    fn data_len(&self) -> usize {
        self.weight.shape().iter().product::<usize>() * self.dtype.bytes()
    }
}

/// Writes `manifest` and its weights to `path`, all or nothing: the bytes go to a temporary file in
/// the same folder, which takes the name only when it is whole.
///
/// Weights are stored as `dtype`, but in f32 where [`Weight::fits_f16`] says that f16 would lose them. They get
/// their keys in execution order, and `manifest.sha256` is computed here.
///
/// # Errors
/// `Io` when the folder cannot be written; `Internal` when a weight of the graph is missing.
pub fn write_model(path: &Path, mut manifest: Manifest, weights: &Weights, dtype: DType) -> Result<Manifest> {
    let mut named = Vec::with_capacity(manifest.graph.weights.len());
    for (index, spec) in manifest.graph.weights.iter_mut().enumerate() {
        let weight = weights.get(&spec.name)?;
        let dtype = if weight.fits_f16() { dtype } else { DType::F32 };
        let stored = Stored { weight, dtype };
        spec.name = weight_key(index, &spec.name);
        named.push((spec.name.clone(), stored));
    }
    manifest.sha256 = digest(&manifest.graph, &named)?;
    let json = serde_json::to_string(&manifest)
        .map_err(|e| error!(Internal, "the manifest cannot be written").with_source(e))?;
    let metadata = HashMap::from([(MANIFEST_KEY.to_owned(), json)]);
    write_whole_with(path, |temporary| {
        safetensors::serialize_to_file(named, Some(metadata), temporary).map_err(std::io::Error::other)
    })?;
    Ok(manifest)
}

fn digest(graph: &Graph, named: &[(String, Stored<'_>)]) -> Result<String> {
    let mut hash = Sha256::new();
    let json = serde_json::to_vec(graph).map_err(|e| error!(Internal, "the graph cannot be written").with_source(e))?;
    hash.update(json);
    for (_, stored) in named {
        hash.update(stored.data());
    }
    Ok(format!("{:x}", hash.finalize()))
}

/// The key of a weight in the file: a prefix keeps execution order, since the format's common
/// writer sorts by name.
fn weight_key(index: usize, name: &str) -> String {
    format!("{index:05}.{name}")
}
