//! Convolution with one group: the kernel where nearly all of a segmentation net's time goes.

use super::{Extent, Key, Launch, Loads, TEXTURE_COLUMNS, TEXTURE_COPY_BYTES, TEXTURE_ROWS, activation, left_top, xy};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// Pixels of a row that one invocation computes.
pub const TILE: usize = 8;
/// Output channels that one invocation computes.
pub const BLOCK: usize = 8;

/// As in `shaders/conv.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) window: [u32; 2],
    pub(super) stride: [u32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) part_quads: [u32; 4],
    pub(super) out_quads: u32,
    pub(super) blocks: u32,
    pub(super) tiles: u32,
    pub(super) before: u32,
    pub(super) before_args: [f32; 2],
    pub(super) after_args: [f32; 2],
    pub(super) after: u32,
    pub(super) tail: [u32; 3],
}

/// Reads the parts (up to [`crate::graph::fuse::MAX_PARTS`]), the residual if there is one, the packed
/// weights and the packed bias. Parts and weights are read as `loads` says where all of them fit it.
pub fn launch(conv: &Conv, parts: &[Extent], kernel: [usize; 2], out: Extent, loads: Loads) -> Launch {
    let mut part_quads = [0; 4];
    for (slot, part) in part_quads.iter_mut().zip(parts) {
        *slot = part.quads() as u32;
    }
    let (before, before_args) = activation::code(conv.epilogue.before);
    let (after, after_args) = activation::code(conv.epilogue.after);
    let blocks = out.channels.div_ceil(BLOCK);
    let tiles = out.width.div_ceil(TILE);
    let params = Params {
        in_size: parts[0].xy(),
        out_size: out.xy(),
        window: xy(kernel),
        stride: xy(conv.strides),
        dilation: xy(conv.dilations),
        pad: left_top(conv.pads),
        part_quads,
        out_quads: out.quads() as u32,
        blocks: blocks as u32,
        tiles: tiles as u32,
        before,
        before_args,
        after_args,
        after,
        tail: [0; 3],
    };
    let mut defines: Vec<&'static str> = ["PARTS_2", "PARTS_3", "PARTS_4"][..parts.len() - 1].to_vec();
    defines.extend(conv.epilogue.residual.then_some("RESIDUAL"));
    defines.extend(activation::define(&conv.epilogue));
    let quads: usize = parts.iter().map(|part| part.quads()).sum();
    let weights = blocks * kernel[0] * kernel[1] * quads * BLOCK;
    let copies = parts.iter().all(|part| part.vec4s() * 16 <= TEXTURE_COPY_BYTES);
    let fit = copies && weights <= TEXTURE_COLUMNS * TEXTURE_ROWS;
    let textures = loads.define().filter(|_| fit);
    defines.extend(textures);
    let mut launch = Launch::new(Key::with("conv", defines), &params, tiles * out.height * blocks);
    if textures.is_some() {
        launch.textures.extend(0..parts.len());
        launch.textures.push(parts.len() + usize::from(conv.epilogue.residual));
    }
    launch
}

/// Weights `[Co, Ci, Kh, Kw]` as the shader reads them, `[Co/8, part, Kh, Kw, Cpart/4, 2, 4, 4]`: the last
/// axis runs over four output channels, the one before over four input channels. What does not exist is 0.
///
/// Packs `blocks` of the first axis; `weights` are those of the blocks' output channels and no others.
pub fn pack_blocks(weights: &[f32], shape: [usize; 4], part_channels: &[usize], blocks: Range<usize>) -> Vec<f32> {
    let [out_channels, in_channels, kh, kw] = shape;
    let quads: usize = part_channels.iter().map(|channels| channels.div_ceil(4)).sum();
    let mut packed = Vec::with_capacity(blocks.len() * kh * kw * quads * 32);
    let first_output = blocks.start * BLOCK;
    for block in blocks {
        let mut first = 0;
        for &channels in part_channels {
            for window in 0..kh * kw {
                for quad in 0..channels.div_ceil(4) {
                    for (half, i, o) in (0..32).map(|n| (n / 16, n / 4 % 4, n % 4)) {
                        let (input, output) = (quad * 4 + i, block * BLOCK + half * 4 + o);
                        let exists = input < channels && output < out_channels;
                        let at = || ((output - first_output) * in_channels + first + input) * kh * kw + window;
                        packed.push(if exists { weights[at()] } else { 0.0 });
                    }
                }
            }
            first += channels;
        }
    }
    packed
}

/// A bias, or zeros where there is none, filled up with zeros to a whole number of `block` channels.
pub fn pack_bias(bias: Option<&[f32]>, channels: usize, block: usize) -> Vec<f32> {
    let mut packed = bias.map_or_else(|| vec![0.0; channels], <[f32]>::to_vec);
    packed.resize(channels.next_multiple_of(block), 0.0);
    packed
}
