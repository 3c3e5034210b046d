//! What Windows and others know of a file besides its bytes: here, only whether it is a folder.

use super::destination::Kind;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::Path;

pub(super) fn kind(metadata: &Metadata) -> Kind {
    if metadata.is_dir() { Kind::Folder } else { Kind::File }
}

pub(super) fn descriptor_number(_: &Path) -> Option<i32> {
    None
}

pub(super) fn descriptor(_: i32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn numbers(_: &Metadata) -> Option<(u64, u64)> {
    None
}

pub(super) fn has_other_names(_: &Metadata) -> bool {
    false
}

pub(super) fn is_device(_: &Path) -> bool {
    false
}

pub(super) fn is_device_metadata(_: &Metadata) -> bool {
    false
}

pub(super) fn is_stdout(_: &Metadata) -> bool {
    false
}

/// No file here stands for standard output; `-` is not supported.
pub(super) fn stdout() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn connect(_: &Path) -> io::Result<Box<dyn Write>> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn dress(file: &File, like: &Metadata) -> io::Result<()> {
    file.set_permissions(like.permissions())
}
