//! A model in a file.

use super::ByteSource;
use crate::error::{Result, bail, error};
use std::fs::File;
use std::io;
use std::ops::Range;

/// Reads are positional: any number of them may go on at a time.
impl ByteSource for File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        if range.end > ByteSource::len(self) || range.start > range.end {
            bail!(BadModel, "bytes {range:?} of {}", ByteSource::len(self));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        read_exact_at(self, &mut bytes, range.start)
            .map_err(|e| error!(Io, "reading bytes {range:?}").with_source(e))?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                start += count as u64;
            }
        }
    }
    Ok(())
}
