//! Winograd's F(4x4, 3x3): a 3x3 convolution of stride 1 from a quarter of the products (Lavin and Gray,
//! <https://arxiv.org/abs/1509.09308>).
//!
//! Three kernels one after the other: [`super::winograd_input`], [`super::winograd_multiply`] and
//! [`super::winograd_output`]. A dilated convolution is taken as undilated ones over every dilation-th pixel.
//! The tiles of a picture are taken in strips, so that what lies between the kernels stays small.

use super::{Extent, xy};
use crate::graph::Conv;

/// Numbers of a transformed tile, and so matrix products: 6 by 6.
pub const NUMBERS: usize = 36;
/// Outputs of a tile along each axis.
pub const TILE: usize = 4;
/// Output channels of a block of weights.
pub const BLOCK: usize = 16;
/// Tiles of a strip are a multiple of this, the most that an invocation holds.
pub const STRIP: usize = 16;

/// The tiles of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Of one picture, x and y.
    pub(super) tiles: [u32; 2],
    /// Pictures, x and y.
    pub(super) dilation: [u32; 2],
}

/// Some of the tiles, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strip {
    /// The first one's number.
    pub first: usize,
    /// How many there are.
    pub tiles: usize,
    /// How many there is room for, a multiple of [`STRIP`].
    pub rows: usize,
}

impl Grid {
    /// `None` where the convolution is not of the kind: 3x3, stride 1, one group, dilated by less than the output's
    /// size, so that there are never many more tiles than pixels.
    pub fn of(conv: &Conv, kernel: [usize; 2], out: Extent) -> Option<Self> {
        if kernel != [3, 3] || conv.strides != [1, 1] || conv.groups != 1 {
            return None;
        }
        let dilation = xy(conv.dilations);
        let size = out.xy();
        if dilation[0] > size[0] || dilation[1] > size[1] {
            return None;
        }
        let tiles = [0, 1].map(|axis| size[axis].div_ceil(dilation[axis]).div_ceil(TILE as u32));
        Some(Self { tiles, dilation })
    }

    /// Tiles of all pictures.
    pub fn count(self) -> usize {
        self.tiles.iter().chain(&self.dilation).map(|&count| count as usize).product()
    }

    /// As few strips of about the same length as keep `bytes_a_tile` within `most_bytes` each.
    pub fn strips(self, bytes_a_tile: u64, most_bytes: u64) -> Vec<Strip> {
        let tiles = self.count();
        let most = (most_bytes / bytes_a_tile.max(1)) as usize / STRIP * STRIP;
        let strips = tiles.div_ceil(most.max(STRIP));
        let rows = tiles.div_ceil(strips).next_multiple_of(STRIP);
        (0..tiles).step_by(rows).map(|first| Strip { first, tiles: rows.min(tiles - first), rows }).collect()
    }
}

/// Block `block` of weights `[Co, Ci, 3, 3]`, of which `weights` has that block's alone; the product reads them as `[Co/16, 36, Ci, 16]`, the last axis running
/// over output channels. Parts stand one after the other, each filled up with zeros to whole quads of channels.
pub fn pack_block(weights: &[f32], shape: [usize; 4], parts: &[usize], block: usize) -> Vec<f32> {
    let [out_channels, in_channels, ..] = shape;
    let quads: usize = parts.iter().map(|channels| channels.div_ceil(4)).sum();
    let mut packed = vec![0.0; NUMBERS * quads * 4 * BLOCK];
    let first_output = block * BLOCK;
    for output in 0..BLOCK.min(out_channels - first_output) {
        let kernels = &weights[output * in_channels * 9..][..in_channels * 9];
        let (mut first_quad, mut first_input) = (0, 0);
        for &channels in parts {
            for channel in 0..channels {
                let kernel = &kernels[(first_input + channel) * 9..][..9];
                for (number, value) in transformed(kernel).into_iter().enumerate() {
                    packed[((number * quads + first_quad) * 4 + channel) * BLOCK + output] = value as f32;
                }
            }
            first_quad += channels.div_ceil(4);
            first_input += channels;
        }
    }
    packed
}

/// G g G^T, row by row.
fn transformed(kernel: &[f32]) -> [f64; NUMBERS] {
    let g = |row: usize, column: usize| f64::from(kernel[row * 3 + column]);
    let columns = [0, 1, 2].map(|column| six([g(0, column), g(1, column), g(2, column)]));
    let mut all = [0.0; NUMBERS];
    for (row, place) in all.as_chunks_mut::<6>().0.iter_mut().enumerate() {
        *place = six([columns[0][row], columns[1][row], columns[2][row]]);
    }
    all
}

/// G times three numbers. Its rows are times 4, 4, 4, 8, 8 and 4, and those of B^T, in
/// `shaders/winograd_input.wgsl`, divided by that: powers of two round nothing, and both sides stay far from the
/// ends of f16.
fn six([a, b, c]: [f64; 3]) -> [f64; 6] {
    let (outer, wide, middle) = (-(a + c) / 1.5, (a + 4.0 * c) / 3.0, b / 1.5);
    [a, outer - middle, outer + middle, wide + middle, wide - middle, 4.0 * c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::Epilogue;

    fn grid(dilation: usize, height: usize, width: usize) -> Option<Grid> {
        let epilogue = Epilogue::default();
        let conv = Conv { groups: 1, strides: [1; 2], dilations: [dilation; 2], pads: [dilation; 4], epilogue };
        Grid::of(&conv, [3, 3], Extent { height, width, channels: 8 })
    }

    #[test]
    fn a_dilation_beyond_the_picture_has_no_tiles() {
        assert_eq!(grid(1, 9, 8).unwrap().count(), 6);
        assert_eq!(grid(4, 16, 16).unwrap().count(), 16);
        assert_eq!(grid(8, 8, 8).unwrap().count(), 64);
        assert_eq!(grid(9, 8, 8), None);
        assert_eq!(grid(1 << 16, 8, 8), None);
    }

    #[test]
    fn strips_cover_all_tiles_once_within_their_bytes() {
        let grid = grid(1, 100, 101).unwrap();
        for most_bytes in [0, 16_000, 40_000, 1 << 30] {
            let strips = grid.strips(1000, most_bytes);
            let mut next = 0;
            for strip in &strips {
                assert_eq!(strip.first, next);
                assert!(strip.tiles <= strip.rows && strip.rows.is_multiple_of(STRIP), "{strip:?}");
                assert!(strip.rows as u64 * 1000 <= most_bytes.max(16_000), "{strip:?} in {most_bytes} bytes");
                next += strip.tiles;
            }
            assert_eq!(next, grid.count());
        }
    }
}
