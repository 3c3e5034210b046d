//! A picture at any size to the net's input, as [`crate::image::Picture::to_input`] makes it.

use super::{Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/resample_picture.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) stride: u32,
    pub(super) tail: [u32; 3],
}

fn launch(key: Key, from: [u32; 2], to: [u32; 2], stride: u32) -> Launch {
    let params = Params { in_size: from, out_size: to, stride, tail: [0; 3] };
    Launch::new(key, &params, to[0] as usize * to[1] as usize)
}

/// Sizes are width and height. Reads the picture's texture at `from`, the spans and the weights; writes
/// `[from[1], width]` words.
pub fn columns(from: [u32; 2], width: u32, stride: u32) -> Launch {
    launch(Key::plain("resample_picture"), from, [width, from[1]], stride)
}

/// Reads what [`columns`] wrote for a picture `height` high, the spans, the weights and the value of each
/// level; writes `[to[1], to[0], 1]` vec4s.
pub fn rows(height: u32, to: [u32; 2], stride: u32) -> Launch {
    launch(Key::with("resample_picture", vec!["ROWS"]), [to[0], height], to, stride)
}
