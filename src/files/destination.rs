//! Where one result goes, found out before any work is done for it.

use super::identity::Identity;
use super::names::{End, end_of_links, folder_of};
use super::system;
use super::unfinished::Unfinished;
use crate::error::{Result, bail, error};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place that a result can be written to.
#[derive(Debug, Clone)]
pub struct Destination {
    /// As the user wrote it, for messages.
    given: PathBuf,
    target: Target,
}

#[derive(Debug, Clone)]
enum Target {
    /// A file, behind all links, which need not exist.
    File(PathBuf),
    /// A character device or a pipe.
    Stream(PathBuf),
    /// A socket on which somebody listens.
    Socket(PathBuf),
    /// What this process has open as its standard output.
    Stdout,
    /// Something else that was opened for this process.
    Descriptor(Arc<File>),
}

impl Destination {
    /// What `path` names, links followed.
    ///
    /// # Errors
    /// `BadArgument` when it names a folder or a block device; `Io` when nothing can be written there: the folder does
    /// not exist, links lead in a circle, or the file is protected.
    pub fn of(path: &Path) -> Result<Self> {
        if path.as_os_str().is_empty() {
            bail!(BadArgument, "an output without a name: expected a file");
        }
        let failed = |e: io::Error| error!(Io, "{} cannot be written", path.display()).with_source(e);
        let target = match end_of_links(path).map_err(failed)? {
            End::Descriptor(1) => Target::Stdout,
            End::Descriptor(number) => Target::Descriptor(Arc::new(system::descriptor(number).map_err(failed)?)),
            End::Path(end) => at_end(path, end)?,
        };
        Ok(Self { given: path.to_owned(), target })
    }

    /// This process's standard output.
    pub fn stdout() -> Self {
        Self { given: PathBuf::from("-"), target: Target::Stdout }
    }

    /// Whether what is written goes to this process's standard output, whatever name led there.
    pub fn is_stdout(&self) -> bool {
        let metadata = match &self.target {
            Target::Stdout => return true,
            Target::File(path) | Target::Stream(path) => fs::metadata(path),
            Target::Descriptor(file) => file.metadata(),
            Target::Socket(_) => return false,
        };
        metadata.is_ok_and(|metadata| system::is_stdout(&metadata))
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.given
    }

    /// Whether it is a plain file, existing or new, and not a device, pipe or socket.
    pub fn is_plain(&self) -> bool {
        matches!(self.target, Target::File(_))
    }

    /// What two destinations have in common when one would overwrite the other or mix with it. Character devices such
    /// as `/dev/null` take any number of results and have none.
    pub fn identity(&self) -> Option<Identity> {
        if self.is_stdout() {
            return Some(Identity::stdout());
        }
        match &self.target {
            Target::File(path) | Target::Socket(path) => Identity::of(path),
            Target::Stream(path) => Identity::of(path).filter(|_| !system::is_device(path)),
            Target::Descriptor(file) => Identity::of_open(file),
            Target::Stdout => Some(Identity::stdout()),
        }
    }

    /// A folder for temporary files: that of the file, so that there is room for it where it will be, or the system's
    /// own where there is no such folder.
    pub fn temporary_folder(&self) -> PathBuf {
        match &self.target {
            Target::File(path) if tempfile::tempfile_in(folder_of(path)).is_ok() => folder_of(path).to_owned(),
            _ => std::env::temp_dir(),
        }
    }

    /// Writes `bytes`. A plain file is replaced when the new one is whole and on the disk.
    ///
    /// # Errors
    /// `Io` when it cannot be written, naming the path.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        match &self.target {
            Target::File(_) => self.write_with(|path| File::create(path)?.write_all(bytes)),
            _ => self.open().and_then(|mut stream| stream.write_all(bytes)).map_err(|e| self.failed(e)),
        }
    }

    /// Has `write` make a file at the path that it is given, and brings that file, or its bytes, here.
    ///
    /// # Errors
    /// `Io` when `write` fails or the bytes cannot be written, naming the path.
    pub fn write_with(&self, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
        let failed = |e| self.failed(e);
        let unfinished = self.begin()?;
        write(unfinished.path()).map_err(failed)?;
        if let Target::File(path) = &self.target {
            unfinished.sync().map_err(failed)?;
            let Ok(existing) = fs::metadata(path) else { return unfinished.persist(path).map_err(failed) };
            // Its other names are to name the new content too, and only its owner may give a file away. Mounts of
            // single files and folders of others refuse to have a file replaced, though not to have it written.
            let replaceable = !system::has_other_names(&existing) && unfinished.dress_as(&existing).is_ok();
            if replaceable && unfinished.persist(path).is_ok() {
                return Ok(());
            }
        }
        let mut whole = File::open(unfinished.path()).map_err(failed)?;
        self.open().and_then(|mut stream| io::copy(&mut whole, &mut stream)).map_err(failed)?;
        Ok(())
    }

    /// A temporary file, beside the place of the new one if that is possible.
    fn begin(&self) -> Result<Unfinished> {
        let Target::File(path) = &self.target else {
            return Unfinished::new(&std::env::temp_dir()).map_err(|e| self.failed(e));
        };
        let folder = folder_of(path);
        Unfinished::new(folder).or_else(|e| match path.exists() {
            true => Unfinished::new(&std::env::temp_dir()).map_err(|e| self.failed(e)),
            false => {
                let message = format!("{}: the folder {} cannot be written", self.given.display(), folder.display());
                Err(error!(Io, "{message}").with_source(io::Error::from(e.kind())))
            }
        })
    }

    /// What is there, to be written over or into.
    fn open(&self) -> io::Result<Box<dyn Write>> {
        Ok(match &self.target {
            Target::File(path) => Box::new(File::options().write(true).truncate(true).open(path)?),
            Target::Stream(path) => Box::new(File::options().append(true).open(path)?),
            Target::Socket(path) => system::connect(path)?,
            Target::Stdout => Box::new(system::stdout()?),
            Target::Descriptor(file) => Box::new(file.try_clone()?),
        })
    }

    fn failed(&self, e: io::Error) -> crate::Error {
        error!(Io, "writing {}", self.given.display()).with_source(e)
    }
}

/// What a file is, as far as writing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A character device or a pipe.
    Stream,
    Socket,
    /// A block device.
    Disk,
}

/// The target at `end`, which `path` leads to.
fn at_end(path: &Path, end: PathBuf) -> Result<Target> {
    let name = path.display();
    let failed = |e: io::Error| error!(Io, "{name} cannot be written").with_source(e);
    match fs::metadata(&end) {
        Ok(metadata) => match system::kind(&metadata) {
            Kind::Folder => bail!(BadArgument, "{name} is a folder: expected a file"),
            Kind::Disk => bail!(BadArgument, "{name} is a block device: expected a file"),
            Kind::Stream => Ok(Target::Stream(end)),
            Kind::Socket => Ok(Target::Socket(end)),
            // Whoever may not write a file may not replace it either.
            Kind::File => {
                File::options().write(true).open(&end).map_err(failed)?;
                Ok(Target::File(end))
            }
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            if path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
                bail!(BadArgument, "{name} names a folder: expected a file");
            }
            let folder = folder_of(&end);
            match fs::metadata(folder) {
                Ok(metadata) if metadata.is_dir() => Ok(Target::File(end)),
                Ok(_) => Err(error!(Io, "{name} cannot be written: {} is no folder", folder.display())),
                Err(e) => Err(error!(Io, "{name} cannot be written: the folder {}", folder.display()).with_source(e)),
            }
        }
        Err(e) => Err(failed(e)),
    }
}
