//! Slicing and padding.

use super::{Extent, Key, Launch};
use crate::error::Result;
use crate::graph::op::{Pad, PadMode, SliceAxis};
use crate::graph::shape::slice_range;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/window.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [i32; 4],
    pub(super) out_size: [i32; 4],
    pub(super) origin: [i32; 4],
    pub(super) step: [i32; 4],
    pub(super) outside: u32,
    pub(super) fill: f32,
    pub(super) tail: [u32; 2],
}

fn xyc(extent: Extent) -> [i32; 4] {
    [extent.width as i32, extent.height as i32, extent.channels as i32, 0]
}

/// Reads the input.
pub fn pad(pad: &Pad, input: Extent, out: Extent) -> Launch {
    let [top, left, ..] = pad.pads;
    let (outside, fill) = match pad.mode {
        PadMode::Constant { value } => (0, value),
        PadMode::Reflect => (1, 0.0),
        PadMode::Edge => (2, 0.0),
    };
    let params = Params {
        in_size: xyc(input),
        out_size: xyc(out),
        origin: [-(left as i32), -(top as i32), 0, 0],
        step: [1, 1, 1, 0],
        outside,
        fill,
        tail: [0; 2],
    };
    Launch::new(Key::plain("window"), &params, out.vec4s())
}

/// Reads the input.
///
/// # Errors
/// `BadShape` when the slice is empty, which shape inference has refused before.
pub fn slice(axes: &[SliceAxis], input: Extent, out: Extent) -> Result<Launch> {
    let mut params = Params {
        in_size: xyc(input),
        out_size: xyc(out),
        origin: [0; 4],
        step: [1, 1, 1, 0],
        outside: 2,
        fill: 0.0,
        tail: [0; 2],
    };
    let lengths = [0, input.channels, input.height, input.width];
    for slice in axes {
        // Axis 1 is channels, 2 rows, 3 columns; the shader counts x, y, channel.
        let at = [0, 2, 1, 0][slice.axis];
        params.origin[at] = slice_range(slice, lengths[slice.axis])?.0 as i32;
        params.step[at] = slice.step as i32;
    }
    Ok(Launch::new(Key::plain("window"), &params, out.vec4s()))
}
