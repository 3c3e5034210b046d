//! Winograd's last step: sums turned into pixels, bias, activations and residual included.

use super::winograd::{BLOCK, Grid, Strip};
use super::{Extent, Key, Launch, activation};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/winograd_output.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) out_size: [u32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) grid: [u32; 2],
    pub(super) first_tile: u32,
    pub(super) tiles: u32,
    pub(super) rows: u32,
    pub(super) quads: u32,
    pub(super) all_quads: u32,
    pub(super) before: u32,
    pub(super) before_args: [f32; 2],
    pub(super) after_args: [f32; 2],
    pub(super) after: u32,
    pub(super) tail: u32,
}

/// Reads a strip's products, the residual if there is one, and the packed bias; writes the strip's pixels.
/// With `in_place` the residual is not read besides: it is what the output holds before. `wide` products are f32
/// whatever the rest is.
pub fn launch(conv: &Conv, out: Extent, grid: Grid, strip: Strip, in_place: bool, wide: bool) -> Launch {
    let (before, before_args) = activation::code(conv.epilogue.before);
    let (after, after_args) = activation::code(conv.epilogue.after);
    let params = Params {
        out_size: out.xy(),
        dilation: grid.dilation,
        grid: grid.tiles,
        first_tile: strip.first as u32,
        tiles: strip.tiles as u32,
        rows: strip.rows as u32,
        quads: out.quads() as u32,
        all_quads: (out.channels.div_ceil(BLOCK) * BLOCK / 4) as u32,
        before,
        before_args,
        after_args,
        after,
        tail: 0,
    };
    let mut defines = match (conv.epilogue.residual, in_place) {
        (false, _) => Vec::new(),
        (true, false) => vec!["RESIDUAL"],
        (true, true) => vec!["IN_PLACE"],
    };
    if wide {
        defines.push("WIDE");
    }
    defines.extend(activation::define(&conv.epilogue));
    Launch::new(Key::with("winograd_output", defines), &params, strip.tiles * out.quads())
}
