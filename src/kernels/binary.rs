//! Sums, differences and products of two tensors that broadcast.

use super::{Extent, Key, Launch};
use crate::graph::Binary;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/binary.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) size: [u32; 4],
    pub(super) a_strides: [u32; 4],
    pub(super) b_strides: [u32; 4],
}

/// Reads `a`, then `b`; each of their dimensions is the output's or 1.
pub fn launch(function: Binary, a: Extent, b: Extent, out: Extent) -> Launch {
    let function = match function {
        Binary::Add => 0,
        Binary::Sub => 1,
        Binary::Mul => 2,
    };
    let strides = |operand: Extent| {
        let quads = operand.quads() as u32;
        let x = if operand.width == 1 { 0 } else { quads };
        let y = if operand.height == 1 { 0 } else { quads * operand.width as u32 };
        let one_channel = operand.channels == 1 && out.channels != 1;
        [x, y, u32::from(!one_channel), u32::from(one_channel)]
    };
    let [width, height] = out.xy();
    let params =
        Params { size: [width, height, out.quads() as u32, function], a_strides: strides(a), b_strides: strides(b) };
    Launch::new(Key::plain("binary"), &params, out.vec4s())
}
