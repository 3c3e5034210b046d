//! Files that are whole or not there.

use crate::error::{Result, error};
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path`, all or nothing: they go to a temporary file in the same folder, which
/// takes the name only when it is whole. What was there before stays until then.
///
/// # Errors
/// `Io` when the folder cannot be written, naming the path.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| error!(Io, "writing {}", path.display()).with_source(e);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any new file: readable as the umask says, not only by its owner.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}
