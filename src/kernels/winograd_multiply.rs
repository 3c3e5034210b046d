//! Winograd's middle step: one matrix product for each number of a tile.

use super::winograd::{BLOCK, NUMBERS, Strip};
use super::{Extent, Key, Launch, TEXTURE_COLUMNS, TEXTURE_ROWS, Tuning};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/winograd_multiply.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) rows: u32,
    pub(super) groups: u32,
    pub(super) quads: u32,
    pub(super) blocks: u32,
}

/// Reads a strip's transformed tiles and the packed weights.
pub fn launch(quads: usize, out: Extent, strip: Strip, tuning: &Tuning) -> Launch {
    let blocks = out.channels.div_ceil(BLOCK);
    let groups = strip.tiles.div_ceil(tuning.product_rows);
    let params = Params { rows: strip.rows as u32, groups: groups as u32, quads: quads as u32, blocks: blocks as u32 };
    let mut defines = match tuning.product_rows {
        16 => vec!["ROWS_16"],
        8 => vec!["ROWS_8"],
        _ => Vec::new(),
    };
    let (tiles, weights) = (NUMBERS * strip.rows * quads, NUMBERS * blocks * quads * BLOCK);
    let fit = tiles.max(weights) <= TEXTURE_COLUMNS * TEXTURE_ROWS;
    let textures = tuning.loads.define().filter(|_| fit);
    defines.extend(textures);
    let mut launch = Launch::new(Key::with("winograd_multiply", defines), &params, groups * blocks * NUMBERS);
    if textures.is_some() {
        launch.textures = vec![0, 1];
    }
    launch
}
