//! Sums, differences and products of two tensors that broadcast.

use super::{Extent, Key, Launch};
use crate::graph::Binary;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/binary.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) size: [u32; 4],
    pub(super) a_strides: [u32; 4],
    pub(super) b_strides: [u32; 4],
}

/// The extent of an operand of shape `shape` where the result has shape `out`. Shapes align at their ends, as in
/// numpy; a tensor's place in memory follows from its own shape. `None` where the two disagree: where an operand of
/// another rank has its channels on another axis, and where only some of more than two axes behind the channels
/// broadcast.
pub fn operand(shape: &[usize], out: &[usize]) -> Option<Extent> {
    let extent = Extent::of(&aligned(shape, out.len()));
    let rest = |shape: &[usize]| shape.iter().skip(2).copied().collect::<Vec<usize>>();
    let behind = rest(&aligned(shape, out.len()));
    let row = out.len() <= 4 || behind == rest(out) || behind.iter().all(|&dim| dim == 1);
    (extent == Extent::of(shape) && row).then_some(extent)
}

/// The shape with leading ones up to `rank`.
pub fn aligned(shape: &[usize], rank: usize) -> Vec<usize> {
    let mut aligned = vec![1; rank.saturating_sub(shape.len())];
    aligned.extend(shape);
    aligned
}

/// Reads `a`, then `b`; each of their dimensions is the output's or 1.
pub fn launch(function: Binary, a: Extent, b: Extent, out: Extent) -> Launch {
    let function = match function {
        Binary::Add => 0,
        Binary::Sub => 1,
        Binary::Mul => 2,
    };
    let strides = |operand: Extent| {
        let quads = operand.quads() as u32;
        let x = if operand.width == 1 { 0 } else { quads };
        let y = if operand.height == 1 { 0 } else { quads * operand.width as u32 };
        let one_channel = operand.channels == 1 && out.channels != 1;
        [x, y, u32::from(!one_channel), u32::from(one_channel)]
    };
    let [width, height] = out.xy();
    let params =
        Params { size: [width, height, out.quads() as u32, function], a_strides: strides(a), b_strides: strides(b) };
    Launch::new(Key::plain("binary"), &params, out.vec4s())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_of_another_rank_have_their_channels_elsewhere() {
        let out = [1, 8, 5, 8];
        for fits in [&[1, 8, 5, 8][..], &[1, 8, 1, 1], &[1, 1, 5, 8], &[1, 1, 1, 8], &[1, 1], &[1], &[]] {
            assert!(operand(fits, &out).is_some(), "{fits:?}");
        }
        // By numpy's rule these lie along the width or the height; in memory they are channels.
        for elsewhere in [&[1, 8][..], &[1, 8, 1], &[1, 5, 8], &[8]] {
            assert_eq!(operand(elsewhere, &out), None, "{elsewhere:?}");
        }
        assert!(operand(&[1, 8, 1], &[1, 8, 40]).is_some() && operand(&[1, 8, 40], &[1, 8, 40]).is_some());
        let deep = [1, 8, 2, 5, 8];
        assert!(operand(&deep, &deep).is_some() && operand(&[1, 8, 1, 1, 1], &deep).is_some());
        assert_eq!(operand(&[1, 8, 1, 5, 8], &deep), None);
    }
}
