//! Pictures and masks as files.

use super::over_white::OverWhite;
use super::resample::Rows;
use super::{Cutout, Mask, Picture};
use crate::error::{Result, bail, error};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::borrow::Cow;

/// The longest side that WebP has room for, in pixels.
const MAX_WEBP_SIDE: usize = 16_383;

/// A PNG made for speed. Of all settings this one was the smallest and nearly the quickest on a cut-out
/// of 4 megapixels: 49 ms and 3.8 MB, where the usual compression took 1 s for the same bytes.
fn png(pixels: &[u8], width: usize, height: usize, colour: ExtendedColorType) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Paeth)
        .write_image(pixels, width as u32, height as u32, colour)
        .map_err(|e| error!(Internal, "{width}x{height} pixels could not be written as PNG").with_source(e))?;
    Ok(file)
}

/// Lossless: the encoder has no other way.
fn webp(pixels: &[u8], width: usize, height: usize, colour: ExtendedColorType) -> Result<Vec<u8>> {
    if width.max(height) > MAX_WEBP_SIDE {
        bail!(BadArgument, "{width}x{height} pixels as WebP: expected at most {MAX_WEBP_SIDE} a side");
    }
    let mut file = Vec::new();
    WebPEncoder::new_lossless(&mut file)
        .write_image(pixels, width as u32, height as u32, colour)
        .map_err(|e| error!(Internal, "{width}x{height} pixels could not be written as WebP").with_source(e))?;
    Ok(file)
}

impl Picture {
    /// The picture as PNG, RGB, or RGBA where it has alpha.
    ///
    /// # Errors
    /// `Internal` when the encoder fails.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let Some(alpha) = &self.alpha else {
            return png(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8);
        };
        let pixels = self.rgb.as_chunks::<3>().0.iter().zip(alpha);
        let rgba: Vec<u8> = pixels.flat_map(|(&[red, green, blue], &alpha)| [red, green, blue, alpha]).collect();
        png(&rgba, self.width, self.height, ExtendedColorType::Rgba8)
    }

    /// The picture as lossless WebP, RGB; its alpha is left out.
    ///
    /// # Errors
    /// `BadArgument` when a side is longer than WebP has room for; `Internal` when the encoder fails.
    pub fn to_webp(&self) -> Result<Vec<u8>> {
        webp(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)
    }

    /// The picture as JPEG of `quality` 1 to 100, over white where it is transparent.
    ///
    /// # Errors
    /// `BadArgument` when the quality is not 1 to 100; `Internal` when the encoder fails.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        if !(1..=100).contains(&quality) {
            bail!(BadArgument, "JPEG quality {quality}: expected 1 to 100");
        }
        let mut file = Vec::new();
        let mut rows = OverWhite::new(self);
        let seen: Cow<'_, [u8]> = match self.alpha {
            None => Cow::Borrowed(&self.rgb),
            Some(_) => (0..self.height).flat_map(|row| rows.row(row).to_vec()).collect(),
        };
        JpegEncoder::new_with_quality(&mut file, quality)
            .encode(&seen, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
            .map_err(|e| error!(Internal, "the picture could not be written as JPEG").with_source(e))?;
        Ok(file)
    }
}

impl Mask {
    /// The mask as PNG, 8-bit grey: 0 is background, 255 is what the picture shows.
    ///
    /// # Errors
    /// `Internal` when the encoder fails.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        png(&self.to_bytes(), self.width(), self.height(), ExtendedColorType::L8)
    }
}

impl Cutout {
    /// The cut-out as PNG, RGBA.
    ///
    /// # Errors
    /// `Internal` when the encoder fails.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        png(self.rgba(), self.width(), self.height(), ExtendedColorType::Rgba8)
    }

    /// The cut-out as lossless WebP, RGBA.
    ///
    /// # Errors
    /// `BadArgument` when a side is longer than WebP has room for; `Internal` when the encoder fails.
    pub fn to_webp(&self) -> Result<Vec<u8>> {
        webp(self.rgba(), self.width(), self.height(), ExtendedColorType::Rgba8)
    }
}
