//! Convolution with any number of groups.

use super::{Extent, Key, Launch, activation, left_top, xy};
use crate::graph::Conv;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/conv_grouped.wgsl`.
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
    pub(super) in_quads: u32,
    pub(super) out_quads: u32,
    pub(super) group_inputs: u32,
    pub(super) group_outputs: u32,
    pub(super) channels: u32,
    pub(super) tail: u32,
}

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
        in_quads: input.quads() as u32,
        out_quads: out.quads() as u32,
        group_inputs: (input.channels / conv.groups) as u32,
        group_outputs: (out.channels / conv.groups) as u32,
        channels: out.channels as u32,
        tail: 0,
    };
    let defines = conv.epilogue.residual.then_some("RESIDUAL").into_iter().collect();
    Launch::new(Key::with("conv_grouped", defines), &params, out.vec4s())
}

/// Weights `[Co, Ci/groups, Kh, Kw]` as `[Co/4, Kh, Kw, Ci/groups, 4]`, the last axis over output channels.
pub fn pack_weights(weights: &[f32], shape: [usize; 4]) -> Vec<f32> {
    let [out_channels, in_channels, kh, kw] = shape;
    let mut packed = Vec::with_capacity(out_channels.next_multiple_of(4) * in_channels * kh * kw);
    for quad in 0..out_channels.div_ceil(4) {
        for window in 0..kh * kw {
            for input in 0..in_channels {
                for output in quad * 4..quad * 4 + 4 {
                    let at = (output * in_channels + input) * kh * kw + window;
                    packed.push(if output < out_channels { weights[at] } else { 0.0 });
                }
            }
        }
    }
    packed
}
