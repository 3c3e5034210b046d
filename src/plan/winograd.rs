//! Which convolutions are computed Winograd's way.

use crate::graph::{Conv, Graph, Node, Op};
use crate::kernels::winograd::{BLOCK, Grid, NUMBERS};
use crate::kernels::{Extent, Loads, Precision, TEXTURE_COPY_BYTES, Tuning, conv};

/// The least storage that WebGPU promises to bind at once; transformed weights of one node stay within it.
const MOST_WEIGHT_BYTES: u64 = 128 << 20;

/// How much longer the direct convolution takes, on a device that wants its operands as textures, where an operand
/// is too large for one: measured on llvmpipe.
const BUFFER_SLOWDOWN: u64 = 3;

/// What the other way would gain and cost for one node.
struct Candidate {
    segment: usize,
    node: usize,
    /// Multiply-adds.
    saved: u64,
    /// Bytes.
    growth: u64,
}

/// Places (segment, node) of those that gain by it, the ones that gain most for their bytes first, until the
/// weights have grown by as much as the tuning allows.
pub(super) fn choose(segments: &[(&Graph, &[&str])], tuning: &Tuning, precision: Precision) -> Vec<(usize, usize)> {
    let mut candidates = Vec::new();
    for (segment, (graph, _)) in segments.iter().enumerate() {
        for (node, spec) in graph.nodes.iter().enumerate() {
            if let Some((saved, growth)) = gain(graph, spec, tuning, precision) {
                candidates.push(Candidate { segment, node, saved, growth });
            }
        }
    }
    let mut left = tuning.weight_growth_bytes;
    let mut chosen = Vec::new();
    // Looked through again for each, since a sort is 3 kB of Wasm.
    let worth = |candidate: &Candidate| candidate.saved as f64 / candidate.growth as f64;
    let best = |(_, a): &(usize, &Candidate), (_, b): &(usize, &Candidate)| worth(a).total_cmp(&worth(b));
    while let Some((place, _)) = candidates.iter().enumerate().max_by(best) {
        let Candidate { segment, node, growth, .. } = candidates.swap_remove(place);
        if growth <= left {
            left -= growth;
            chosen.push((segment, node));
        }
    }
    chosen
}

/// Multiply-adds saved and bytes added, where there is anything to save.
fn gain(graph: &Graph, node: &Node, tuning: &Tuning, precision: Precision) -> Option<(u64, u64)> {
    let Op::Conv(conv) = &node.op else { return None };
    let (grid, parts, out) = place(graph, node, conv)?;
    if out.channels == 1 {
        // One channel would be a sixteenth of a block.
        return None;
    }
    let inputs = parts.iter().map(|part| part.quads() as u64 * 4).sum::<u64>();
    let (direct_outputs, outputs) = (out.channels.next_multiple_of(conv::BLOCK), out.channels.next_multiple_of(BLOCK));
    let (numbers, tiles) = (NUMBERS as u64, grid.count() as u64);
    let direct = 9 * inputs * direct_outputs as u64;
    let transformed = numbers * inputs * outputs as u64;
    let transforms = (inputs + out.quads() as u64 * 4).saturating_mul(numbers * tiles);
    let cost = transformed.saturating_mul(tiles).saturating_add(transforms.saturating_mul(tuning.transform_macs));
    let uncopied = tuning.loads != Loads::Buffers && parts.iter().any(|part| part.vec4s() * 16 > TEXTURE_COPY_BYTES);
    let slowdown = if uncopied { BUFFER_SLOWDOWN } else { 1 };
    let alternative = direct.saturating_mul(out.pixels() as u64).saturating_mul(slowdown * tuning.direct_percent) / 100;
    let saved = alternative.checked_sub(cost).filter(|&saved| saved > 0)?;
    let bytes = precision.bytes() as u64;
    (transformed * bytes <= MOST_WEIGHT_BYTES).then_some((saved, (transformed - direct) * bytes))
}

/// The tiles, inputs and output of a convolution, where it is of the kind.
pub(super) fn place(graph: &Graph, node: &Node, conv: &Conv) -> Option<(Grid, Vec<Extent>, Extent)> {
    let out = Extent::of(&graph.tensors[node.output].shape);
    let [.., height, width] = *graph.weights[*node.weights.first()?].shape else { return None };
    let grid = Grid::of(conv, [height, width], out)?;
    let parts = node.inputs.len() - usize::from(conv.epilogue.residual);
    let parts = node.inputs[..parts].iter().map(|&id| Extent::of(&graph.tensors[id].shape)).collect();
    Some((grid, parts, out))
}
