//! The model's file on the command line.

use headwater::{Error, ErrorKind};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The model's file, or a sentence on where one comes from.
pub(crate) fn open_model(path: &Path) -> anyhow::Result<File> {
    // Looked at first: a folder can be opened and not read, and opening a pipe waits for whoever writes into it.
    let opened = fs::metadata(path).and_then(|metadata| match metadata.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("expected a file")),
    });
    opened.map_err(|e| {
        let message = format!("model {} cannot be read (`headwater pull isnet` fetches one)", path.display());
        Error::new(ErrorKind::BadArgument, message).with_source(e).into()
    })
}
