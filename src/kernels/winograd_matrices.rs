//! Winograd's middle step on a device's matrix units.

use super::winograd::{BLOCK, NUMBERS, Strip};
use super::{Extent, Key, Launch, Matrices, WORKGROUP};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/winograd_matrices.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) rows: u32,
    pub(super) groups: u32,
    pub(super) channels: u32,
    pub(super) outputs: u32,
    pub(super) blocks: u32,
    pub(super) subgroups: u32,
    pub(super) tail: [u32; 2],
}

/// Reads a strip's transformed tiles of `quads` and the packed weights, both f16; writes f32. `None` where matrices
/// do not divide the channels.
pub fn launch(quads: usize, out: Extent, strip: Strip, matrices: Matrices) -> Option<Launch> {
    let side = matrices.side as usize;
    let (channels, outputs) = (quads * 4, out.channels.next_multiple_of(BLOCK));
    if !channels.is_multiple_of(side) {
        return None;
    }
    let mut defines = Vec::new();
    if side == 16 {
        defines.push("SIDE_16");
    }
    let rows = if strip.rows >= 4 * side { 4 } else { 1 };
    if rows == 4 {
        defines.push("ROWS_4");
    }
    let columns = if outputs.is_multiple_of(2 * side) { 2 } else { 1 };
    if columns == 2 {
        defines.push("COLUMNS_2");
    }
    let (groups, blocks) = (strip.tiles.div_ceil(rows * side), outputs / (columns * side));
    let subgroups = WORKGROUP as usize / matrices.subgroup as usize;
    let params = Params {
        rows: strip.rows as u32,
        groups: groups as u32,
        channels: channels as u32,
        outputs: outputs as u32,
        blocks: blocks as u32,
        subgroups: subgroups as u32,
        tail: [0; 2],
    };
    let invocations = NUMBERS * groups * blocks * matrices.subgroup as usize;
    Some(Launch::new(Key::with("winograd_matrices", defines), &params, invocations))
}
