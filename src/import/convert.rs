//! From an ONNX file to a model file.

use super::ImportOptions;
use super::external::External;
use super::pixels;
use crate::error::{Result, bail};
use crate::graph::Graph;
use crate::graph::cuts::named_splits;
use crate::model::{Manifest, Postprocess, Preprocess, Source, Weights, write_model};
use crate::tensor::DType;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Tensors that a warning names.
const NAMED: usize = 5;

/// What goes into a model file beside the net.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// Short name: up to 64 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Red, green, blue, as in [`Preprocess::mean`].
    pub mean: [f32; 3],
    /// Red, green, blue, as in [`Preprocess::scale`].
    pub scale: [f32; 3],
    /// How the mask is read off the output.
    pub postprocess: Postprocess,
    /// How weights are stored; those that f16 cannot hold are stored in f32 all the same.
    pub dtype: DType,
    /// Where the ONNX file comes from, for [`Source::origin`].
    pub origin: String,
    /// SPDX expression, or `unknown`.
    pub licence: String,
    /// The output that is the mask; the file's first when `None`.
    pub output: Option<String>,
    /// Width and height of the picture; the file's when `None`.
    pub size: Option<[usize; 2]>,
}

impl ConvertOptions {
    /// `name`, and for the rest what suits a net that takes `x / 255` and gives alpha: f16 weights, the
    /// file's first output and its size, origin and licence unknown.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mean: [0.0; 3],
            scale: [255.0; 3],
            postprocess: Postprocess::Alpha,
            dtype: DType::F16,
            origin: "unknown".to_owned(),
            licence: "unknown".to_owned(),
            output: None,
            size: None,
        }
    }
}

/// A model's name made of any text, such as a downloaded file's stem: `RMBG-1.4 (1)` becomes `RMBG-1.4-1`.
pub fn fit_name(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
    let words: Vec<&str> = text.split(|c| !plain(c)).filter(|word| !word.is_empty()).collect();
    // Only ASCII is left.
    let mut name = words.join("-");
    name.truncate(64);
    let name = name.trim_matches(|c| c == '-' || c == '.');
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// A model file that was written.
#[derive(Debug, Clone)]
pub struct Converted {
    /// As it stands in the file.
    pub manifest: Manifest,
    /// What went well and may not be what was wanted, a sentence each.
    pub warnings: Vec<String>,
}

/// Converts an ONNX file to a model file at `out`, all or nothing.
///
/// # Errors
/// As [`super::import_onnx`]; `BadModel` when the net does not take one picture `[1, 3, H, W]` and give one mask
/// `[1, 1, H', W']`; `BadArgument` for preprocessing that divides by zero; `Io` when `out` cannot be written.
pub fn convert(onnx: &[u8], out: &Path, options: &ConvertOptions) -> Result<Converted> {
    convert_from(onnx, &External::nowhere(), out, options)
}

/// As [`convert`], for an ONNX file at `path` whose weights may lie in files beside it.
///
/// # Errors
/// As [`super::import_onnx_file`] and [`convert`].
pub fn convert_file(path: &Path, out: &Path, options: &ConvertOptions) -> Result<Converted> {
    convert_from(&super::read_file(path)?, &External::beside(path), out, options)
}

fn convert_from(onnx: &[u8], external: &External, out: &Path, options: &ConvertOptions) -> Result<Converted> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if options.name.is_empty() || options.name.len() > 64 || !options.name.chars().all(plain) {
        let fit = fit_name(&options.name);
        bail!(
            BadArgument,
            "model name {:?}: expected 1 to 64 letters, digits, '-', '_' or '.', such as {fit:?}",
            options.name
        );
    }
    let numbers = options.mean.iter().chain(&options.scale);
    if numbers.into_iter().any(|value| !value.is_finite()) || options.scale.contains(&0.0) {
        bail!(
            BadArgument,
            "mean {:?}, scale {:?}: expected finite numbers and no zero scale",
            options.mean,
            options.scale
        );
    }
    let wanted = ImportOptions { output: options.output.clone(), size: options.size };
    let imported = super::import(onnx, external, &wanted)?;
    let graph = imported.graph;
    let shape = |ids: &[usize]| ids.iter().map(|&id| graph.tensors[id].shape.clone()).collect::<Vec<_>>();
    let (inputs, outputs) = (shape(&graph.inputs), shape(&graph.outputs));
    let [[1, 3, height, width]] = inputs.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] else {
        let names: Vec<&str> = graph.inputs.iter().map(|&id| graph.tensors[id].name.as_str()).collect();
        bail!(BadModel, "inputs {names:?}: expected one of shape [1, 3, H, W], found {inputs:?}");
    };
    let (height, width) = (*height, *width);
    let name = |ids: &[usize]| ids.first().map_or("", |&id| graph.tensors[id].name.as_str());
    if !matches!(outputs[..], [ref mask] if matches!(mask[..], [1, 1, _, _])) {
        bail!(
            BadModel,
            "output {:?}: expected a mask of shape [1, 1, H, W], found {:?}; --mask-output takes another output",
            name(&graph.outputs),
            outputs.first().map(Vec::as_slice).unwrap_or_default()
        );
    }
    let manifest = Manifest {
        name: options.name.clone(),
        preprocess: Preprocess { size: [width, height], mean: options.mean, scale: options.scale },
        postprocess: options.postprocess,
        splits: named_splits(&graph),
        source: Source {
            origin: options.origin.clone(),
            licence: options.licence.clone(),
            sha256: format!("{:x}", Sha256::digest(onnx)),
        },
        sha256: String::new(),
        graph,
    };
    let mut warnings = imported.warnings;
    warnings.extend(pixels::doubts(&options.mean, &options.scale));
    warnings.extend(pixels::doubts_of_output(&manifest.graph, options.postprocess));
    if options.dtype == DType::F16 {
        warnings.extend(beyond_f16(&manifest.graph, &imported.weights)?);
    }
    if external.has_read(out) {
        bail!(BadArgument, "{} holds weights of the ONNX file: expected another name", out.display());
    }
    let manifest = write_model(out, manifest, &imported.weights, options.dtype)?;
    Ok(Converted { manifest, warnings })
}

/// What is said of weights that stay in f32 although f16 was asked for.
fn beyond_f16(graph: &Graph, weights: &Weights) -> Result<Option<String>> {
    let mut names = Vec::new();
    for spec in &graph.weights {
        if !weights.get(&spec.name)?.fits_f16() {
            names.push(spec.name.as_str());
        }
    }
    if names.is_empty() {
        return Ok(None);
    }
    let more = if names.len() > NAMED { ", ..." } else { "" };
    let (kept, total) = (names.len(), graph.weights.len());
    names.truncate(NAMED);
    Ok(Some(format!(
        "{kept} of {total} weight tensors stay in f32, since f16 cannot hold their values: {}{more}",
        names.join(", ")
    )))
}
