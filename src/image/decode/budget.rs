//! How large a picture may be, asked before its memory is taken.

use crate::error::{Result, bail};
use crate::image::MAX_SIDE;

/// What one decode may take of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Memory at the decode's peak: the decoder's buffers, conversions, turning upright and the picture itself.
    /// The file's own bytes are the caller's and do not count.
    pub bytes: u64,
    /// Pixels of the longer side, at most [`MAX_SIDE`].
    pub side: usize,
}

impl Default for DecodeLimits {
    /// 2 GiB: a phone's JPEG of 200 megapixels (16320x12240) takes at most 1.2 GB unless it is progressive, turned
    /// upright or not.
    fn default() -> Self {
        Self { bytes: 2 << 30, side: MAX_SIDE }
    }
}

/// Small buffers that no estimate names: rows, code tables, what a decoder keeps of its own.
const SLACK_BYTES: u64 = 1 << 20;
/// Rows of a picture that decoders hold at once, at 8 bytes a pixel.
const SLACK_ROWS: u64 = 64;

impl DecodeLimits {
    /// Whether a picture of `width` by `height` is within the sides.
    ///
    /// # Errors
    /// `BadImage` when it is not, or has no pixels.
    pub(super) fn check_sides(&self, [width, height]: [u64; 2]) -> Result<()> {
        let most = self.side.min(MAX_SIDE) as u64;
        if width == 0 || height == 0 {
            bail!(BadImage, "the picture cannot be decoded: it is {width}x{height} pixels");
        }
        if width.max(height) > most {
            bail!(BadImage, "{width}x{height} pixels: expected at most {most} a side");
        }
        Ok(())
    }

    /// Whether a decode that peaks at `peak_bytes`, rows and tables aside, may start.
    ///
    /// # Errors
    /// `BadImage` when it may not.
    pub(super) fn check_peak(&self, [width, height]: [u64; 2], peak_bytes: u64) -> Result<()> {
        let needed = peak_bytes.saturating_add(SLACK_BYTES).saturating_add(8 * SLACK_ROWS * width);
        if needed > self.bytes {
            bail!(
                BadImage,
                "{width}x{height} pixels take {needed} bytes to decode, at most {} are allowed",
                self.bytes
            );
        }
        Ok(())
    }
}
