//! The model file: one `.safetensors` holding the graph and, in execution order, its weights.
//!
//! The header is read first; then only the byte ranges of the weights that a segment needs. Nothing
//! in a file is believed before it has been checked against the header and the file's length.

#[cfg(not(target_arch = "wasm32"))]
mod file;
mod read;
mod source;
mod weights;
#[cfg(not(target_arch = "wasm32"))]
mod write;

pub use read::Model;
pub use source::{ByteSource, MemorySource};
pub use weights::{Weight, Weights};
#[cfg(not(target_arch = "wasm32"))]
pub use write::write_model;

use crate::graph::Graph;
use serde::{Deserialize, Serialize};

/// The key of `__metadata__` under which the manifest stands; its number changes with its form.
pub const MANIFEST_KEY: &str = "headwater.v1";

/// Everything about a model but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Short name, as in URLs and reports: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The canonical graph at the size of [`Preprocess::size`].
    pub graph: Graph,
    /// From pixels to the graph's input.
    pub preprocess: Preprocess,
    /// From the graph's output to an alpha mask.
    pub postprocess: Postprocess,
    /// The splits worth naming, the server's largest share first.
    #[serde(default)]
    pub splits: Vec<NamedSplit>,
    /// Where the weights come from.
    pub source: Source,
    /// SHA-256 of the graph's JSON followed by the weights' bytes, in hex: what both ends compare.
    pub sha256: String,
}

/// From RGB bytes to the input tensor: `(x - mean) / scale` for `x` in 0..=255.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Width, height that the model was made for.
    pub size: [usize; 2],
    /// Red, green, blue.
    pub mean: [f32; 3],
    /// Red, green, blue.
    pub scale: [f32; 3],
}

impl Preprocess {
    /// What the net is given for `level` of channel 0 to 2: red, green, blue.
    pub fn value(&self, channel: usize, level: u8) -> f32 {
        (f32::from(level) - self.mean[channel]) / self.scale[channel]
    }
}

/// How the mask is read off the output, `[1, 1, H, W]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Postprocess {
    /// The output is alpha, 0 to 1.
    Alpha,
    /// The output is a logit: alpha is its sigmoid.
    Logit,
}

/// A cut by tensor names; see [`crate::graph::cuts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedSplit {
    /// For instance `U3`.
    pub name: String,
    /// Tensors that travel to the server.
    pub up: Vec<String>,
    /// Tensors that travel back; the graph's outputs when the server finishes.
    pub down: Vec<String>,
}

/// Provenance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Package, version and path, or the file that was converted.
    pub origin: String,
    /// SPDX expression, or `unknown`.
    pub licence: String,
    /// SHA-256 of the file that was converted, in hex.
    pub sha256: String,
}
