//! Pixels: files to the network's input, and its output to masks and cut-outs.

mod encode;
mod mask;
mod resample;
#[cfg(test)]
mod tests;

pub use encode::cutout_png;
pub use mask::Mask;

use crate::error::{Result, bail, error};
use crate::model::Preprocess;
use crate::tensor::Tensor;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::io::Cursor;

/// The longest side of a picture that is decoded or made, in pixels. Phones make 16,000.
pub const MAX_SIDE: usize = 32_768;

/// The most bytes that a picture may decode to: 178 megapixels of 8-bit RGB.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

/// A picture in memory, upright: 8 bits a channel, RGB, and alpha apart where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// [height, width, 3]
    rgb: Vec<u8>,
    /// [height, width]
    alpha: Option<Vec<u8>>,
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
        Ok(Self { width, height, rgb, alpha })
    }

    /// Decodes a JPEG, PNG or WebP file, turned upright as its EXIF orientation says. Grey becomes
    /// RGB, 16 bits are rounded to 8; colour profiles are not applied. The first frame of an
    /// animation is taken.
    ///
    /// # Errors
    /// `BadImage` when the bytes are no such file, are damaged, or hold a picture beyond
    /// [`MAX_SIDE`] or [`MAX_DECODED_BYTES`]; nothing is allocated for it then.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = |e| error!(BadImage, "the picture cannot be decoded").with_source(e);
        let reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|e| error!(BadImage, "the picture cannot be read").with_source(e))?;
        if reader.format().is_none() {
            bail!(BadImage, "expected a JPEG, PNG or WebP file, found {} bytes of something else", bytes.len());
        }
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        let side = width.max(height) as usize;
        if side > MAX_SIDE {
            bail!(BadImage, "{width}x{height} pixels: expected at most {MAX_SIDE} a side");
        }
        let decoded_bytes = decoder.total_bytes();
        if decoded_bytes > MAX_DECODED_BYTES {
            bail!(
                BadImage,
                "{width}x{height} pixels decode to {decoded_bytes} bytes, at most {MAX_DECODED_BYTES} are allowed"
            );
        }
        // The same again for what the decoder allocates on its own way there.
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_DECODED_BYTES);
        decoder.set_limits(limits).map_err(damaged)?;
        let orientation = decoder.orientation().map_err(damaged)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        picture.apply_orientation(orientation);
        Self::from_decoded(picture)
    }

    fn from_decoded(picture: DynamicImage) -> Result<Self> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let alpha = picture.color().has_alpha().then(|| {
            let rgba = picture.to_rgba8();
            rgba.pixels().map(|pixel| pixel.0[3]).collect()
        });
        Self::new(width, height, picture.into_rgb8().into_raw(), alpha)
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

    /// The picture at `size`, width and height, without alpha: bilinear between pixel centres,
    /// over as many pixels as one new one covers when shrinking. Bit for bit Pillow's
    /// `resize(size, BILINEAR)` (to one level where Pillow 13 swaps its passes), which is what
    /// common pipelines feed these models.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`MAX_SIDE`].
    pub fn resized(&self, size: [usize; 2]) -> Result<Self> {
        check_size(size)?;
        let rgb = resample::resize::<u8, 3>(&self.rgb, [self.width, self.height], size);
        Self::new(size[0], size[1], rgb, None)
    }

    /// The network's input, `[1, 3, size[1], size[0]]`: the picture at `size` (width, height),
    /// rounded to bytes, then `(x - mean) / scale`.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`MAX_SIDE`].
    pub fn to_input(&self, size: [usize; 2], preprocess: &Preprocess) -> Result<Tensor> {
        let resized = self.resized(size)?;
        let mut data = Vec::with_capacity(resized.rgb.len());
        for channel in 0..3 {
            let (mean, scale) = (preprocess.mean[channel], preprocess.scale[channel]);
            data.extend(resized.rgb[channel..].iter().step_by(3).map(|&x| (f32::from(x) - mean) / scale));
        }
        Tensor::new(vec![1, 3, size[1], size[0]], data)
    }
}

fn check_size(size: [usize; 2]) -> Result<()> {
    if size.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        bail!(BadArgument, "size {}x{}: expected 1 to {MAX_SIDE} pixels a side", size[0], size[1]);
    }
    Ok(())
}
