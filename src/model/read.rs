//! Reading a model file whose author is a stranger.

use super::{ByteSource, MANIFEST_KEY, Manifest, Weight, Weights};
use crate::error::{Result, bail, error};
use crate::graph::Graph;
use crate::tensor::DType;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The largest header believed. IS-Net's is 0.2 MB.
const MAX_HEADER_BYTES: u64 = 8 << 20;

/// Unwanted bytes that are read along rather than asked around in a request of their own.
const GAP_BYTES: u64 = 64 << 10;

/// A model file's header, checked: the manifest and where each weight lies.
#[derive(Debug, Clone)]
pub struct Model {
    /// The graph and what goes with it.
    pub manifest: Manifest,
    locations: HashMap<String, Location>,
}

#[derive(Debug, Clone)]
struct Location {
    dtype: DType,
    shape: Vec<usize>,
    /// In the file.
    bytes: Range<u64>,
}

impl Model {
    /// Reads and checks the header.
    ///
    /// # Errors
    /// `BadModel` when the file is not a whole safetensors file with a valid manifest; the source's own errors.
    pub async fn open(source: &impl ByteSource) -> Result<Self> {
        let file_bytes = source.len();
        if file_bytes < 8 {
            bail!(BadModel, "expected a .safetensors file, found {file_bytes} bytes");
        }
        let prefix = source.read(0..8).await?;
        let header_bytes = <[u8; 8]>::try_from(prefix).map(u64::from_le_bytes).unwrap_or(u64::MAX);
        if header_bytes > MAX_HEADER_BYTES || header_bytes > file_bytes - 8 {
            bail!(BadModel, "a header of {header_bytes} bytes in a file of {file_bytes} is no .safetensors file");
        }
        let header = source.read(8..8 + header_bytes).await?;
        Self::parse(&header, file_bytes)
    }

    /// Checks a header's JSON against the length of its file.
    ///
    /// # Errors
    /// `BadModel` or `BadShape`, saying what was expected and what was found.
    pub fn parse(header: &[u8], file_bytes: u64) -> Result<Self> {
        let metadata =
            read_header(header).map_err(|e| error!(BadModel, "the safetensors header is invalid").with_source(e))?;
        let start = header.len() as u64 + 8;
        let mut locations = HashMap::new();
        let mut end = start;
        for (name, info) in metadata.tensors() {
            let dtype = match info.dtype {
                Dtype::F32 => DType::F32,
                Dtype::F16 => DType::F16,
                other => bail!(BadModel, "weight {name:?}: expected F32 or F16, found {other:?}"),
            };
            let bytes = start + info.data_offsets.0 as u64..start + info.data_offsets.1 as u64;
            end = end.max(bytes.end);
            locations.insert(name, Location { dtype, shape: info.shape.clone(), bytes });
        }
        if end != file_bytes {
            bail!(BadModel, "the header speaks of {end} bytes, the file has {file_bytes}");
        }
        let manifest =
            metadata.metadata().as_ref().and_then(|entries| entries.get(MANIFEST_KEY)).ok_or_else(|| {
                error!(BadModel, "no {MANIFEST_KEY:?} in the metadata: not made by `headwater convert`")
            })?;
        let manifest: Manifest =
            read_json(manifest.as_bytes()).map_err(|e| error!(BadModel, "the manifest is invalid").with_source(e))?;
        let model = Self { manifest, locations };
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<()> {
        let Manifest { graph, preprocess, splits, name, .. } = &self.manifest;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            bail!(BadModel, "model name {name:?}: expected up to 64 letters, digits, '-', '_' or '.'");
        }
        graph.validate()?;
        for weight in &graph.weights {
            let Some(location) = self.locations.get(&weight.name) else {
                bail!(BadModel, "weight {:?} is in the graph and not in the file", weight.name);
            };
            if location.shape != weight.shape {
                bail!(BadModel, "weight {:?}: graph {:?}, file {:?}", weight.name, weight.shape, location.shape);
            }
        }
        let [width, height] = preprocess.size;
        let input = graph.inputs.first().map(|&id| graph.tensors[id].shape.as_slice());
        if graph.inputs.len() != 1 || input != Some(&[1, 3, height, width]) {
            bail!(BadModel, "expected one input of shape [1, 3, {height}, {width}], found {input:?}");
        }
        let outputs: Vec<&[usize]> = graph.outputs.iter().map(|&id| graph.tensors[id].shape.as_slice()).collect();
        if !matches!(outputs[..], [[1, 1, _, _]]) {
            bail!(BadModel, "expected one output of shape [1, 1, H, W], found {outputs:?}");
        }
        if preprocess.scale.iter().chain(&preprocess.mean).any(|value| !value.is_finite())
            || preprocess.scale.contains(&0.0)
        {
            bail!(BadModel, "preprocessing {preprocess:?} divides by zero or is not finite");
        }
        for split in splits {
            for tensor in split.up.iter().chain(&split.down) {
                graph.tensor(tensor).map_err(|e| e.context(format!("split {:?}", split.name)))?;
            }
        }
        Ok(())
    }

    /// Bytes that the weights of `graph`, a segment of this model, take in the file.
    ///
    /// # Errors
    /// `Mismatch` when a weight is not in this model.
    pub fn weight_bytes(&self, graph: &Graph) -> Result<u64> {
        let mut sum = 0;
        for weight in &graph.weights {
            sum += self.stored_bytes(&weight.name)?;
        }
        Ok(sum)
    }

    /// Bytes that one weight takes in the file.
    ///
    /// # Errors
    /// `Mismatch` when it is not in this model.
    pub fn stored_bytes(&self, weight: &str) -> Result<u64> {
        self.location(weight).map(|location| location.bytes.end - location.bytes.start)
    }

    /// The byte ranges that hold the weights of the given segments, nearby ones joined.
    ///
    /// # Errors
    /// `Mismatch` when a weight is not in this model.
    pub fn weight_ranges(&self, graphs: &[&Graph]) -> Result<Vec<Range<u64>>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for weight in graphs.iter().flat_map(|graph| &graph.weights) {
            let range = self.location(&weight.name)?.bytes.clone();
            // Put in its place: a sort of its own is 3 kB of Wasm.
            ranges.insert(ranges.partition_point(|other| other.start < range.start), range);
        }
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match joined.last_mut() {
                Some(last) if range.start <= last.end + GAP_BYTES => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Ok(joined)
    }

    /// Reads the weights of the given segments, and nothing else but small gaps between them.
    ///
    /// # Errors
    /// `Mismatch` when a weight is not in this model; the source's own errors.
    pub async fn load(&self, source: &impl ByteSource, graphs: &[&Graph]) -> Result<Weights> {
        let mut weights = Weights::default();
        let wanted: Vec<&str> =
            graphs.iter().flat_map(|graph| &graph.weights).map(|weight| weight.name.as_str()).collect();
        for range in self.weight_ranges(graphs)? {
            let bytes = Arc::new(source.read(range.clone()).await?);
            for name in &wanted {
                let location = self.location(name)?;
                if location.bytes.start >= range.start && location.bytes.end <= range.end {
                    let start = (location.bytes.start - range.start) as usize;
                    let end = (location.bytes.end - range.start) as usize;
                    let weight = Weight::new(location.shape.clone(), location.dtype, bytes.clone(), start..end)
                        .map_err(|e| e.context(format!("weight {name:?}")))?;
                    weights.insert(*name, weight);
                }
            }
        }
        Ok(weights)
    }

    fn location(&self, name: &str) -> Result<&Location> {
        self.locations.get(name).ok_or_else(|| error!(Mismatch, "weight {name:?} is not in this model"))
    }
}

/// The header's own form, which is the crate's to check: offsets in order, without gaps, fitting the shapes.
fn read_header(header: &[u8]) -> std::result::Result<Metadata, Box<dyn std::error::Error + Send + Sync>> {
    let mut entries: Map<String, Value> = serde_json::from_slice(header)?;
    let metadata = entries.remove("__metadata__").map(serde_json::from_value).transpose()?;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let info: TensorInfo = serde_json::from_value(entry).map_err(|e| format!("tensor {name:?}: {e}"))?;
        tensors.push((name, info));
    }
    tensors.sort_unstable_by_key(|(_, info)| info.data_offsets);
    Ok(Metadata::new(metadata, tensors)?)
}

/// By way of a JSON value: see [`crate::graph::op`] for what that saves.
fn read_json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::from_slice(text)?)
}
