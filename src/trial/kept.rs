//! Where outcomes of trials are kept: one small file of this machine's, for all its devices.

use crate::error::{Result, error};
use crate::files::write_whole;
use crate::gpu::AdapterInfo;
use crate::kernels::Tuning;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Tunings by device, as they lie in a file.
#[derive(Debug)]
pub struct Kept {
    path: PathBuf,
    by_device: BTreeMap<String, Tuning>,
}

impl Kept {
    /// Reads `path`; a file that is not there holds nothing.
    ///
    /// # Errors
    /// `Io` when it cannot be read; `BadArgument` when it is no such file.
    pub fn read(path: &Path) -> Result<Self> {
        let by_device = match std::fs::read(path) {
            // As of `/dev/null`.
            Ok(bytes) if bytes.is_empty() => BTreeMap::new(),
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                error!(BadArgument, "{}: expected tunings by device; delete it or tune anew", path.display())
                    .with_source(e)
            })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(error!(Io, "reading {}", path.display()).with_source(e)),
        };
        Ok(Self { path: path.to_owned(), by_device })
    }

    /// No tunings yet, to be written to `path` over whatever is there.
    pub fn empty(path: &Path) -> Self {
        Self { path: path.to_owned(), by_device: BTreeMap::new() }
    }

    /// What was kept for a device, its driver and this version of the kernels.
    pub fn tuning(&self, adapter: &AdapterInfo) -> Option<Tuning> {
        self.by_device.get(&key(adapter)).copied().filter(Tuning::is_valid)
    }

    /// Keeps what a trial gave.
    ///
    /// # Errors
    /// `Io` when the file or its folder cannot be written.
    pub fn keep(&mut self, adapter: &AdapterInfo, tuning: Tuning) -> Result<()> {
        self.by_device.insert(key(adapter), tuning);
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| error!(Io, "making the folder {}", folder.display()).with_source(e))?;
        }
        let text = serde_json::to_vec_pretty(&self.by_device)
            .map_err(|e| error!(Internal, "a tuning cannot be written").with_source(e))?;
        write_whole(&self.path, &text)
    }
}

/// Other drivers and other kernels are other devices.
fn key(adapter: &AdapterInfo) -> String {
    let AdapterInfo { name, backend, driver, .. } = adapter;
    format!("{name}, {backend}, {driver}, headwater {}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::kernels::Loads;

    fn adapter(driver: &str) -> AdapterInfo {
        AdapterInfo {
            name: "a GPU".into(),
            kind: "discrete",
            backend: "vulkan".into(),
            driver: driver.into(),
            f16: false,
        }
    }

    #[test]
    fn what_is_kept_comes_back_for_the_same_device_and_driver() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("tuning.json");
        let mut kept = Kept::read(&path).unwrap();
        assert_eq!(kept.tuning(&adapter("1")), None);
        let tuning = Tuning { loads: Loads::Images, product_rows: 8, ..Tuning::default() };
        kept.keep(&adapter("1"), tuning).unwrap();
        let again = Kept::read(&path).unwrap();
        assert_eq!(again.tuning(&adapter("1")), Some(tuning));
        assert_eq!(again.tuning(&adapter("2")), None);
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_numbers_out_of_range_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning.json");
        std::fs::write(&path, "").unwrap();
        assert_eq!(Kept::read(&path).unwrap().tuning(&adapter("1")), None);
        std::fs::write(&path, "[1, 2]").unwrap();
        assert_eq!(Kept::read(&path).unwrap_err().kind(), ErrorKind::BadArgument);
        let mut kept = Kept::empty(&path);
        kept.keep(&adapter("1"), Tuning { product_rows: 5, ..Tuning::default() }).unwrap();
        assert_eq!(Kept::read(&path).unwrap().tuning(&adapter("1")), None);
    }
}
