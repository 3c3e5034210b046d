//! The pictures of one run: files, folders and standard input.

use headwater::image::Picture;
use headwater::{Error, ErrorKind, Result};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// The largest picture file that is read.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// What a picture's file in a folder is called.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// Where one picture comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

/// The pictures that `arguments` name, in their order: those of a folder by name, and not those of folders in it.
///
/// A folder without pictures is an error; a file that is not there is found out when it is read.
pub(super) fn collect(arguments: &[PathBuf]) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in arguments {
        if path.as_os_str() == "-" {
            if inputs.contains(&Input::Stdin) {
                return Err(Error::new(ErrorKind::BadArgument, "- is given twice: standard input has one picture"));
            }
            if io::stdin().is_terminal() {
                return Err(Error::new(ErrorKind::BadArgument, "- is a terminal: expected a picture in a pipe"));
            }
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            inputs.extend(in_folder(path)?.into_iter().map(Input::File));
        } else {
            inputs.push(Input::File(path.clone()));
        }
    }
    Ok(inputs)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |e| unreadable(&folder.display().to_string(), e);
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_picture(&path) {
            pictures.push(path);
        }
    }
    if pictures.is_empty() {
        let message = format!("{}: expected JPEG, PNG or WebP files in this folder, found none", folder.display());
        return Err(Error::new(ErrorKind::BadImage, message));
    }
    pictures.sort();
    Ok(pictures)
}

/// By its name, as far as a folder goes; hidden files are left out.
fn is_picture(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    !hidden && extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str())) && path.is_file()
}

impl Input {
    /// For messages.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// For names of files made from it.
    pub(super) fn stem(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    pub(super) fn read(&self) -> Result<Picture> {
        let name = self.name();
        let read = match self {
            Self::Stdin => read_limited(io::stdin().lock()),
            Self::File(path) => File::open(path).and_then(read_limited),
        };
        let bytes = read.map_err(|e| unreadable(&name, e))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            let message = format!("{name}: at most {MAX_FILE_BYTES} bytes are read, found more");
            return Err(Error::new(ErrorKind::BadImage, message));
        }
        Picture::decode(&bytes).map_err(|e| e.context(name))
    }
}

/// One byte more than is allowed tells a file that is too long; pipes and devices have no length to ask for.
fn read_limited(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(name: &str, e: io::Error) -> Error {
    Error::new(ErrorKind::BadImage, format!("{name} cannot be read")).with_source(e)
}
