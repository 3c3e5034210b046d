//! Whether a net that was read at one size holds at others.
//!
//! Exporters compute with the picture's size, and by the time of conversion what they computed is a constant:
//! bounds of a crop, a factor, the window of an adaptive pool. Two things are done about it. Where the file itself
//! computes (`Shape`) or leaves the size open, it is read once more at another size, and what then differs from the
//! scaled graph names the node that does not scale. Where numbers were baked in by the exporter, those that look
//! like a size are recognised by their form. See [`crate::graph::Scaling`] for what comes of it.

use super::Imported;
use super::read::Reading;
use crate::graph::scaling::{Fit, Fits, Fixed};
use crate::graph::{Graph, Node, Op};
use crate::model::Weights;
use std::collections::HashMap;

/// The least window of a pool that is taken for a part of the whole map rather than for a step of downsampling.
const LEAST_PART: usize = 4;
/// The most such parts, down or right: pyramids of pools have up to 6, adaptive pools rarely more than 7.
const MOST_PARTS: usize = 8;
/// The most parts of a map at which a smaller window may mean either.
const MOST_DOUBTFUL: usize = 3;

/// What one reading of a file met that concerns sizes.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// The file leaves the picture's height or width open.
    pub(super) is_open: bool,
    /// The file computes with shapes.
    pub(super) reads_shapes: bool,
    /// Resizes to given sizes, by output.
    pub(super) resizes: HashMap<String, Baked>,
    /// Pools over parts of the whole map, by output.
    pub(super) pools: HashMap<String, Parts>,
    /// The first number that was baked in and cannot be scaled.
    pub(super) fixed: Option<Fixed>,
}

/// A resize to a size that may be baked in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Baked {
    /// Height and width that it was given.
    pub(super) from: [usize; 2],
    /// Height and width that it makes.
    pub(super) to: [usize; 2],
}

/// What a pool's window is of the map that it slides over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// All of it.
    Whole,
    /// One of so many parts down and right; 0 for an axis along which nothing is pooled.
    Tiles([usize; 2]),
    /// A part, or a step of downsampling: the file does not say which.
    Doubtful,
    /// A number of its own.
    Literal,
}

impl Parts {
    /// For a pool without pads and dilations.
    pub(super) fn of(window: [usize; 2], strides: [usize; 2], size: [usize; 2]) -> Self {
        let mut tiles = [0; 2];
        let (mut large, mut doubtful, mut literal) = (0, 0, 0);
        for axis in 0..2 {
            let (window, stride, size) = (window[axis], strides[axis], size[axis]);
            if window == 1 && stride == 1 {
                continue;
            }
            let covers = window == size || (window == stride && window > 0 && size.is_multiple_of(window));
            tiles[axis] = size / window.max(1);
            match (covers, window >= LEAST_PART) {
                (true, true) if tiles[axis] <= MOST_PARTS => large += 1,
                (true, false) if tiles[axis] <= MOST_DOUBTFUL => doubtful += 1,
                _ => literal += 1,
            }
        }
        match (large, doubtful, literal) {
            (2, ..) if tiles == [1, 1] => Self::Whole,
            (1.., 0, 0) => Self::Tiles(tiles),
            (0, 0, _) | (0, _, 1..) => Self::Literal,
            _ => Self::Doubtful,
        }
    }
}

/// Sizes at which a file is read again: both sides by different factors, which every net without fixed sizes takes.
pub(super) fn scaled([width, height]: [usize; 2]) -> [usize; 2] {
    [width.saturating_mul(3), height.saturating_mul(2)]
}

/// A size that no factor leads to.
pub(super) fn odd([width, height]: [usize; 2]) -> [usize; 2] {
    [width.saturating_add(1), height.saturating_add(1)]
}

/// Why a net holds at its own size only, by what reading it at [`scaled`] came to.
pub(super) fn held(
    imported: &Imported,
    own_size: [usize; 2],
    read: &std::result::Result<&Reading, String>,
) -> Option<Fixed> {
    let [width, height] = scaled(own_size);
    // What cannot be scaled says so whenever it is asked to.
    let scaled = imported.graph.with_input_size(height, width).ok()?;
    match read {
        Ok(read) => difference((&scaled, &imported.weights), (&read.imported.graph, &read.imported.weights)),
        Err(message) => Some(Fixed { node: "at other sizes".to_owned(), reason: message.clone() }),
    }
}

/// A graph and its weights.
type Net<'a> = (&'a Graph, &'a Weights);

/// The first node in which a net that was scaled differs from the same net read at that size.
fn difference((scaled, scaled_weights): Net<'_>, (read, read_weights): Net<'_>) -> Option<Fixed> {
    for (a, b) in scaled.nodes.iter().zip(&read.nodes) {
        if a.name != b.name || !same(&a.op, &b.op) || a.weights.len() != b.weights.len() {
            return Some(fixed(a, reason(&a.op)));
        }
        let values = |graph: &Graph, weights: &Weights, id: usize| {
            let weight = weights.get(&graph.weights[id].name).ok()?;
            Some((weight.shape().to_vec(), weight.dtype(), weight.bytes().to_vec()))
        };
        let changed = |(&a, &b): (&usize, &usize)| values(scaled, scaled_weights, a) != values(read, read_weights, b);
        if a.weights.iter().zip(&b.weights).any(changed) {
            return Some(fixed(a, "its constant was computed from the picture's size"));
        }
    }
    let extra = scaled.nodes.get(read.nodes.len()).or_else(|| read.nodes.get(scaled.nodes.len()))?;
    Some(fixed(extra, "whether it is needed depends on the picture's size"))
}

/// Ties resizes whose input has one size for all pictures, such as the result of a global pool, to the picture's
/// size. `read` is what a reading at [`scaled`] met, where the file computes.
pub(super) fn tie_to_picture(graph: &mut Graph, own_size: [usize; 2], sizes: &Sizes, read: Option<&Sizes>) {
    let [own, other] = [own_size, scaled(own_size)].map(|[width, height]| [height, width]);
    let mut probe = graph.clone();
    for &input in &graph.inputs {
        probe.tensors[input].shape.splice(2.., other);
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let output = &graph.tensors[node.output].name;
        if let Some(baked) = sizes.resizes.get(output) {
            let from = probe.tensors[node.inputs[0]].shape[2..].to_vec();
            let follows = |axis: usize| match read.and_then(|read| read.resizes.get(output)) {
                Some(read) => read.to[axis].checked_mul(own[axis]) == baked.to[axis].checked_mul(other[axis]),
                None => false,
            };
            let is_baked = |axis: usize| match read.and_then(|read| read.resizes.get(output)) {
                Some(read) => !sizes.is_open && read.to == baked.to && baked.to[axis] > 1,
                None => read.is_none() && baked.to[axis] > 1,
            };
            let tied = |axis: usize| from[axis] == baked.from[axis] && (follows(axis) || is_baked(axis));
            let shares = [0, 1].map(|axis| if tied(axis) { [baked.to[axis], own[axis]] } else { [1, 0] });
            if shares.iter().any(|share| share[1] != 0) {
                probe.scaling.fits.set(output.clone(), Fit::Shares(shares));
                graph.scaling.fits.set(output.clone(), Fit::Shares(shares));
            }
        }
        // What does not scale at all is reported where it is asked to.
        if probe.infer_node(index).is_err() {
            return;
        }
    }
}

/// Whether node `held` of the graph has the same attributes when it is read at another size: a number in the file.
pub(super) fn is_number(held: &Fixed, graph: &Graph, read: &Graph) -> bool {
    let find =
        |graph: &Graph| graph.nodes.iter().find(|node| fixed(node, "").node == held.node).map(|node| node.op.clone());
    find(graph) == find(read)
}

/// A node that holds a net at its size.
pub(super) fn fixed(node: &Node, reason: &str) -> Fixed {
    Fixed { node: format!("node {:?} ({})", node.name, node.op.name()), reason: reason.to_owned() }
}

fn same(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Resize(a), Op::Resize(b)) => {
            let near = |axis: usize| (a.scales[axis] - b.scales[axis]).abs() <= 1e-9 * b.scales[axis];
            a.mode == b.mode && a.coordinates == b.coordinates && near(0) && near(1)
        }
        _ => a == b,
    }
}

fn reason(op: &Op) -> &'static str {
    match op {
        Op::Slice { .. } => "its bounds were computed from the picture's size",
        Op::Resize(_) => "its factor is not the same at every size",
        Op::Pool(_) | Op::GlobalAveragePool => "its window does not follow the picture's size",
        _ => "its attributes were computed from the picture's size",
    }
}

/// Attributes by the nodes that have them, as [`crate::graph::Scaling::fits`] wants them.
pub(super) fn fits(graph: &Graph, fits: &HashMap<usize, Fit>) -> Fits {
    fits.iter().map(|(&index, &fit)| (graph.tensors[graph.nodes[index].output].name.clone(), fit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_over_the_whole_map_are_told_from_steps() {
        let of = |window, strides, size| Parts::of(window, strides, size);
        assert_eq!(of([32, 48], [32, 48], [32, 48]), Parts::Whole);
        assert_eq!(of([32, 32], [1, 1], [32, 32]), Parts::Whole);
        assert_eq!(of([32, 32], [32, 32], [64, 96]), Parts::Tiles([2, 3]));
        assert_eq!(of([32, 1], [32, 1], [32, 64]), Parts::Tiles([1, 0]), "strips");
        assert_eq!(of([2, 2], [2, 2], [64, 64]), Parts::Literal);
        assert_eq!(of([4, 4], [4, 4], [64, 64]), Parts::Literal);
        assert_eq!(of([5, 5], [3, 3], [17, 17]), Parts::Literal);
        assert_eq!(of([49, 49], [16, 20], [64, 128]), Parts::Literal);
        assert_eq!(of([2, 2], [2, 2], [4, 4]), Parts::Doubtful);
        assert_eq!(of([1, 1], [1, 1], [4, 4]), Parts::Literal);
        assert_eq!(of([1, 1], [2, 2], [4, 4]), Parts::Literal);
        assert_eq!(of([0, 0], [0, 0], [4, 4]), Parts::Literal);
    }
}
