//! A posted picture to the net's input.

use crate::error::{Result, bail, error};
use crate::model::Preprocess;
use crate::tensor::Tensor;
use crate::wire::Upload;
use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// The longest side believed, and the memory that decoding may take.
const MAX_SIDE: u32 = 16_384;
const MAX_DECODE_BYTES: u64 = 512 << 20;

/// `[1, 3, H, W]` at `size` (width, height).
///
/// # Errors
/// `BadImage` when it is no PNG, JPEG or WebP file, not the one that its content type says, broken, or too large.
pub(super) fn to_input(upload: &Upload<'_>, size: [usize; 2], preprocess: &Preprocess) -> Result<Tensor> {
    let stated = match upload.content_type.as_str() {
        "image/png" => ImageFormat::Png,
        "image/jpeg" => ImageFormat::Jpeg,
        "image/webp" => ImageFormat::WebP,
        other => bail!(BadImage, "content type {other:?}: expected image/png, image/jpeg or image/webp"),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(&upload.bytes[..]), stated);
    reader.limits(limits);
    let picture = reader.decode().map_err(|e| error!(BadImage, "not a {} file", upload.content_type).with_source(e))?;
    let [width, height] = size;
    let side = |side: usize| u32::try_from(side).map_err(|_| error!(BadArgument, "size {size:?} is too large"));
    let scaled = picture.resize_exact(side(width)?, side(height)?, FilterType::Triangle).to_rgb8();
    let mut tensor = Tensor::zeros(vec![1, 3, height, width])?;
    for (channel, plane) in tensor.data_mut().chunks_exact_mut(width * height).enumerate() {
        let (mean, scale) = (preprocess.mean[channel], preprocess.scale[channel]);
        for (value, pixel) in plane.iter_mut().zip(scaled.pixels()) {
            *value = (f32::from(pixel.0[channel]) - mean) / scale;
        }
    }
    Ok(tensor)
}
