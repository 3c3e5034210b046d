//! Between the host's planes, `[C, H, W]`, and the GPU's layout, `[H, W, C/4]` vec4.

use super::{Extent, Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/pack.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) pixels: u32,
    pub(super) channels: u32,
    pub(super) tail: [u32; 2],
}

/// Reads planes, writes quads.
pub fn from_planes(extent: Extent) -> Launch {
    launch(extent, Vec::new())
}

/// Reads quads, writes planes.
pub fn to_planes(extent: Extent) -> Launch {
    launch(extent, vec!["TO_PLANES"])
}

fn launch(extent: Extent, defines: Vec<&'static str>) -> Launch {
    let params = Params { pixels: extent.pixels() as u32, channels: extent.channels as u32, tail: [0; 2] };
    Launch::new(Key::with("pack", defines), &params, extent.vec4s())
}
