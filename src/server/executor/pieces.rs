//! A body in pieces, for executors that cannot be interrupted: between two pieces a run can be ended.

use crate::graph::{Graph, TensorId};
use std::ops::Range;

/// Multiply-adds of a piece: a fifth to half a second of two common processor cores, beside which what a piece
/// costs, less than a millisecond, is nothing.
const PIECE_MACS: u64 = 4_000_000_000;

/// Consecutive nodes of a graph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// What it reads that was there before and that nothing after it reads.
    pub(super) last: Vec<TensorId>,
    /// What it reads that was there before and is needed after it.
    pub(super) kept: Vec<TensorId>,
    /// What it makes that is needed after it.
    pub(super) made: Vec<TensorId>,
}

/// `graph`'s nodes in pieces, in order. What a tensor is needed for outlives its piece and no more.
pub(super) fn pieces(graph: &Graph) -> Vec<Piece> {
    divide(graph, PIECE_MACS)
}

fn divide(graph: &Graph, piece_macs: u64) -> Vec<Piece> {
    let producers = graph.producers();
    // The last node that reads a tensor; outputs are read behind all nodes.
    let mut last_reader = vec![None; graph.tensors.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&id| last_reader[id] = Some(index));
    }
    graph.outputs.iter().for_each(|&id| last_reader[id] = Some(graph.nodes.len()));
    let ranges = ranges(graph, piece_macs);
    let pieces = ranges.into_iter().map(|range| {
        let inside = |id: TensorId| producers[id].is_some_and(|index| range.contains(&index));
        let mut piece = Piece { last: Vec::new(), kept: Vec::new(), made: Vec::new() };
        for node in &graph.nodes[range.clone()] {
            for &id in &node.inputs {
                let given = if last_reader[id] < Some(range.end) { &mut piece.last } else { &mut piece.kept };
                if !inside(id) && !given.contains(&id) {
                    given.push(id);
                }
            }
            if last_reader[node.output] >= Some(range.end) {
                piece.made.push(node.output);
            }
        }
        piece
    });
    pieces.collect()
}

/// Where pieces begin and end.
fn ranges(graph: &Graph, piece_macs: u64) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut macs) = (0, 0);
    for (index, node) in graph.nodes.iter().enumerate() {
        macs += graph.node_macs(node);
        if macs >= piece_macs {
            ranges.push(start..index + 1);
            (start, macs) = (index + 1, 0);
        }
    }
    if start < graph.nodes.len() {
        ranges.push(start..graph.nodes.len());
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::Binary;
    use crate::graph::{Activation, Node, Op, TensorSpec};

    /// `b = relu(a)`, `c = relu(b)`, `d = a + c`, of which `b` and `d` are outputs.
    fn graph() -> Graph {
        let tensor = |name: &str| TensorSpec { name: name.to_owned(), shape: vec![1, 1, 2, 2] };
        let node = |op, inputs: &[usize], output| Node {
            name: String::new(),
            op,
            inputs: inputs.to_vec(),
            weights: vec![],
            output,
        };
        let relu = || Op::Activation(Activation::Relu);
        let add = Op::Binary { function: Binary::Add, constant_first: false };
        Graph {
            tensors: ["a", "b", "c", "d"].map(tensor).to_vec(),
            weights: vec![],
            nodes: vec![node(relu(), &[0], 1), node(relu(), &[1], 2), node(add, &[0, 2], 3)],
            inputs: vec![0],
            outputs: vec![1, 3],
            scaling: crate::graph::Scaling::default(),
        }
    }

    #[test]
    fn pieces_take_what_they_need_and_leave_what_others_need() {
        let whole = Piece { last: vec![0], kept: vec![], made: vec![1, 3] };
        assert_eq!(divide(&graph(), u64::MAX), [whole]);
        let single = [
            Piece { last: vec![], kept: vec![0], made: vec![1] },
            Piece { last: vec![], kept: vec![1], made: vec![2] },
            Piece { last: vec![0, 2], kept: vec![], made: vec![3] },
        ];
        assert_eq!(divide(&graph(), 0), single);
    }
}
