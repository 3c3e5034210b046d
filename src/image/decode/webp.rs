//! WebP files. The decoder is `image-webp`; the sizes that it allocates by are read beforehand ([`container`]).

mod container;

use super::budget::DecodeLimits;
use super::colour::{self, Conversion, Space};
use super::upright;
use crate::error::{Result, bail, error};
use crate::image::Picture;
use container::{Coding, Container};
use image_webp::WebPDecoder;
use std::io::Cursor;

/// # Errors
/// `BadImage`, as [`Picture::decode_within`].
pub(super) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture> {
    let damaged = |e: image_webp::DecodingError| error!(BadImage, "the WebP cannot be decoded").with_source(e);
    let container = Container::read(bytes)?;
    let size = container.size;
    limits.check_sides(size)?;
    let orientation = upright::from_exif(container.exif);
    let pixels = size[0] * size[1];
    let profile_bytes = container.profile.map_or(0, |profile| profile.len() as u64);
    let metadata = profile_bytes + container.exif.map_or(0, |exif| exif.len() as u64);
    let decoding = decoding_bytes(&container) + colour::peak_bytes(profile_bytes) + metadata;
    limits.check_peak(size, decoding.max(upright::peak_bytes(pixels, container.has_alpha, orientation)))?;

    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if [width, height].map(u64::from) != size || decoder.has_alpha() != container.has_alpha {
        bail!(BadImage, "the WebP cannot be decoded: its chunks contradict each other");
    }
    let [width, height] = size.map(|side| side as usize);
    let mut samples = vec![0; if container.has_alpha { 4 } else { 3 } * width * height];
    decoder.read_image(&mut samples).map_err(damaged)?;
    drop(decoder);
    let alpha = container.has_alpha.then(|| take_alpha(&mut samples));
    let mut warnings = Vec::new();
    let profile = colour::read_profile(profile_bytes, || container.profile.map(<[u8]>::to_vec), &mut warnings);
    let rgb = Conversion::new(Space::Rgb, profile, &mut warnings).picture(samples, width);
    Ok(upright::turn(Picture::new(width, height, rgb, alpha)?, orientation)?.with_warnings(warnings))
}

/// Leaves RGB of RGBA, in the same memory, and gives back alpha.
fn take_alpha(samples: &mut Vec<u8>) -> Vec<u8> {
    let pixels = samples.len() / 4;
    let alpha = samples.as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect();
    for pixel in 0..pixels {
        samples.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    samples.truncate(3 * pixels);
    samples.shrink_to_fit();
    alpha
}

/// What `image-webp` holds at its peak, the picture included.
fn decoding_bytes(container: &Container<'_>) -> u64 {
    let pixels = container.size[0] * container.size[1];
    let [frame, coded] = [container.frame, container.coded].map(|[width, height]| width * height);
    // Luma and two quarters, each side padded to whole blocks of 16, a description of each block (some 40 bytes), and
    // the compressed data once more.
    let blocks = container.coded.map(|side| side.div_ceil(16)).iter().product::<u64>();
    let planes = blocks * (16 * 16 * 3 / 2 + 64) + container.coded_bytes;
    // A lossless frame is made of four bytes a pixel, and its transforms keep some numbers for each 4x4 pixels.
    let lossless = |pixels: u64| 4 * pixels + pixels / 2;
    let picture = if container.has_alpha { 4 } else { 3 } * pixels;
    // The alpha of a lossy frame is coded by itself.
    let alpha = lossless(frame) + frame;
    let decoding = match (container.coding, container.is_animated) {
        (Coding::Lossless, false) if container.has_alpha => lossless(coded),
        (Coding::Lossless, false) => lossless(coded) + picture,
        (Coding::Lossy, false) => planes + picture,
        (Coding::LossyWithAlpha, false) => planes + picture + alpha,
        // A canvas beside the frame and the picture.
        (Coding::Lossless, true) => lossless(coded.max(frame)) + 4 * pixels + picture,
        (Coding::Lossy, true) => planes + 3 * frame + 4 * pixels + picture,
        (Coding::LossyWithAlpha, true) => planes + 4 * frame + alpha + 4 * pixels + picture,
    };
    decoding.max(if container.has_alpha { 5 } else { 3 } * pixels)
}
