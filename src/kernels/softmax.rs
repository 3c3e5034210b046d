//! Softmax over channels.

use super::{Extent, Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/softmax.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) pixels: u32,
    pub(super) channels: u32,
    pub(super) tail: [u32; 2],
}

/// Reads the input.
pub fn launch(extent: Extent) -> Launch {
    let params = Params { pixels: extent.pixels() as u32, channels: extent.channels as u32, tail: [0; 2] };
    Launch::new(Key::plain("softmax"), &params, extent.pixels())
}
