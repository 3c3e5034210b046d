//! The net's output to alpha in bytes at any size, as [`crate::image::Mask::resized`] makes it.

use super::{Key, Launch};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/resample_mask.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) stride: u32,
    pub(super) logit: u32,
    pub(super) tail: [u32; 2],
}

/// Sizes are width and height. Reads the net's output at `from`, `[H, W, 1]` vec4s, the spans and the
/// weights; writes `[from[1], width]` f32.
pub fn columns(from: [u32; 2], width: u32, stride: u32, logit: bool) -> Launch {
    let to = [width, from[1]];
    let params = Params { in_size: from, out_size: to, stride, logit: logit.into(), tail: [0; 2] };
    Launch::new(Key::plain("resample_mask"), &params, to[0] as usize * to[1] as usize)
}

/// Reads what [`columns`] wrote for an output `height` high, the spans and the weights; writes
/// [`alpha_bytes`] of `to`.
pub fn rows(height: u32, to: [u32; 2], stride: u32) -> Launch {
    let params = Params { in_size: [to[0], height], out_size: to, stride, logit: 0, tail: [0; 2] };
    Launch::new(Key::with("resample_mask", vec!["ROWS"]), &params, (to[0] as usize * to[1] as usize).div_ceil(4))
}

/// Bytes before the alpha in what [`rows`] writes: a word that counts pixels that are no number, and one unused.
pub const ALPHA_OFFSET: u64 = 8;

/// Bytes that [`rows`] writes for a mask of `size`; its alpha is filled up to whole words.
pub fn alpha_bytes(size: [u32; 2]) -> u64 {
    ALPHA_OFFSET + (u64::from(size[0]) * u64::from(size[1])).next_multiple_of(4)
}
