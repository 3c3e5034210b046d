//! Files in the making, and how a process that is interrupted takes them away.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// All temporary folders of this process.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    // The list is whole between any two of its operations.
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all temporary folders, for a process that is about to end. From now on this process begins and finishes no
/// file: whoever tries waits for the end.
pub fn discard_unfinished() {
    let folders = folders();
    for folder in folders.iter() {
        // What cannot be removed stays: the process ends all the same.
        let _ = fs::remove_dir_all(folder);
    }
    std::mem::forget(folders);
}

/// A temporary folder, removed when it is dropped and when the process is interrupted.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// Makes one in `folder`, its name beginning with `prefix`.
    pub(crate) fn new(folder: &Path, prefix: &str) -> io::Result<Self> {
        let mut folders = folders();
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(folder)?;
        folders.push(made.path().to_owned());
        Ok(Self(made))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        folders().retain(|other| other != self.0.path());
    }
}

/// A file in the making, in a temporary folder of its own; removed with it unless it is persisted.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// Keeps the folder.
    _folder: Scratch,
    path: PathBuf,
    /// Those of any new file there.
    permissions: Permissions,
}

impl Unfinished {
    /// Begins an empty file in `folder`.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let folder = Scratch::new(folder, ".headwater-")?;
        let path = folder.path().join("unfinished");
        let permissions = File::create(&path)?.metadata()?.permissions();
        Ok(Self { _folder: folder, path, permissions })
    }

    /// Where the bytes go; a file made anew under this name is as good.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings it to the disk, with the permissions of any new file: a library may have put a private one there.
    pub(super) fn sync(&self) -> io::Result<()> {
        let file = File::options().write(true).open(&self.path)?;
        file.set_permissions(self.permissions.clone())?;
        file.sync_all()
    }

    /// Gives it the owner and permissions of the file that it is to replace.
    pub(super) fn dress_as(&self, existing: &Metadata) -> io::Result<()> {
        super::system::dress(&File::options().write(true).open(&self.path)?, existing)
    }

    /// Gives it its name, taking that from whatever file had it.
    pub(super) fn persist(&self, path: &Path) -> io::Result<()> {
        // Held, so that an interrupt comes before or after.
        let _folders = folders();
        fs::rename(&self.path, path)
    }
}
