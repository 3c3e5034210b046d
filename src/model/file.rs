//! A model in a file.

use super::ByteSource;
use crate::error::{Result, bail, error};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

impl ByteSource for std::fs::File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        if range.end > ByteSource::len(self) || range.start > range.end {
            bail!(BadModel, "bytes {range:?} of {}", ByteSource::len(self));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let mut file = self;
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| error!(Io, "reading bytes {range:?}").with_source(e))?;
        Ok(bytes)
    }
}
