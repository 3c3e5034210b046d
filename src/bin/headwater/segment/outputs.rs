//! Where the results of each picture go, settled before any work is done.

use super::Arguments;
use super::format::{Format, no_background};
use super::inputs::Input;
use headwater::files::{Destination, Identity};
use headwater::{Error, ErrorKind, Result};
use std::collections::{HashMap, HashSet};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// What is written of one picture.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    pub(super) cutout: Option<(Destination, Format)>,
    pub(super) mask: Option<Destination>,
}

impl Outputs {
    pub(super) fn destinations(&self) -> impl Iterator<Item = &Destination> {
        self.cutout.iter().map(|(destination, _)| destination).chain(&self.mask)
    }
}

/// The outputs of each input, no two of them in one place and none in place of an input.
pub(super) fn plan(arguments: &Arguments, inputs: &[Input]) -> Result<Vec<Outputs>> {
    let several = arguments.takes_several(inputs);
    let cutouts = arguments.output.as_deref().map(|path| Place::of(path, several, "-o")).transpose()?;
    let masks = arguments.mask.as_deref().map(|path| Place::of(path, several, "--mask")).transpose()?;
    let format = arguments.format;
    if format == Some(Format::Jpeg) && arguments.background.is_none() {
        return Err(no_background());
    }
    for place in cutouts.iter().chain(&masks) {
        if let Place::Folder(folder) = place {
            std::fs::create_dir_all(folder).map_err(|e| {
                Error::new(ErrorKind::Io, format!("making the folder {}", folder.display())).with_source(e)
            })?;
        }
    }
    let mut names = Names::default();
    let mut outputs = Vec::with_capacity(inputs.len());
    for input in inputs {
        let cutout = match &cutouts {
            None => None,
            Some(Place::Stdout) => Some((Destination::stdout(), format.unwrap_or(Format::Png))),
            Some(Place::File(path)) => {
                let destination = Destination::of(path)?;
                let format = format_of(path, &destination, format)?;
                if format == Format::Jpeg && arguments.background.is_none() {
                    return Err(no_background().context(path.display()));
                }
                Some((destination, format))
            }
            Some(Place::Folder(folder)) => {
                let format = format.unwrap_or(Format::Png);
                let path = names.free(folder, &input.stem(), format.extension());
                Some((Destination::of(&path)?, format))
            }
        };
        let mask = match &masks {
            None => None,
            Some(Place::Stdout) => Some(Destination::stdout()),
            Some(Place::File(path)) => {
                let destination = Destination::of(path)?;
                if destination.is_plain() && !matches!(Format::of(path), Ok(None | Some(Format::Png))) {
                    let message = format!("{}: a mask is a PNG: expected a name that ends in .png", path.display());
                    return Err(Error::new(ErrorKind::BadArgument, message));
                }
                Some(destination)
            }
            Some(Place::Folder(folder)) => {
                Some(Destination::of(&names.free(folder, &format!("{}-mask", input.stem()), "png"))?)
            }
        };
        outputs.push(Outputs { cutout, mask });
    }
    check_apart(inputs, &outputs)?;
    Ok(outputs)
}

/// What `-o` or `--mask` names.
enum Place {
    Stdout,
    File(PathBuf),
    Folder(PathBuf),
}

impl Place {
    fn of(path: &Path, several: bool, option: &str) -> Result<Self> {
        let bad = |message: String| Err(Error::new(ErrorKind::BadArgument, message));
        let names_folder = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        if path.as_os_str() == "-" {
            if several {
                return bad(format!("{option} - takes one picture: expected a folder for several"));
            }
            if io::stdout().is_terminal() {
                return bad(format!("{option} -: standard output is a terminal: expected a pipe or a file"));
            }
            return Ok(Self::Stdout);
        }
        if path.is_dir() || names_folder || several {
            // Without a slash at its end, which no file may have.
            let path = path.components().as_path();
            if path.exists() && !path.is_dir() {
                return bad(format!("{option} {}: expected a folder, found a file", path.display()));
            }
            return Ok(Self::Folder(path.to_owned()));
        }
        Ok(Self::File(path.to_owned()))
    }
}

/// What `--format` says, or else the path's extension; PNG where neither says anything.
fn format_of(path: &Path, destination: &Destination, asked: Option<Format>) -> Result<Format> {
    let named = match Format::of(path) {
        Ok(named) => named,
        // A pipe or a device may have any name, and so may a file whose format is stated.
        Err(_) if asked.is_some() || !destination.is_plain() => None,
        Err(e) => return Err(e),
    };
    match (asked, named) {
        (Some(asked), Some(named)) if asked != named => {
            let message = format!(
                "{}: expected a name that ends in .{}, as --format says, or no --format",
                path.display(),
                asked.extension()
            );
            Err(Error::new(ErrorKind::BadArgument, message))
        }
        (asked, named) => Ok(asked.or(named).unwrap_or(Format::Png)),
    }
}

/// Names given away in folders, in lower case: some file systems know no other difference.
#[derive(Default)]
struct Names(HashSet<(PathBuf, String)>);

impl Names {
    /// `STEM.EXTENSION` in the folder, or where another picture has that, `STEM-2.EXTENSION` and so on.
    fn free(&mut self, folder: &Path, stem: &str, extension: &str) -> PathBuf {
        let mut count = 1;
        loop {
            let stem = if count == 1 { stem.to_owned() } else { format!("{stem}-{count}") };
            let name = format!("{stem}.{extension}");
            if self.0.insert((folder.to_owned(), name.to_lowercase())) {
                return folder.join(name);
            }
            count += 1;
        }
    }
}

/// # Errors
/// `BadArgument` when two outputs, or an output and an input, are one file under whatever names.
fn check_apart(inputs: &[Input], outputs: &[Outputs]) -> Result<()> {
    let bad = |message: String| Err(Error::new(ErrorKind::BadArgument, message));
    let mut read = HashMap::new();
    for input in inputs {
        if let Input::File(path) = input {
            read.extend(Identity::of(path).map(|identity| (identity, path)));
        }
    }
    let mut written: HashMap<Identity, &Path> = HashMap::new();
    for destination in outputs.iter().flat_map(Outputs::destinations) {
        let Some(identity) = destination.identity() else { continue };
        let path = destination.path();
        if let Some(picture) = read.get(&identity) {
            return bad(format!(
                "{} is the picture {} itself: expected another name",
                path.display(),
                picture.display()
            ));
        }
        if let Some(other) = written.insert(identity, path) {
            let (path, other) = (path.display(), other.display());
            return bad(format!("{other} and {path} are one place: expected a name for each output"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_one_name_get_names_of_their_own() {
        let mut names = Names::default();
        let mut free = |stem: &str| names.free(Path::new("out"), stem, "png").display().to_string();
        assert_eq!(
            ["a", "b", "A", "a", "a-2"].map(&mut free),
            ["out/a.png", "out/b.png", "out/A-2.png", "out/a-3.png", "out/a-2-2.png"]
        );
    }
}
