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

/// Reads part `part` of what the convolution reads side by side; writes its share of a strip's tiles.
pub fn launch(conv: &Conv, parts: &[Extent], part: usize, grid: Grid, strip: Strip) -> Launch {
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
    Launch::new(Key::plain("winograd_input"), &params, strip.tiles * input.quads())
}
