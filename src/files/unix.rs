//! What Unix knows of a file besides its bytes.

use super::destination::Kind;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, fchown};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What a file is, as far as writing goes.
pub(super) fn kind(metadata: &Metadata) -> Kind {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Kind::Folder
    } else if kind.is_block_device() {
        Kind::Disk
    } else if kind.is_socket() {
        Kind::Socket
    } else if kind.is_char_device() || kind.is_fifo() {
        Kind::Stream
    } else {
        Kind::File
    }
}

/// The number of this process's descriptor that `path` stands for, as `/dev/fd/1` and `/proc/self/fd/1` do.
pub(super) fn descriptor_number(path: &Path) -> Option<i32> {
    let number = path.file_name()?.to_str()?.parse().ok().filter(|number| *number >= 0)?;
    let folder = path.parent()?;
    let own = format!("/proc/{}/fd", std::process::id());
    (folder == Path::new("/dev/fd") || fs::canonicalize(folder).is_ok_and(|folder| folder == Path::new(&own)))
        .then_some(number)
}

/// The numbers of a file's device and of the file on it: no two files have the same.
pub(super) fn numbers(metadata: &Metadata) -> Option<(u64, u64)> {
    Some((metadata.dev(), metadata.ino()))
}

/// Whether a file has names besides the one that led to it.
pub(super) fn has_other_names(metadata: &Metadata) -> bool {
    metadata.nlink() > 1
}

/// Whether `path` is a character device: it takes any number of writers.
pub(super) fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| is_device_metadata(&metadata))
}

/// Whether this is a character device's.
pub(super) fn is_device_metadata(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device()
}

/// Whether `metadata` is of what this process has as its standard output. A terminal or `/dev/null` is not: it mixes
/// nothing.
pub(super) fn is_stdout(metadata: &Metadata) -> bool {
    let stdout = stdout().and_then(|file| file.metadata());
    stdout.is_ok_and(|stdout| numbers(&stdout) == numbers(metadata)) && !is_device_metadata(metadata)
}

/// This process's standard output, without the buffer that Rust keeps for it.
pub(super) fn stdout() -> io::Result<File> {
    duplicate(io::stdout().as_fd())
}

/// What this process has open under a number. Not opened anew by its path: that would ask for permissions again, and
/// fails for sockets.
pub(super) fn descriptor(number: i32) -> io::Result<File> {
    // Whether there is one, with an error that says so.
    fs::metadata(format!("/dev/fd/{number}"))?;
    // SAFETY: the number is not -1, and the descriptor is borrowed for one call only. Nothing closes it meanwhile: it
    // was opened before this process and belongs to nobody in it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    duplicate(borrowed)
}

fn duplicate(descriptor: BorrowedFd<'_>) -> io::Result<File> {
    descriptor.try_clone_to_owned().map(File::from)
}

/// A connection to the socket at `path`.
pub(super) fn connect(path: &Path) -> io::Result<Box<dyn Write>> {
    UnixStream::connect(path).map(|stream| Box::new(stream) as Box<dyn Write>)
}

/// Gives `file` the owner, the group and the permissions of another one.
pub(super) fn dress(file: &File, like: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    // After the owner: a change of owner takes some permissions away.
    file.set_permissions(like.permissions())
}
