//! Where results are written: files that are whole or not there, and what else a path may name.
//!
//! A file is made beside its place and renamed into it. That is right for plain files only, so a [`Destination`]
//! looks first: links are followed, a device, pipe or socket is written into, and a file that must stay the same file
//! (because it has other names, another owner, or a folder that cannot be written) gets its new content in place.

mod destination;
mod identity;
mod names;
#[cfg(not(unix))]
#[path = "files/other.rs"]
mod system;
#[cfg(unix)]
#[path = "files/unix.rs"]
mod system;
#[cfg(all(test, unix))]
mod tests;
mod unfinished;

pub use destination::Destination;
pub use identity::Identity;
pub(crate) use unfinished::Scratch;
pub use unfinished::discard_unfinished;

use crate::error::Result;
use std::path::Path;

/// Writes `bytes` to `path`, all or nothing where `path` is a plain file or new. What was there before stays until
/// the new file is whole.
///
/// # Errors
/// Those of [`Destination::of`] and [`Destination::write`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    Destination::of(path)?.write(bytes)
}

/// Has `write` make a file at the path it is given, and moves that file to `path` (or, where `path` is a pipe or the
/// like, its bytes) only when it is whole.
///
/// # Errors
/// Those of [`Destination::of`] and [`Destination::write_with`].
pub fn write_whole_with(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    Destination::of(path)?.write_with(write)
}
