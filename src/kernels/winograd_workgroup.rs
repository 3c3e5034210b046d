//! Winograd's middle step by way of workgroup memory.

use super::winograd::{BLOCK, NUMBERS, Strip};
use super::{Extent, Key, Launch, WORKGROUP};
use bytemuck::{Pod, Zeroable};

/// Tiles and output channels of a workgroup.
const TILE: usize = 64;

/// As in `shaders/winograd_workgroup.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) rows: u32,
    pub(super) groups: u32,
    pub(super) quads: u32,
    pub(super) blocks: u32,
    pub(super) out_quads: u32,
    pub(super) tail: [u32; 3],
}

/// Reads a strip's transformed tiles and the packed weights. `None` where there are fewer tiles or channels than a
/// workgroup computes.
pub fn launch(quads: usize, out: Extent, strip: Strip) -> Option<Launch> {
    let outputs = out.channels.next_multiple_of(BLOCK);
    if strip.tiles < TILE || outputs < TILE {
        return None;
    }
    let (groups, blocks) = (strip.tiles.div_ceil(TILE), outputs.div_ceil(TILE));
    let params = Params {
        rows: strip.rows as u32,
        groups: groups as u32,
        quads: quads as u32,
        blocks: blocks as u32,
        out_quads: (outputs / 4) as u32,
        tail: [0; 3],
    };
    Some(Launch::new(Key::plain("winograd_workgroup"), &params, NUMBERS * groups * blocks * WORKGROUP as usize))
}
