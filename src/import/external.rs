//! Weights outside the ONNX file, as PyTorch writes them since version 2.9: `net.onnx.data` beside `net.onnx`.
//!
//! The ONNX file names the other file, and its author is a stranger. So only plain files in the ONNX file's own
//! folder are read, only the ranges that tensors name, and no more than the files hold.
//!
//! Form: <https://github.com/onnx/onnx/blob/main/docs/ExternalData.md>.

use crate::error::{Error, Result, bail, error};
use crate::files::Identity;
use rten_onnx::onnx::TensorProto;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

/// Bytes that are read in all. The largest segmentation nets have some gigabytes in f32.
const MAX_BYTES: u64 = 8 << 30;

/// What every message about other files recommends.
const REMEDY: &str = "export with torch.onnx.export(..., external_data=False) to have everything in one file";

/// Where weights that are not in the ONNX file may be read from.
#[derive(Default)]
pub(super) struct External {
    /// Folders without links in their paths: the ONNX file's, and that of the file which it is a link to.
    folders: Vec<PathBuf>,
    open: RefCell<Open>,
}

#[derive(Default)]
struct Open {
    /// The length of each file that was read.
    files: HashMap<PathBuf, u64>,
    read_bytes: u64,
}

/// Where a tensor's bytes lie.
struct Place<'a> {
    location: &'a str,
    offset: u64,
    length: Option<u64>,
}

impl External {
    /// Nowhere: for ONNX files that are not files.
    pub(super) fn nowhere() -> Self {
        Self::default()
    }

    /// Beside the ONNX file at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let folder = |path: &Path| match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.canonicalize().ok(),
            _ => Path::new(".").canonicalize().ok(),
        };
        // Download caches link to files elsewhere, whose neighbours are the right ones too.
        let target = path.canonicalize().ok();
        let folders = [Some(path), target.as_deref()].into_iter().flatten().filter_map(folder).collect();
        Self { folders, open: RefCell::default() }
    }

    /// Forgets what was read: before the ONNX file is read once more.
    pub(super) fn rewind(&self) {
        *self.open.borrow_mut() = Open::default();
    }

    /// Whether `path` is one of the files that weights were read from.
    pub(super) fn has_read(&self, path: &Path) -> bool {
        let Some(identity) = Identity::of(path) else { return false };
        self.open.borrow().files.keys().any(|file| Identity::of(file).is_some_and(|read| read == identity))
    }

    /// The `expected` bytes of `tensor`.
    ///
    /// # Errors
    /// `BadModel` for a file that is missing, lies elsewhere, or does not hold them; `Io` when reading fails.
    pub(super) fn read(&self, tensor: &TensorProto, expected: u64) -> Result<Vec<u8>> {
        let place = place(tensor)?;
        if self.folders.is_empty() {
            bail!(
                BadModel,
                "its data lie in another file, {:?}: expected a single ONNX file; {REMEDY}",
                place.location
            );
        }
        let about = |e: Error| e.context(format!("its data in {:?}", place.location));
        self.read_place(&place, expected).map_err(about)
    }

    fn read_place(&self, place: &Place<'_>, expected: u64) -> Result<Vec<u8>> {
        if place.length.is_some_and(|length| length != expected) {
            bail!(BadModel, "expected a length of {expected} bytes, found {}", place.length.unwrap_or(0));
        }
        let path = self.find(place.location)?;
        // Before it is opened: opening a pipe waits for its other end.
        if !path.metadata().map_err(failed)?.is_file() {
            bail!(BadModel, "expected a plain file, found something else");
        }
        let mut file = File::open(&path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if place.offset.checked_add(expected).is_none_or(|end| end > bytes) {
            bail!(BadModel, "expected {expected} bytes from {} on, found a file of {bytes} bytes", place.offset);
        }
        // Tensors may share bytes; but a small file does not become a large net by naming one range often.
        let open = &mut *self.open.borrow_mut();
        open.files.insert(path, bytes);
        open.read_bytes = open.read_bytes.saturating_add(expected);
        let total_bytes = open.files.values().fold(0u64, |sum, &bytes| sum.saturating_add(bytes));
        if open.read_bytes > total_bytes.saturating_mul(2).min(MAX_BYTES) {
            bail!(BadModel, "expected tensors of at most {MAX_BYTES} bytes and twice what the files hold, found more");
        }
        let length = usize::try_from(expected).map_err(|_| error!(BadModel, "{expected} bytes are too many"))?;
        let mut data = vec![0; length];
        file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut data)).map_err(failed)?;
        Ok(data)
    }

    /// The path, without links, of the file called `location` in one of the folders.
    fn find(&self, location: &str) -> Result<PathBuf> {
        let path = Path::new(location);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if location.is_empty() || !inside {
            bail!(
                BadModel,
                "expected the name of a file in the ONNX file's folder, without \"..\" and no leading \"/\""
            );
        }
        let Some(found) = self.folders.iter().find_map(|folder| folder.join(path).canonicalize().ok()) else {
            bail!(
                BadModel,
                "expected this file beside the ONNX file, found none: keep them in one folder, or {REMEDY}"
            );
        };
        if !self.folders.iter().any(|folder| found.starts_with(folder)) {
            bail!(BadModel, "expected a file in the ONNX file's folder, found a link that leads out of it");
        }
        Ok(found)
    }
}

fn failed(e: std::io::Error) -> Error {
    error!(Io, "reading").with_source(e)
}

fn place(tensor: &TensorProto) -> Result<Place<'_>> {
    let entry = |key: &str| {
        let found = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
        found.and_then(|entry| entry.value.as_deref())
    };
    let number = |key: &str| {
        let parsed = entry(key).map(|text| text.trim().parse::<u64>());
        parsed.transpose().map_err(|_| error!(BadModel, "{key} {:?}: expected bytes", entry(key).unwrap_or("")))
    };
    let Some(location) = entry("location") else {
        bail!(BadModel, "its data lie in another file, and the name of that file is missing");
    };
    Ok(Place { location, offset: number("offset")?.unwrap_or(0), length: number("length")? })
}
