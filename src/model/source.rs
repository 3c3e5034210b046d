//! Where a model's bytes come from.

use crate::error::{Result, error};
use std::ops::Range;

/// Something that can be read by byte range: a file, an HTTP resource, memory.
#[allow(async_fn_in_trait, reason = "futures stay on one thread in the browser and are blocked on natively")]
pub trait ByteSource {
    /// Bytes in all.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Exactly the bytes of `range`.
    ///
    /// # Errors
    /// `Io` or `Download` when they cannot be had; `BadModel` when they end early.
    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>>;
}

/// A model that lies in memory.
#[derive(Debug, Clone)]
pub struct MemorySource(pub Vec<u8>);

impl ByteSource for MemorySource {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| self.0.get(start..end))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| error!(BadModel, "bytes {range:?} of {}", self.0.len()))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl ByteSource for std::fs::File {
    fn len(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }

    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};
        if range.end > ByteSource::len(self) || range.start > range.end {
            crate::error::bail!(BadModel, "bytes {range:?} of {}", ByteSource::len(self));
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let mut file = self;
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| error!(Io, "reading bytes {range:?}").with_source(e))?;
        Ok(bytes)
    }
}
