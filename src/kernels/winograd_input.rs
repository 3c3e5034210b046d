//! Winograd's first step: overlapping tiles of one part of the input, transformed.

use super::winograd::{Grid, Strip};
use super::{Extent, Key, Launch, left_top};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/winograd_input.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) grid: [u32; 2],
    pub(super) first_tile: u32,
    pub(super) tiles: u32,
    pub(super) rows: u32,
    pub(super) quads: u32,
    pub(super) first_quad: u32,
    pub(super) all_quads: u32,
}

/// Whether a part may be given as what is to be resized to twice its size, linearly: the convolution pads by one
/// and is not dilated, so that tiles begin before an odd pixel, and the resize is exactly that.
pub fn takes_halves(conv: &Conv) -> bool {
    conv.dilations == [1, 1] && conv.pads[..2] == [1, 1]
}

/// Reads part `part` of what the convolution reads side by side, or, if `doubled`, the half of it in both
/// directions; writes its share of a strip's tiles.
pub fn launch(conv: &Conv, parts: &[Extent], part: usize, doubled: bool, grid: Grid, strip: Strip) -> Launch {
    let quads = |parts: &[Extent]| parts.iter().map(|part| part.quads()).sum::<usize>();
    let input = parts[part];
    let params = Params {
        in_size: input.xy(),
        pad: left_top(conv.pads),
        dilation: grid.dilation,
        grid: grid.tiles,
        first_tile: strip.first as u32,
        tiles: strip.tiles as u32,
        rows: strip.rows as u32,
        quads: input.quads() as u32,
        first_quad: quads(&parts[..part]) as u32,
        all_quads: quads(parts) as u32,
    };
    let defines = if doubled { vec!["DOUBLED"] } else { Vec::new() };
    Launch::new(Key::with("winograd_input", defines), &params, strip.tiles * input.quads())
}
