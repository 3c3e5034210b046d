//! Convolution with one filter a channel.

use super::{Extent, Key, Launch, activation, left_top, xy};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/conv_depthwise.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) window: [u32; 2],
    pub(super) stride: [u32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) before_args: [f32; 2],
    pub(super) after_args: [f32; 2],
    pub(super) before: u32,
    pub(super) after: u32,
    pub(super) quads: u32,
    pub(super) tiles: u32,
}

/// Pixels of a row that one invocation computes.
const TILE: usize = 4;

/// Reads the input, the residual if there is one, the packed weights and the packed bias.
pub fn launch(conv: &Conv, input: Extent, kernel: [usize; 2], out: Extent) -> Launch {
    let (before, before_args) = activation::code(conv.epilogue.before);
    let (after, after_args) = activation::code(conv.epilogue.after);
    let params = Params {
        in_size: input.xy(),
        out_size: out.xy(),
        window: xy(kernel),
        stride: xy(conv.strides),
        dilation: xy(conv.dilations),
        pad: left_top(conv.pads),
        before_args,
        after_args,
        before,
        after,
        quads: out.quads() as u32,
        tiles: out.width.div_ceil(TILE) as u32,
    };
    let residual = conv.epilogue.residual.then_some("RESIDUAL");
    let defines = residual.into_iter().chain(activation::define(&conv.epilogue)).collect();
    let invocations = out.height * out.width.div_ceil(TILE) * out.quads();
    Launch::new(Key::with("conv_depthwise", defines), &params, invocations)
}

/// Weights `[C, 1, Kh, Kw]` as `[C/4, Kh, Kw, 4]`.
pub fn pack_weights(weights: &[f32], channels: usize, window: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(channels.next_multiple_of(4) * window);
    for quad in 0..channels.div_ceil(4) {
        for at in 0..window {
            for channel in quad * 4..quad * 4 + 4 {
                packed.push(if channel < channels { weights[channel * window + at] } else { 0.0 });
            }
        }
    }
    packed
}
