//! A posted picture to the net's input.

use crate::error::{Result, bail, brief};
use crate::image::{DecodeLimits, MAX_SIDE, Picture};
use crate::model::Preprocess;
use crate::tensor::Tensor;
use crate::wire::Upload;

/// `[1, 3, H, W]` at `size` (width, height), by the same code that a client uses. Decoding takes at most
/// `memory_bytes`, the picture included.
///
/// # Errors
/// `BadImage` when it is no PNG, JPEG or WebP file, not the one that its content type says, broken, or too large.
pub(super) fn to_input(
    upload: &Upload<'_>,
    size: [usize; 2],
    preprocess: &Preprocess,
    memory_bytes: usize,
) -> Result<Tensor> {
    let fits = match upload.content_type.as_str() {
        "image/png" => upload.bytes.starts_with(b"\x89PNG"),
        "image/jpeg" => upload.bytes.starts_with(&[0xff, 0xd8]),
        "image/webp" => upload.bytes.starts_with(b"RIFF"),
        other => bail!(BadImage, "content type {}: expected image/png, image/jpeg or image/webp", brief(other)),
    };
    if !fits {
        bail!(BadImage, "the bytes are no {}", upload.content_type);
    }
    let limits = DecodeLimits { bytes: memory_bytes as u64, side: MAX_SIDE };
    Picture::decode_within(&upload.bytes, &limits)?.to_input(size, preprocess)
}
