//! The rate of memory traffic that no kernel can beat.

use super::{Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/ceiling_bandwidth.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) count: u32,
    pub(super) tail: [u32; 3],
}

/// Copies `count` vec4s.
pub fn launch(count: usize) -> Launch {
    Launch::new(Key::plain("ceiling_bandwidth"), &Params { count: count as u32, tail: [0; 3] }, count)
}
