//! Concatenation by copying, two tensors at a time.

use super::{Extent, Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/concat.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) pixels: u32,
    pub(super) a_channels: u32,
    pub(super) b_channels: u32,
    pub(super) pad: u32,
}

/// Reads `a`, then `b`, of equal width and height.
pub fn launch(a: Extent, b: Extent) -> Launch {
    let out = Extent { channels: a.channels + b.channels, ..a };
    let params =
        Params { pixels: out.pixels() as u32, a_channels: a.channels as u32, b_channels: b.channels as u32, pad: 0 };
    Launch::new(Key::plain("concat"), &params, out.vec4s())
}
