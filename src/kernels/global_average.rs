//! The mean of each channel over the picture.

use super::{Extent, Key, Launch, WORKGROUP};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/global_average.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) pixels: u32,
    pub(super) quads: u32,
    pub(super) tail: [u32; 2],
}

/// Reads the input. One workgroup a quad; 65,535 workgroups are more channels than shapes allow here.
pub fn launch(input: Extent) -> Launch {
    let params = Params { pixels: input.pixels() as u32, quads: input.quads() as u32, tail: [0; 2] };
    Launch::new(Key::plain("global_average"), &params, input.quads() * WORKGROUP as usize)
}
