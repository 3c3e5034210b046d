//! The multiply-add rate that no kernel can beat.

use super::{Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/ceiling_arithmetic.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) rounds: u32,
    pub(super) count: u32,
    pub(super) tail: [u32; 2],
}

/// Multiply-adds of an invocation in one round.
pub const MACS_A_ROUND: u64 = 64;

/// Reads and writes one vec4 for each of `count` invocations.
pub fn launch(rounds: u32, count: usize) -> Launch {
    let params = Params { rounds, count: count as u32, tail: [0; 2] };
    Launch::new(Key::plain("ceiling_arithmetic"), &params, count)
}
