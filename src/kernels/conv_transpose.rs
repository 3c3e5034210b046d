//! Transposed convolution.

use super::{Extent, Key, Launch, left_top, xy};
use crate::graph::op::ConvTranspose;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/conv_transpose.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) window: [u32; 2],
    pub(super) stride: [u32; 2],
    pub(super) dilation: [u32; 2],
    pub(super) pad: [i32; 2],
    pub(super) in_quads: u32,
    pub(super) out_quads: u32,
    pub(super) group_inputs: u32,
    pub(super) group_outputs: u32,
    pub(super) channels: u32,
    pub(super) tail: u32,
}

/// Reads the input, the packed weights and the packed bias.
pub fn launch(conv: &ConvTranspose, input: Extent, kernel: [usize; 2], out: Extent) -> Launch {
    let params = Params {
        in_size: input.xy(),
        out_size: out.xy(),
        window: xy(kernel),
        stride: xy(conv.strides),
        dilation: xy(conv.dilations),
        pad: left_top(conv.pads),
        in_quads: input.quads() as u32,
        out_quads: out.quads() as u32,
        group_inputs: (input.channels / conv.groups) as u32,
        group_outputs: (out.channels / conv.groups) as u32,
        channels: out.channels as u32,
        tail: 0,
    };
    Launch::new(Key::plain("conv_transpose"), &params, out.vec4s())
}

/// Weights `[Ci, Co/groups, Kh, Kw]` as `[Co/4, Kh, Kw, Ci/groups, 4]`, the last axis over output channels.
pub fn pack_weights(weights: &[f32], shape: [usize; 4], groups: usize) -> Vec<f32> {
    let [in_channels, group_outputs, kh, kw] = shape;
    let (out_channels, group_inputs) = (group_outputs * groups, in_channels / groups);
    let mut packed = Vec::with_capacity(out_channels.next_multiple_of(4) * group_inputs * kh * kw);
    for quad in 0..out_channels.div_ceil(4) {
        for window in 0..kh * kw {
            for input in 0..group_inputs {
                for output in quad * 4..quad * 4 + 4 {
                    let group = output / group_outputs;
                    let at = ((group * group_inputs + input) * group_outputs + output % group_outputs) * kh * kw;
                    packed.push(if output < out_channels { weights[at + window] } else { 0.0 });
                }
            }
        }
    }
    packed
}
