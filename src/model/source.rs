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
