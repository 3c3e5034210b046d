//! Files that are whole or not there.

use crate::error::{Result, error};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to `path`, all or nothing. What was there before stays until then.
///
/// # Errors
/// `Io` when the folder cannot be written, naming the path.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, |temporary| File::create(temporary)?.write_all(bytes))
}

/// Has `write` make a file at the path it is given, in the folder of `path`, and gives that file the name
/// only when it is whole and on the disk.
///
/// # Errors
/// `Io` when `write` fails or the folder cannot be written, naming the path.
pub fn write_whole_with(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let failed = |e: std::io::Error| error!(Io, "writing {}", path.display()).with_source(e);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // As any new file: readable as the umask says, not only by its owner.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(folder).map_err(failed)?;
    let permissions = file.as_file().metadata().map_err(failed)?.permissions();
    write(file.path()).map_err(failed)?;
    // A library may have put a file of its own, private to its owner, under that name.
    let written = File::options().write(true).open(file.path()).map_err(failed)?;
    written.set_permissions(permissions).map_err(failed)?;
    written.sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}
