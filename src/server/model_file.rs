//! The model that is served, as a file.

use crate::error::{Result, error};
use crate::graph::Graph;
use crate::model::{ByteSource, Manifest, Model, Weights};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// An open model file. The descriptor is kept, so that replacing the file does not mix two models.
pub struct ModelFile {
    model: Model,
    file: File,
    bytes: u64,
    version: String,
}

impl ModelFile {
    /// # Errors
    /// `Io` when it cannot be opened; `BadModel` when it is not a valid model.
    pub fn open(path: &Path) -> Result<Self> {
        let place = || path.display().to_string();
        let file = File::open(path).map_err(|e| error!(Io, "opening {}", place()).with_source(e))?;
        pollster::block_on(Self::read_header(file)).map_err(|e| e.context(place()))
    }

    async fn read_header(file: File) -> Result<Self> {
        let model = Model::open(&file).await?;
        let bytes = ByteSource::len(&file);
        let length = file.read(0..8).await?;
        let header_bytes = <[u8; 8]>::try_from(length).map_or(0, u64::from_le_bytes);
        let version = Sha256::digest(file.read(8..8 + header_bytes).await?);
        let version = version.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { model, file, bytes, version })
    }

    /// The graph and what goes with it.
    pub fn manifest(&self) -> &Manifest {
        &self.model.manifest
    }

    /// Bytes of the whole file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The SHA-256 of the file's header, in hex, which holds [`Manifest::sha256`] and so stands for the
    /// weights too. Two files with the same graph and weights may differ in the header's other parts.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Exactly the bytes of `range`. Any number of threads may read at a time. Blocks.
    ///
    /// # Errors
    /// `Io` or `BadModel` when the file has become shorter or cannot be read.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        pollster::block_on(self.file.read(range))
    }

    /// Reads the weights of `graph`, a segment of this model. Blocks.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn weights(&self, graph: &Graph) -> Result<Weights> {
        pollster::block_on(self.model.load(&self.file, &[graph]))
    }
}
