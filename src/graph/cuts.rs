//! Legal cuts: where a graph can be divided between a client and a server.
//!
//! A [`Cut`] names the tensors that travel `up` and those that come back `down`. The body lies between
//! them; it must reach nothing else of the client's, and the client must need nothing else of its.
//! Two families are enumerated:
//!
//! - **plain** cuts, one after every node: the server finishes, so every skip has to travel;
//! - **U-shaped** cuts, one tensor each way: the body is a region with a single entry and a single
//!   exit, and the skips around it never leave the client.

use super::{Graph, TensorId};
use crate::error::{Result, bail};
use crate::model::NamedSplit;
use std::collections::HashMap;

/// The least share of the multiply-adds that either side must have for a split to get a name.
const LEAST_SHARE: f64 = 0.01;

/// A division of a graph by tensors.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cut {
    /// From client to server.
    pub up: Vec<TensorId>,
    /// From server to client; the graph's outputs when the server finishes.
    pub down: Vec<TensorId>,
}

/// The segments of a divided graph.
#[derive(Debug, Clone)]
pub struct Division {
    /// Client: from the graph's inputs to `up` and to whatever the tail will need.
    pub head: Graph,
    /// Server: from `up` to `down`.
    pub body: Graph,
    /// Client: from `down` and what the head kept to the graph's outputs. `None` when the server finishes.
    pub tail: Option<Graph>,
}

/// What a cut costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutCost {
    /// Multiply-adds of head and tail.
    pub client_macs: u64,
    /// Multiply-adds of the body.
    pub server_macs: u64,
    /// Values that travel up.
    pub up_values: u64,
    /// Values that travel down.
    pub down_values: u64,
}

impl Graph {
    /// The segments that `cut` makes of this graph.
    ///
    /// # Errors
    /// `UnknownSplit` when the cut is not legal, saying which tensor makes it so.
    pub fn divide(&self, cut: &Cut) -> Result<Division> {
        let parts = self.parts(cut)?;
        let body = self.extract(&cut.up, &cut.down)?;
        // A graph input that crosses is handed on as it is: the head need not make it.
        let mut head_outputs: Vec<TensorId> = cut.up.iter().copied().filter(|id| !self.inputs.contains(id)).collect();
        if cut.down == self.outputs {
            return Ok(Division { head: self.extract(&self.inputs, &head_outputs)?, body, tail: None });
        }
        // The head also makes what the tail reads besides `down`.
        let mut in_tail = vec![false; self.nodes.len()];
        parts.tail.iter().for_each(|&index| in_tail[index] = true);
        let producers = self.producers();
        let mut tail_inputs = cut.down.clone();
        for &index in &parts.tail {
            for &id in &self.nodes[index].inputs {
                let made_by_tail = producers[id].is_some_and(|producer| in_tail[producer]);
                if made_by_tail || tail_inputs.contains(&id) {
                    continue;
                }
                tail_inputs.push(id);
                if producers[id].is_some() && !head_outputs.contains(&id) {
                    head_outputs.push(id);
                }
            }
        }
        let head = self.extract(&self.inputs, &head_outputs)?;
        let tail = self.extract(&tail_inputs, &self.outputs)?;
        Ok(Division { head, body, tail: Some(tail) })
    }

    /// Checks that a cut is legal and prices it.
    ///
    /// # Errors
    /// `UnknownSplit` when the cut is not legal.
    pub fn cut_cost(&self, cut: &Cut) -> Result<CutCost> {
        let parts = self.parts(cut)?;
        let macs = |nodes: &[usize]| nodes.iter().map(|&index| self.node_macs(&self.nodes[index])).sum();
        Ok(CutCost {
            client_macs: macs(&parts.head) + macs(&parts.tail),
            server_macs: macs(&parts.body),
            up_values: self.values(&cut.up),
            down_values: self.values(&cut.down),
        })
    }

    /// The cut that a named split stands for.
    ///
    /// # Errors
    /// `UnknownSplit` when the graph lacks one of its tensors.
    pub fn named_cut(&self, split: &NamedSplit) -> Result<Cut> {
        let ids = |names: &[String]| names.iter().map(|name| self.tensor(name)).collect::<Result<Vec<_>>>();
        Ok(Cut { up: ids(&split.up)?, down: ids(&split.down)? })
    }

    fn values(&self, ids: &[TensorId]) -> u64 {
        ids.iter().map(|&id| self.tensors[id].shape.iter().map(|&dim| dim as u64).product::<u64>()).sum()
    }

    /// Which nodes run where, each in order; an error when a node would have to run twice.
    fn parts(&self, cut: &Cut) -> Result<Parts> {
        if cut.up.is_empty() || cut.down.is_empty() {
            bail!(UnknownSplit, "a cut needs at least one tensor each way");
        }
        let body = self.needed_nodes(&cut.up, &cut.down)?;
        let mut owner = vec![false; self.nodes.len()];
        body.iter().for_each(|&index| owner[index] = true);
        // A cut at a graph input is legal: all the head does then is to hand the input on.
        let made: Vec<TensorId> = cut.up.iter().copied().filter(|id| !self.inputs.contains(id)).collect();
        let head_only = self.needed_nodes(&self.inputs, &made)?;
        let tail = if cut.down == self.outputs {
            Vec::new()
        } else {
            let given: Vec<TensorId> = self.inputs.iter().chain(&cut.down).copied().collect();
            self.needed_nodes(&given, &self.outputs)?
        };
        if let Some(&index) = head_only.iter().chain(&tail).find(|&&index| owner[index]) {
            let name = &self.tensors[self.nodes[index].output].name;
            bail!(UnknownSplit, "both sides would need {name:?}, which lies inside the body");
        }
        // What the tail's closure shares with the head, or draws from the head's side, runs before `up`.
        let mut depends = vec![false; self.tensors.len()];
        cut.down.iter().for_each(|&id| depends[id] = true);
        let (mut head, mut after) = (head_only, Vec::new());
        for index in tail {
            let node = &self.nodes[index];
            if node.inputs.iter().any(|&id| depends[id]) {
                depends[node.output] = true;
                after.push(index);
            } else if !head.contains(&index) {
                // Put in its place: a sort of its own is 3 kB of Wasm.
                head.insert(head.partition_point(|&other| other < index), index);
            }
        }
        if let Some(&index) = head.iter().find(|index| after.contains(index)) {
            bail!(UnknownSplit, "{:?} would run before and after the server", self.nodes[index].name);
        }
        Ok(Parts { head, body, tail: after })
    }
}

struct Parts {
    head: Vec<usize>,
    body: Vec<usize>,
    tail: Vec<usize>,
}

/// The plain cuts, in execution order, each different from the one before. The first node's cut comes first.
pub fn plain_cuts(graph: &Graph) -> Vec<Cut> {
    let consumers = graph.consumers();
    let mut last_use: Vec<Option<usize>> = consumers.iter().map(|nodes| nodes.last().copied()).collect();
    for &output in &graph.outputs {
        last_use[output] = Some(usize::MAX);
    }
    let mut live: Vec<TensorId> = graph.inputs.clone();
    let mut cuts: Vec<Cut> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        live.push(node.output);
        live.retain(|&id| last_use[id].is_some_and(|last| last > index));
        let travels: Vec<TensorId> = live.clone();
        // An output made before the cut would travel only to come back.
        let finished = travels.iter().any(|id| graph.outputs.contains(id));
        if !finished && cuts.last().is_none_or(|cut| cut.up != travels) {
            cuts.push(Cut { up: travels, down: graph.outputs.clone() });
        }
    }
    cuts
}

/// All regions with one entry and one exit and at least one multiply-add, as cuts.
pub fn u_cuts(graph: &Graph) -> Vec<Cut> {
    let mut cuts = Vec::new();
    visit_u_cuts(graph, |up, down, _| cuts.push(Cut { up: vec![up], down: vec![down] }));
    cuts
}

/// How many cuts [`u_cuts`] gives: of a chain of layers, half the square of its length.
pub fn u_cut_count(graph: &Graph) -> u64 {
    let mut count = 0;
    visit_u_cuts(graph, |_, _, _| count += 1);
    count
}

/// Calls `visit` with entry, exit and the body's multiply-adds of each of [`u_cuts`]: by the exit's node, then by the
/// entry's id.
///
/// An exit's possible entries are its dominators. For one exit the bodies grow from the nearest entry outwards: each
/// holds all nodes that the exit needs and that stand behind the entry's node. So one walk back from the exit's node
/// prices them all, and ends at the first node which the tail would need, too. Time is in proportion to the square of
/// the graph, and not to its cube.
fn visit_u_cuts(graph: &Graph, mut visit: impl FnMut(TensorId, TensorId, u64)) {
    let producers = graph.producers();
    let dominators = immediate_dominators(graph);
    let macs: Vec<u64> = graph.nodes.iter().map(|node| graph.node_macs(node)).collect();
    let mut entries = Vec::new();
    for (last, node) in graph.nodes.iter().enumerate() {
        let down = node.output;
        if graph.outputs.contains(&down) {
            continue;
        }
        let needed_without = tail(graph, &producers, down);
        let mut needed = vec![false; last + 1];
        needed[last] = true;
        let (mut index, mut body_macs) = (last, 0);
        entries.clear();
        let mut entry = dominators[down];
        // What the caller gives is no entry: the head would do nothing.
        'entries: while let Some(up) = entry
            && let Some(first) = producers[up]
        {
            while index > first {
                if needed[index] {
                    if needed_without[index] {
                        break 'entries;
                    }
                    body_macs += macs[index];
                    for &input in &graph.nodes[index].inputs {
                        if let Some(producer) = producers[input] {
                            needed[producer] = true;
                        }
                    }
                }
                index -= 1;
            }
            if body_macs > 0 {
                entries.push((up, body_macs));
            }
            entry = dominators[up];
        }
        entries.sort_unstable();
        entries.iter().for_each(|&(up, body_macs)| visit(up, down, body_macs));
    }
}

/// Which nodes the outputs still need when `down` is given beside the graph's inputs.
fn tail(graph: &Graph, producers: &[Option<usize>], down: TensorId) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open = graph.outputs.clone();
    while let Some(id) = open.pop() {
        if let Some(index) = producers[id].filter(|_| id != down)
            && !std::mem::replace(&mut needed[index], true)
        {
            open.extend(&graph.nodes[index].inputs);
        }
    }
    needed
}

/// The U-shaped splits worth a name, as `U1`, `U2` ..., the server's largest share first.
///
/// Of all single-entry, single-exit bodies, those between an encoder and its mirror image: what comes
/// back has the shape of what went up. Of each resolution only the largest body counts; it must leave
/// either side at least 1% of the multiply-adds, move fewer values than the net's widest tensor has
/// (wider is no bottleneck), and move fewer than every larger body's cut does.
pub fn named_splits(graph: &Graph) -> Vec<NamedSplit> {
    let total = graph.macs();
    let least = total as f64 * LEAST_SHARE;
    let widest = (0..graph.tensors.len()).map(|id| graph.values(&[id])).max().unwrap_or(0);
    let shape = |ids: &[TensorId]| graph.tensors[ids[0]].shape.clone();
    let moved = |cost: &CutCost| cost.up_values + cost.down_values;
    // Of all cuts of one shape the first of those with the largest body: the others would be beaten by it.
    let mut largest: HashMap<&[usize], (Cut, CutCost)> = HashMap::new();
    visit_u_cuts(graph, |up, down, server_macs| {
        let shape = graph.tensors[up].shape.as_slice();
        if shape != graph.tensors[down].shape {
            return;
        }
        let client_macs = total.saturating_sub(server_macs);
        let values = graph.values(&[up]);
        let is_worth_it = client_macs.min(server_macs) as f64 >= least && 2 * values < widest;
        if is_worth_it && largest.get(shape).is_none_or(|(_, cost)| cost.server_macs < server_macs) {
            let cost = CutCost { client_macs, server_macs, up_values: values, down_values: values };
            largest.insert(shape, (Cut { up: vec![up], down: vec![down] }, cost));
        }
    });
    let mut priced: Vec<(Cut, CutCost)> = largest.into_values().collect();
    // The map has no order; this is the one in which they were found.
    priced.sort_by_key(|(cut, _)| (cut.down[0], cut.up[0]));
    // Largest body first; the sort is stable, so among equals the earliest exit, nearest to the body.
    priced.sort_by_key(|(_, cost)| (std::cmp::Reverse(cost.server_macs), moved(cost)));
    let mut kept: Vec<(Cut, CutCost)> = Vec::new();
    for (cut, cost) in priced {
        let resolution = |cut: &Cut| shape(&cut.up)[2..].to_vec();
        let beaten =
            kept.iter().any(|(larger, price)| moved(price) <= moved(&cost) || resolution(larger) == resolution(&cut));
        if !beaten {
            kept.push((cut, cost));
        }
    }
    let names = |ids: &[TensorId]| ids.iter().map(|&id| graph.tensors[id].name.clone()).collect();
    (1..)
        .zip(&kept)
        .map(|(number, (cut, _))| NamedSplit { name: format!("U{number}"), up: names(&cut.up), down: names(&cut.down) })
        .collect()
}

/// For each tensor the nearest one before it that every way from the inputs to it passes through.
fn immediate_dominators(graph: &Graph) -> Vec<Option<TensorId>> {
    let mut nearest: Vec<Option<TensorId>> = vec![None; graph.tensors.len()];
    let mut depths = vec![0usize; graph.tensors.len()];
    for node in &graph.nodes {
        let mut inputs = node.inputs.iter().copied();
        let mut common = inputs.next();
        for input in inputs {
            let mut other = Some(input);
            // The deeper of the two steps back, until they meet.
            while let (Some(a), Some(b)) = (common, other)
                && a != b
            {
                if depths[a] >= depths[b] {
                    common = nearest[a];
                } else {
                    other = nearest[b];
                }
            }
            common = common.and(other);
        }
        nearest[node.output] = common;
        depths[node.output] = common.map_or(0, |id| depths[id] + 1);
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Node, Op, Scaling, TensorSpec};

    #[test]
    fn long_chains_take_no_cubic_time() {
        // This took minutes when each of eight million cuts was priced on its own.
        let length = 4000;
        let tensors = (0..=length).map(|id| TensorSpec { name: id.to_string(), shape: vec![1, 1, 2, 2] }).collect();
        let node = |index: usize| Node {
            name: index.to_string(),
            op: Op::Activation(Activation::Relu),
            inputs: vec![index],
            weights: vec![],
            output: index + 1,
        };
        let nodes = (0..length).map(node).collect();
        let scaling = Scaling::default();
        let graph = Graph { tensors, weights: vec![], nodes, inputs: vec![0], outputs: vec![length], scaling };
        let started = std::time::Instant::now();
        assert_eq!(u_cut_count(&graph), 0, "layers without multiply-adds");
        assert!(named_splits(&graph).is_empty());
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
