//! Pixels: files to the network's input, and its output to masks and cut-outs. Files are native: a
//! browser decodes and encodes them itself.

#[cfg(not(target_arch = "wasm32"))]
mod cutout;
#[cfg(not(target_arch = "wasm32"))]
mod decode;
#[cfg(not(target_arch = "wasm32"))]
mod encode;
#[cfg(not(target_arch = "wasm32"))]
mod foreground;
mod mask;
mod over_white;
pub(crate) mod resample;
#[cfg(test)]
mod tests;

#[cfg(not(target_arch = "wasm32"))]
pub use cutout::{Cutout, Edges};
#[cfg(not(target_arch = "wasm32"))]
pub use decode::DecodeLimits;
#[cfg(not(target_arch = "wasm32"))]
pub use foreground::estimate_foreground;
pub use mask::Mask;

use crate::error::{Result, bail};
use crate::model::Preprocess;
use crate::tensor::Tensor;
use over_white::OverWhite;

/// The longest side of a picture, mask or net's input natively, in pixels. Phones make 16,000. (A browser's GPU takes
/// less, and the npm package scales down to that.)
pub const MAX_SIDE: usize = 32_768;

/// A picture in memory, upright: 8 bits a channel, RGB, and alpha apart where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// [height, width, 3]
    rgb: Vec<u8>,
    /// [height, width]
    alpha: Option<Vec<u8>>,
    warnings: Vec<String>,
}

impl Picture {
    /// A picture from its pixels: `rgb` is `[height, width, 3]`, `alpha` is `[height, width]`.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`MAX_SIDE`]; `BadShape` when the bytes are not
    /// exactly those of the size.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>, alpha: Option<Vec<u8>>) -> Result<Self> {
        check_size([width, height])?;
        let pixels = width * height;
        if rgb.len() != 3 * pixels {
            bail!(BadShape, "{width}x{height} pixels: expected {} bytes of RGB, found {}", 3 * pixels, rgb.len());
        }
        if let Some(alpha) = alpha.as_ref().filter(|alpha| alpha.len() != pixels) {
            bail!(BadShape, "{width}x{height} pixels: expected {pixels} bytes of alpha, found {}", alpha.len());
        }
        Ok(Self { width, height, rgb, alpha, warnings: Vec::new() })
    }

    /// What could not be used of the file that it was decoded from: full sentences, for people.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `[height, width, 3]`
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// `[height, width]`, if the file had any.
    pub fn alpha(&self) -> Option<&[u8]> {
        self.alpha.as_deref()
    }

    /// The picture at `size`, width and height, over white where it is transparent, so that it has no alpha:
    /// bilinear between pixel centres, over as many pixels as one new one covers when shrinking. Bit for bit Pillow's
    /// `resize(size, BILINEAR)` (to one level where Pillow 13 swaps its passes), which is what
    /// common pipelines feed these models.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`MAX_SIDE`].
    pub fn resized(&self, size: [usize; 2]) -> Result<Self> {
        check_size(size)?;
        let rgb = resample::resize::<u8, 3>(&mut OverWhite::new(self), [self.width, self.height], size);
        Self::new(size[0], size[1], rgb, None)
    }

    /// The network's input, `[1, 3, size[1], size[0]]`: the picture at `size` (width, height), over white where it is
    /// transparent, rounded to bytes, then `(x - mean) / scale`.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`MAX_SIDE`].
    pub fn to_input(&self, size: [usize; 2], preprocess: &Preprocess) -> Result<Tensor> {
        let resized = self.resized(size)?;
        let mut data = Vec::with_capacity(resized.rgb.len());
        for channel in 0..3 {
            data.extend(resized.rgb[channel..].iter().step_by(3).map(|&level| preprocess.value(channel, level)));
        }
        Tensor::new(vec![1, 3, size[1], size[0]], data)
    }
}

pub(crate) fn check_size(size: [usize; 2]) -> Result<()> {
    if size.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        bail!(BadArgument, "size {}x{}: expected 1 to {MAX_SIDE} pixels a side", size[0], size[1]);
    }
    Ok(())
}
