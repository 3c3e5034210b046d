//! What paths lead to: links and folders.

use super::system;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many links a path may go through, as in Linux.
const MAX_LINKS: usize = 40;

/// Where links lead.
pub(super) enum End {
    /// A number under which this process has something open.
    Descriptor(i32),
    /// No link, and perhaps nothing yet.
    Path(PathBuf),
}

/// Follows all links, the last of which may lead to nothing yet.
pub(super) fn end_of_links(path: &Path) -> io::Result<End> {
    let mut at = path.to_owned();
    for _ in 0..=MAX_LINKS {
        if let Some(number) = system::descriptor_number(&at) {
            return Ok(End::Descriptor(number));
        }
        match fs::symlink_metadata(&at) {
            Ok(metadata) if metadata.is_symlink() => at = folder_of(&at).join(fs::read_link(&at)?),
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => return Ok(End::Path(at)),
        }
    }
    Err(io::Error::other(format!("expected at most {MAX_LINKS} links, each to the next; found more, or a circle")))
}

/// The folder that holds `path`.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
