//! Constants in the order in which a kernel reads them.

use crate::error::{Result, bail};
use crate::kernels::{Precision, conv, conv_depthwise, conv_grouped, conv_single, conv_transpose, winograd};
use crate::model::{Weight, Weights};
use std::ops::Range;

/// A constant as a kernel wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedWeight {
    /// Its key in the model file; `None` for zeros that stand for a bias that is not there.
    pub source: Option<String>,
    /// From the file's order to the kernel's.
    pub packing: Packing,
    /// What the packed numbers are.
    pub precision: Precision,
    /// Bytes once packed.
    pub bytes: u64,
}

/// How a constant is packed; the functions stand beside the kernels that read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packing {
    /// For [`conv`]: `[Co, Ci, Kh, Kw]`, and the channels of each part read side by side.
    Conv {
        /// Of the weights.
        shape: [usize; 4],
        /// Channels of each part.
        parts: Vec<usize>,
    },
    /// For [`winograd`], transformed: as [`Packing::Conv`].
    Winograd {
        /// Of the weights.
        shape: [usize; 4],
        /// Channels of each part.
        parts: Vec<usize>,
    },
    /// For [`conv_single`].
    Single {
        /// Input channels.
        channels: usize,
    },
    /// For [`conv_depthwise`].
    Depthwise {
        /// Channels.
        channels: usize,
        /// Height times width.
        window: usize,
    },
    /// For [`conv_grouped`].
    Grouped {
        /// `[Co, Ci/groups, Kh, Kw]`
        shape: [usize; 4],
    },
    /// For [`conv_transpose`].
    Transposed {
        /// `[Ci, Co/groups, Kh, Kw]`
        shape: [usize; 4],
        /// Channel groups.
        groups: usize,
    },
    /// A bias, or zeros, filled up to whole blocks of channels.
    Bias {
        /// Channels before filling up.
        channels: usize,
        /// Channels of a block.
        block: usize,
    },
    /// An activation-shaped constant `[C, H, W]`, channels last, in quads.
    Quads {
        /// Channels, height, width.
        shape: [usize; 3],
    },
}

impl PackedWeight {
    pub(super) fn new(source: Option<&str>, packing: Packing, precision: Precision) -> Self {
        // A bias is as long as an activation is deep: too little to be worth the rounding.
        let precision = if matches!(packing, Packing::Bias { .. }) { Precision::F32 } else { precision };
        let quads = |channels: usize| channels.div_ceil(4) * 4;
        let values = match &packing {
            Packing::Conv { shape: [o, _, kh, kw], parts } => {
                let inputs: usize = parts.iter().map(|&channels| quads(channels)).sum();
                o.next_multiple_of(conv::BLOCK) * inputs * kh * kw
            }
            Packing::Winograd { shape: [o, ..], parts } => {
                let inputs: usize = parts.iter().map(|&channels| quads(channels)).sum();
                winograd::NUMBERS * o.next_multiple_of(winograd::BLOCK) * inputs
            }
            Packing::Single { channels } => quads(*channels) * 9,
            Packing::Depthwise { channels, window } => quads(*channels) * window,
            Packing::Grouped { shape: [o, i, kh, kw] } => quads(*o) * i * kh * kw,
            Packing::Transposed { shape: [i, o, kh, kw], groups } => quads(o * groups) * (i / groups) * kh * kw,
            Packing::Bias { channels, block } => channels.next_multiple_of(*block),
            Packing::Quads { shape: [c, h, w] } => quads(*c) * h * w,
        };
        Self { source: source.map(str::to_owned), packing, precision, bytes: (values * precision.bytes()) as u64 }
    }

    /// The packed values in pieces, in order: transformed weights of a wide layer are tens of megabytes, a page's
    /// memory never shrinks again, and its thread must not be held for long.
    ///
    /// # Errors
    /// `Internal` when the weight was not loaded or is not of the planned size.
    pub fn pieces<'a>(&'a self, weights: &'a Weights) -> Result<Pieces<'a>> {
        let source = match &self.source {
            Some(name) => Some(weights.get(name)?),
            None => None,
        };
        let found = source.map_or(0, |source| source.shape().iter().product());
        let expected: usize = match &self.packing {
            Packing::Conv { shape, .. }
            | Packing::Winograd { shape, .. }
            | Packing::Grouped { shape }
            | Packing::Transposed { shape, .. } => shape.iter().product(),
            Packing::Single { channels } => channels * 9,
            Packing::Depthwise { channels, window } => channels * window,
            Packing::Bias { channels, .. } => source.map_or(0, |_| *channels),
            Packing::Quads { shape } => shape.iter().product(),
        };
        if found != expected {
            bail!(Internal, "weight {:?}: expected {expected} values, found {found}", self.source);
        }
        Ok(Pieces { packing: &self.packing, source, next: 0 })
    }
}

/// Packed values, piece by piece: see [`PackedWeight::pieces`].
#[derive(Debug)]
pub struct Pieces<'a> {
    packing: &'a Packing,
    source: Option<&'a Weight>,
    /// The next block of output channels; of what is one piece, whether it was given.
    next: usize,
}

/// Values of one piece, unless one block has more.
const PIECE_VALUES: usize = 1 << 17;

impl Pieces<'_> {
    /// The next blocks, each of `block` output channels with `row` values, and the values that they have in the file.
    fn blocks(
        &mut self,
        channels: usize,
        row: usize,
        block: usize,
        at_once: usize,
    ) -> Option<(Range<usize>, Vec<f32>)> {
        let first = self.next;
        let end = channels.div_ceil(block).min(first + at_once.max(1));
        self.next = end;
        let values =
            || self.source.map(|source| source.slice_f32(first * block * row..channels.min(end * block) * row));
        (first < end).then(|| (first..end, values().unwrap_or_default()))
    }
}

impl Iterator for Pieces<'_> {
    type Item = Vec<f32>;

    fn next(&mut self) -> Option<Vec<f32>> {
        match self.packing {
            Packing::Conv { shape: shape @ [channels, inputs, kh, kw], parts } => {
                let row = inputs * kh * kw;
                let at_once = PIECE_VALUES / (conv::BLOCK * row.max(1));
                let (blocks, values) = self.blocks(*channels, row, conv::BLOCK, at_once)?;
                return Some(conv::pack_blocks(&values, *shape, parts, blocks));
            }
            Packing::Winograd { shape: shape @ [channels, inputs, ..], parts } => {
                let (blocks, values) = self.blocks(*channels, inputs * 9, winograd::BLOCK, 1)?;
                return Some(winograd::pack_block(&values, *shape, parts, blocks.start));
            }
            _ => {}
        }
        if std::mem::replace(&mut self.next, 1) > 0 {
            return None;
        }
        let values = self.source.map(Weight::to_f32);
        let given = values.as_deref().unwrap_or(&[]);
        Some(match self.packing {
            Packing::Single { channels } => conv_single::pack_weights(given, *channels),
            Packing::Depthwise { channels, window } => conv_depthwise::pack_weights(given, *channels, *window),
            Packing::Grouped { shape } => conv_grouped::pack_weights(given, *shape),
            Packing::Transposed { shape, groups } => conv_transpose::pack_weights(given, *shape, *groups),
            Packing::Bias { channels, block } => conv::pack_bias(values.as_deref(), *channels, *block),
            Packing::Quads { shape } => quads(given, *shape),
            // Given above.
            Packing::Conv { .. } | Packing::Winograd { .. } => return None,
        })
    }
}

fn quads(values: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let pixels = height * width;
    let mut packed = Vec::with_capacity(channels.next_multiple_of(4) * pixels);
    for pixel in 0..pixels {
        for channel in 0..channels.next_multiple_of(4) {
            packed.push(if channel < channels { values[channel * pixels + pixel] } else { 0.0 });
        }
    }
    packed
}
