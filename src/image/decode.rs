//! Files to pictures: one decoder a format, each behind the same limits.

mod budget;
mod colour;
mod format;
mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod upright;
mod webp;

pub use budget::DecodeLimits;

use super::Picture;
use crate::error::Result;
use format::Format;

impl Picture {
    /// As [`Self::decode_within`], by the default [`DecodeLimits`].
    ///
    /// # Errors
    /// As [`Self::decode_within`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::decode_within(bytes, &DecodeLimits::default())
    }

    /// Decodes a JPEG, PNG or WebP file: turned upright as its EXIF orientation says, its colours converted to
    /// sRGB by its colour profile (or a PNG's `cICP`, `gAMA` and `cHRM`). Grey becomes RGB, 16 bits are rounded
    /// to 8. Of an animation the first frame is taken. What could not be used of the file, such as a damaged
    /// colour profile, is in [`Self::warnings`].
    ///
    /// # Errors
    /// `BadImage` when the bytes are no such file, are damaged or end early, or when the picture is beyond
    /// `limits`. The size is judged by the file's header, before memory is taken for it. A file that lacks no more
    /// than its end marker ends early, too; bytes behind the end marker are ignored.
    pub fn decode_within(bytes: &[u8], limits: &DecodeLimits) -> Result<Self> {
        match Format::of(bytes)? {
            Format::Jpeg => jpeg::decode(bytes, limits),
            Format::Png => png::decode(bytes, limits),
            Format::Webp => webp::decode(bytes, limits),
        }
    }

    fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}
