//! Pictures turned upright, as EXIF says.

use crate::error::Result;
use crate::image::Picture;
pub(super) use image::metadata::Orientation;

/// The orientation in a TIFF block; upright where there is none, or none that makes sense.
pub(super) fn from_exif(tiff: Option<&[u8]>) -> Orientation {
    tiff.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// Memory that [`turn`] takes at its peak, the picture before and after included.
pub(super) fn peak_bytes(pixels: u64, has_alpha: bool, orientation: Orientation) -> u64 {
    let picture = if has_alpha { 4 } else { 3 } * pixels;
    if swaps_sides(orientation) { picture + 3 * pixels } else { picture }
}

/// The picture upright. Takes a second one's memory where width and height change places.
pub(super) fn turn(picture: Picture, orientation: Orientation) -> Result<Picture> {
    let size = [picture.width, picture.height];
    let rgb = plane::<3>(picture.rgb, size, orientation);
    let alpha = picture.alpha.map(|alpha| plane::<1>(alpha, size, orientation));
    let [width, height] = if swaps_sides(orientation) { [size[1], size[0]] } else { size };
    Picture::new(width, height, rgb, alpha)
}

/// `[height, width, N]` upright.
fn plane<const N: usize>(mut data: Vec<u8>, size: [usize; 2], orientation: Orientation) -> Vec<u8> {
    let (pixels, _) = data.as_chunks_mut::<N>();
    let width = size[0];
    match orientation {
        Orientation::NoTransforms => {}
        Orientation::Rotate180 => pixels.reverse(),
        Orientation::FlipHorizontal => pixels.chunks_exact_mut(width).for_each(<[_]>::reverse),
        Orientation::FlipVertical => {
            pixels.reverse();
            pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
        }
        Orientation::Rotate90 => return transposed(pixels, size, |x, y| [x, size[1] - 1 - y]),
        Orientation::Rotate270 => return transposed(pixels, size, |x, y| [size[0] - 1 - x, y]),
        Orientation::Rotate90FlipH => return transposed(pixels, size, |x, y| [x, y]),
        Orientation::Rotate270FlipH => return transposed(pixels, size, |x, y| [size[0] - 1 - x, size[1] - 1 - y]),
    }
    data
}

/// Rows and columns changed: the pixel at x, y goes to the row and column that `place` gives.
fn transposed<const N: usize>(
    pixels: &[[u8; N]],
    [width, height]: [usize; 2],
    place: impl Fn(usize, usize) -> [usize; 2],
) -> Vec<u8> {
    // In squares, so that both sides stay within a cache.
    const SQUARE: usize = 32;
    let mut turned = vec![0; N * pixels.len()];
    let (targets, _) = turned.as_chunks_mut::<N>();
    for top in (0..height).step_by(SQUARE) {
        for left in (0..width).step_by(SQUARE) {
            for y in top..height.min(top + SQUARE) {
                for x in left..width.min(left + SQUARE) {
                    let [row, column] = place(x, y);
                    targets[row * height + column] = pixels[y * width + x];
                }
            }
        }
    }
    turned
}
