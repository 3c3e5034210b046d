//! The subject's own colours in half-transparent pixels.
//!
//! A pixel of hair or of a soft edge shows `alpha * F + (1 - alpha) * B`: the colour of the subject, F, mixed with that
//! of the old background, B. Shown over a new background it brings the old one along, so F has to be estimated. This
//! is the multi-level method of Germer, Uelwer, Conrad and Harmeling, "Fast Multi-Level Foreground Estimation" (ICPR
//! 2020), which the Python library pymatting has as `estimate_foreground_ml`. F and B are to explain each pixel and to
//! change little between neighbours, less so where alpha changes; they are found in a coarse picture first, which
//! starts the next finer one. Other than there
//!
//! - neighbours are bound less tightly (0.1 and 0.001 where pymatting has 1 and 0.00001), which halves the error on hair;
//! - levels halve the picture exactly, and the finer one starts by interpolation;
//! - only pixels that are half-transparent, or next to such, are solved for: all others show F or B itself;
//! - F and B are bytes between two steps, sums are f64 in a stated order. So `www/package/src/foreground.ts`, which is
//!   this file in TypeScript, gives the same bytes; `tests/golden/edges` holds both to it.
//!
//! `tests/edges.rs` has the error on composites whose colours are known; `benches/edges` compares with pymatting.

use std::ops::Range;

/// How strongly neighbours are bound to each other whatever their alpha.
const SMOOTHNESS: f64 = 0.001;
/// How much more strongly when alpha changes by 1 between them.
const EDGE_SMOOTHNESS: f64 = 0.1;
/// Levels up to this side are swept more often: they settle what colours there are at all.
const SMALL_SIDE: usize = 32;
const SMALL_SWEEPS: usize = 10;
const SWEEPS: usize = 2;
/// Alpha from which a pixel counts as the subject's, and up to which as the background's, for the first guess.
const SUBJECT_ALPHA: u8 = 230;
const BACKGROUND_ALPHA: u8 = 25;
/// The finest level is done in bands of so many rows, so that F and B of the whole picture are never held...
const BAND_ROWS: usize = 256;
/// ... each with so many more above and below, from which its first and last rows take what they need.
const BAND_MARGIN_ROWS: usize = 8;

/// The colours of the subject: `rgb`, `[height, width, 3]`, with the background's part taken out of each pixel whose
/// `alpha`, `[height, width]`, is neither 0 nor 255. All other pixels stay as they are.
///
/// Needs three bytes a pixel besides the result.
///
/// # Panics
/// When `rgb` or `alpha` has not exactly the bytes of the size.
pub fn estimate_foreground(rgb: &[u8], alpha: &[u8], width: usize, height: usize) -> Vec<u8> {
    assert!(alpha.len() == width * height && rgb.len() == 3 * alpha.len(), "expected {width}x{height} pixels");
    let mut result = rgb.to_vec();
    if !alpha.iter().copied().any(is_mixed) {
        return result;
    }
    let picture = Picture { rgb, alpha, width, height };
    let mut coarse = picture.first_guess();
    let levels = usize::BITS - (width.max(height) - 1).leading_zeros();
    for level in (1..levels).rev() {
        let rows = picture.size_at(level as usize)[1];
        coarse = picture.solve(level as usize, 0..rows, &coarse);
    }
    for first in (0..height).step_by(BAND_ROWS) {
        let end = height.min(first + BAND_ROWS);
        if !alpha[first * width..end * width].iter().copied().any(is_mixed) {
            continue;
        }
        let rows = first.saturating_sub(BAND_MARGIN_ROWS)..height.min(end + BAND_MARGIN_ROWS);
        let skipped = first - rows.start;
        let solved = picture.solve(0, rows, &coarse);
        for pixel in (first * width..end * width).filter(|&pixel| is_mixed(alpha[pixel])) {
            let from = pixel - (first - skipped) * width;
            result[3 * pixel..3 * pixel + 3].copy_from_slice(&solved.colours[from][..3]);
        }
    }
    result
}

fn is_mixed(alpha: u8) -> bool {
    alpha != 0 && alpha != 255
}

struct Picture<'a> {
    rgb: &'a [u8],
    alpha: &'a [u8],
    width: usize,
    height: usize,
}

/// F and B of a level, or of some of its rows.
struct Colours {
    width: usize,
    height: usize,
    /// [height, width], red, green and blue of F, then of B.
    colours: Vec<[u8; 6]>,
}

impl Picture<'_> {
    /// Width and height of a level: every `2^level`th pixel of the picture.
    fn size_at(&self, level: usize) -> [usize; 2] {
        [((self.width - 1) >> level) + 1, ((self.height - 1) >> level) + 1]
    }

    /// A level of one pixel: the mean colours of subject and background, or of all where there is none of it.
    fn first_guess(&self) -> Colours {
        let mean = |belongs: &dyn Fn(u8) -> bool| {
            let (mut sums, mut count) = ([0_u64; 3], 0_u64);
            for (pixel, _) in self.rgb.as_chunks::<3>().0.iter().zip(self.alpha).filter(|(_, alpha)| belongs(**alpha)) {
                count += 1;
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(value);
                }
            }
            (count > 0).then(|| sums.map(|sum| (sum as f64 / count as f64 + 0.5).floor() as u8))
        };
        let all = || mean(&|_| true).unwrap_or_default();
        let [r, g, b] = mean(&|alpha| alpha >= SUBJECT_ALPHA).unwrap_or_else(all);
        let [back_r, back_g, back_b] = mean(&|alpha| alpha <= BACKGROUND_ALPHA).unwrap_or_else(all);
        Colours { width: 1, height: 1, colours: vec![[r, g, b, back_r, back_g, back_b]] }
    }

    /// F and B of `rows` of a level, starting from the next coarser one.
    fn solve(&self, level: usize, rows: Range<usize>, coarse: &Colours) -> Colours {
        let [width, height] = self.size_at(level);
        let seen: Vec<[u8; 4]> = rows
            .clone()
            .flat_map(|y| (0..width).map(move |x| (y << level) * self.width + (x << level)))
            .map(|pixel| [self.rgb[3 * pixel], self.rgb[3 * pixel + 1], self.rgb[3 * pixel + 2], self.alpha[pixel]])
            .collect();
        let mut solved = Colours { width, height: rows.len(), colours: Vec::with_capacity(seen.len()) };
        for y in rows {
            for x in 0..width {
                let [r, g, b, alpha] = seen[solved.colours.len()];
                let mut colours = coarse.between(x, y);
                match alpha {
                    255 => colours[..3].copy_from_slice(&[r, g, b]),
                    0 => colours[3..].copy_from_slice(&[r, g, b]),
                    _ => {}
                }
                solved.colours.push(colours);
            }
        }
        let tables = Tables::new();
        let sweeps = if width.max(height) <= SMALL_SIDE { SMALL_SWEEPS } else { SWEEPS };
        for _ in 0..sweeps {
            solved.sweep(&seen, &tables);
        }
        solved
    }
}

/// What depends on alpha, or a difference of it, alone.
struct Tables {
    /// Alpha from 0 to 1.
    alpha: [f64; 256],
    /// How strongly neighbours are bound.
    bond: [f64; 256],
}

impl Tables {
    fn new() -> Self {
        let alpha = std::array::from_fn(|alpha| alpha as f64 / 255.0);
        Self { alpha, bond: alpha.map(|change: f64| SMOOTHNESS + EDGE_SMOOTHNESS * change) }
    }
}

impl Colours {
    /// What stands at a place of the next finer level: the pixel itself, or the mean of those around.
    fn between(&self, x: usize, y: usize) -> [u8; 6] {
        let (left, top) = (x >> 1, y >> 1);
        let (right, bottom) = ((left + (x & 1)).min(self.width - 1), (top + (y & 1)).min(self.height - 1));
        let at = |x: usize, y: usize| &self.colours[y * self.width + x];
        let corners = [at(left, top), at(right, top), at(left, bottom), at(right, bottom)];
        std::array::from_fn(|channel| {
            let sum: u16 = corners.iter().map(|corner| u16::from(corner[channel])).sum();
            ((sum + 2) >> 2) as u8
        })
    }

    /// Solves for each pixel that is mixed, or next to one that is, from its neighbours as they are now: row by row, so
    /// that those above and to the left are new already.
    fn sweep(&mut self, seen: &[[u8; 4]], tables: &Tables) {
        for y in 0..self.height {
            for x in 0..self.width {
                let here = y * self.width + x;
                // At the rim a pixel is its own neighbour.
                let around = [
                    here - usize::from(x > 0),
                    here + usize::from(x + 1 < self.width),
                    if y > 0 { here - self.width } else { here },
                    if y + 1 < self.height { here + self.width } else { here },
                ];
                let alpha = seen[here][3];
                if is_mixed(alpha) || around.iter().any(|&neighbour| is_mixed(seen[neighbour][3])) {
                    self.colours[here] = self.solve_pixel(seen, tables, here, around);
                }
            }
        }
    }

    /// The F and B that minimise `(alpha F + (1 - alpha) B - I)^2` and, weighted by the bond to each neighbour, their
    /// squared differences from the neighbour's: two linear equations a channel.
    fn solve_pixel(&self, seen: &[[u8; 4]], tables: &Tables, here: usize, around: [usize; 4]) -> [u8; 6] {
        let [r, g, b, alpha] = seen[here];
        let front = tables.alpha[usize::from(alpha)];
        let back = 1.0 - front;
        // Front's and back's share of what is seen, then of each neighbour.
        let mut sums = [0.0; 6];
        for (channel, value) in [r, g, b].into_iter().enumerate() {
            sums[channel] = front * f64::from(value);
            sums[3 + channel] = back * f64::from(value);
        }
        let mut bound = 0.0;
        for neighbour in around {
            let bond = tables.bond[usize::from(alpha.abs_diff(seen[neighbour][3]))];
            bound += bond;
            for (sum, &value) in sums.iter_mut().zip(&self.colours[neighbour]) {
                *sum += bond * f64::from(value);
            }
        }
        let (front_front, front_back, back_back) = (front * front + bound, front * back, back * back + bound);
        let scale = 1.0 / (front_front * back_back - front_back * front_back);
        std::array::from_fn(|channel| {
            let (own, other, weight) = match channel {
                0..3 => (sums[channel], sums[channel + 3], back_back),
                _ => (sums[channel], sums[channel - 3], front_front),
            };
            to_byte(scale * (weight * own - front_back * other))
        })
    }
}

fn to_byte(value: f64) -> u8 {
    (value.clamp(0.0, 255.0) + 0.5) as u8
}
