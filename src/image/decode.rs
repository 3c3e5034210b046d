//! Files to pictures.

use super::{MAX_SIDE, Picture};
use crate::error::{Result, bail, error};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::io::Cursor;

/// The most bytes that a picture may decode to: 178 megapixels of 8-bit RGB.
pub const MAX_DECODED_BYTES: u64 = 512 << 20;

impl Picture {
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
}
