//! Max and average pooling.

use super::{Extent, Key, Launch, left_top, xy};
use crate::graph::Pool;
use crate::graph::op::PoolKind;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/pool.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) window: [u32; 2],
    pub(super) stride: [u32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) padded_end: [i32; 2],
    pub(super) quads: u32,
    pub(super) average: u32,
}

/// Reads the input.
pub fn launch(pool: &Pool, input: Extent, out: Extent) -> Launch {
    let [_, _, bottom, right] = pool.pads;
    let params = Params {
        in_size: input.xy(),
        out_size: out.xy(),
        window: xy(pool.window),
        stride: xy(pool.strides),
        dilation: xy(pool.dilations),
        pad: left_top(pool.pads),
        padded_end: [(input.width + right) as i32, (input.height + bottom) as i32],
        quads: out.quads() as u32,
        average: match pool.kind {
            PoolKind::Max => 0,
            PoolKind::Average => 1,
            PoolKind::AverageWithPads => 2,
        },
    };
    Launch::new(Key::plain("pool"), &params, out.vec4s())
}
