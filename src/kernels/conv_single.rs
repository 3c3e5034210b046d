//! 3x3 convolution to one channel: how segmentation nets end.

use super::{Extent, Key, Launch, activation, left_top};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};

/// Pixels along each axis that one invocation computes.
const TILE: usize = 4;

/// As in `shaders/conv_single.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) grid: [u32; 2],
    pub(super) quads: u32,
    pub(super) activation: u32,
    pub(super) arguments: [f32; 2],
}

/// Whether the kernel computes this convolution, of one part.
pub fn fits(conv: &Conv, kernel: [usize; 2], out: Extent) -> bool {
    let plain = conv.strides == [1, 1] && conv.dilations == [1, 1] && conv.groups == 1;
    plain && kernel == [3, 3] && out.channels == 1 && !conv.epilogue.residual
}

/// Reads the input, the packed weights and the packed bias.
pub fn launch(conv: &Conv, input: Extent, out: Extent) -> Launch {
    let (code, arguments) = activation::code(conv.epilogue.before);
    let grid = [out.width, out.height].map(|side| side.div_ceil(TILE));
    let params = Params {
        in_size: input.xy(),
        out_size: out.xy(),
        pad: left_top(conv.pads),
        grid: grid.map(|tiles| tiles as u32),
        quads: input.quads() as u32,
        activation: code,
        arguments,
    };
    Launch::new(Key::plain("conv_single"), &params, grid[0] * grid[1])
}

/// Weights `[1, Ci, 3, 3]` as the shader reads them, `[Ci/4, 3, 3, 4]`: channels that do not exist are 0.
pub fn pack_weights(weights: &[f32], channels: usize) -> Vec<f32> {
    let mut packed = vec![0.0; channels.next_multiple_of(4) * 9];
    for (channel, kernel) in weights.as_chunks::<9>().0.iter().enumerate() {
        for (tap, &value) in kernel.iter().enumerate() {
            packed[(channel / 4 * 9 + tap) * 4 + channel % 4] = value;
        }
    }
    packed
}
