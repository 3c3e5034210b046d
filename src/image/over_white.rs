//! What can be seen of a transparent picture, on white paper. A file keeps some colour under pixels that are not seen;
//! a net must not see it either.

use super::Picture;
use super::resample::Rows;

/// A level of 255 at `alpha` over white. `shaders/resample_picture.wgsl` computes the same.
pub(super) fn over_white(level: u8, alpha: u8) -> u8 {
    let (level, alpha) = (u32::from(level), u32::from(alpha));
    ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// The rows of a picture, over white where it is transparent.
pub(super) struct OverWhite<'a> {
    picture: &'a Picture,
    row: Vec<u8>,
}

impl<'a> OverWhite<'a> {
    pub(super) fn new(picture: &'a Picture) -> Self {
        Self { picture, row: Vec::new() }
    }
}

impl Rows<u8> for OverWhite<'_> {
    fn row(&mut self, index: usize) -> &[u8] {
        let width = self.picture.width;
        let rgb = &self.picture.rgb[3 * index * width..3 * (index + 1) * width];
        let Some(alpha) = &self.picture.alpha else { return rgb };
        let alpha = &alpha[index * width..(index + 1) * width];
        self.row.clear();
        let pixels = rgb.as_chunks::<3>().0.iter().zip(alpha);
        self.row.extend(pixels.flat_map(|(pixel, &alpha)| pixel.map(|level| over_white(level, alpha))));
        &self.row
    }
}
