//! What a mask leaves of a picture.

use super::foreground::estimate_foreground;
use super::over_white::over_white;
use super::{Mask, Picture};
use crate::error::{Error, Result, bail};
use std::str::FromStr;

/// What becomes of the old background's colours in half-transparent pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edges {
    /// They are taken out, by [`estimate_foreground`].
    #[default]
    Clean,
    /// Every pixel that can be seen keeps its colour.
    Keep,
}

impl FromStr for Edges {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "clean" => Ok(Self::Clean),
            "keep" => Ok(Self::Keep),
            _ => bail!(BadArgument, "edges {text:?}: expected clean or keep"),
        }
    }
}

/// A picture with alpha from a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// [height, width, 4]; pixels without alpha are all 0.
    rgba: Vec<u8>,
}

impl Cutout {
    /// The picture at its own size, its alpha that of `mask` times what it had before.
    ///
    /// # Errors
    /// `BadArgument` when the mask cannot be brought to the picture's size.
    pub fn new(picture: &Picture, mask: &Mask, edges: Edges) -> Result<Self> {
        let (width, height) = (picture.width, picture.height);
        let mask = if (mask.width(), mask.height()) == (width, height) {
            mask.to_bytes()
        } else {
            mask.resized(width, height)?.to_bytes()
        };
        let cleaned = (edges == Edges::Clean).then(|| match &picture.alpha {
            None => estimate_foreground(&picture.rgb, &mask, width, height),
            // What the net saw: white shows through.
            Some(alpha) => {
                let pixels = picture.rgb.as_chunks::<3>().0.iter().zip(alpha);
                let seen: Vec<u8> =
                    pixels.flat_map(|(pixel, &alpha)| pixel.map(|level| over_white(level, alpha))).collect();
                estimate_foreground(&seen, &mask, width, height)
            }
        });
        let mut rgba = Vec::with_capacity(4 * mask.len());
        for (pixel, &mask) in mask.iter().enumerate() {
            let before = picture.alpha.as_ref().map_or(255, |alpha| alpha[pixel]);
            let alpha = ((u16::from(mask) * u16::from(before) + 127) / 255) as u8;
            // A pixel that was transparent before has a colour of its own already.
            let rgb = cleaned.as_ref().filter(|_| before == 255).unwrap_or(&picture.rgb);
            let rgb = &rgb[3 * pixel..3 * pixel + 3];
            // Unseen pixels are made black: they would cost bytes, and would keep what was cut away.
            rgba.extend(if alpha == 0 { [0; 4] } else { [rgb[0], rgb[1], rgb[2], alpha] });
        }
        Ok(Self { width, height, rgba })
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `[height, width, 4]`: red, green and blue, not multiplied by alpha, and alpha.
    pub fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The cut-out on a background of one colour.
    ///
    /// # Errors
    /// None that a cut-out can cause: those of [`Picture::new`].
    pub fn over(&self, background: [u8; 3]) -> Result<Picture> {
        let pixels = self.rgba.as_chunks::<4>().0;
        let rgb = pixels.iter().flat_map(|&[r, g, b, alpha]| mixed([r, g, b], background, alpha)).collect();
        Picture::new(self.width, self.height, rgb, None)
    }
}

fn mixed(front: [u8; 3], back: [u8; 3], alpha: u8) -> [u8; 3] {
    let alpha = u16::from(alpha);
    std::array::from_fn(|channel| {
        ((u16::from(front[channel]) * alpha + u16::from(back[channel]) * (255 - alpha) + 127) / 255) as u8
    })
}
