//! Whether two paths lead to one file.

use super::names::folder_of;
use super::system;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Equal for two names of one file, links of both kinds included, and for two names of one file to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity(What);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum What {
    Stdout,
    /// The numbers of a device and of a file on it.
    Existing(u64, u64),
    /// A folder, links followed, and a name in it.
    New(PathBuf, OsString),
}

impl Identity {
    /// Of the file at `path`, or of the one that would be made there; none where there is no such folder.
    pub fn of(path: &Path) -> Option<Self> {
        if let Some((device, file)) = fs::metadata(path).ok().and_then(|metadata| system::numbers(&metadata)) {
            return Some(Self(What::Existing(device, file)));
        }
        Some(Self(What::New(fs::canonicalize(folder_of(path)).ok()?, path.file_name()?.to_owned())))
    }

    /// Of something open; none of a character device.
    pub(super) fn of_open(file: &File) -> Option<Self> {
        let metadata = file.metadata().ok().filter(|metadata| !system::is_device_metadata(metadata))?;
        system::numbers(&metadata).map(|(device, file)| Self(What::Existing(device, file)))
    }

    /// Of this process's standard output.
    pub(super) fn stdout() -> Self {
        Self(What::Stdout)
    }
}
