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
    let dominators = dominators(graph);
    let mut cuts = Vec::new();
    for node in &graph.nodes {
        let down = node.output;
        if graph.outputs.contains(&down) {
            continue;
        }
        for up in (0..graph.tensors.len()).filter(|&up| up != down && dominators[down].contains(up)) {
            if graph.inputs.contains(&up) {
                continue;
            }
            let cut = Cut { up: vec![up], down: vec![down] };
            if graph.cut_cost(&cut).is_ok_and(|cost| cost.server_macs > 0) {
                cuts.push(cut);
            }
        }
    }
    cuts
}

/// The U-shaped splits worth a name, as `U1`, `U2` ..., the server's largest share first.
///
/// Of all single-entry, single-exit bodies, those between an encoder and its mirror image: what comes
/// back has the shape of what went up. Of each resolution only the largest body counts; it must leave
/// either side at least 1% of the multiply-adds, move fewer values than the net's widest tensor has
/// (wider is no bottleneck), and move fewer than every larger body's cut does.
pub fn named_splits(graph: &Graph) -> Vec<NamedSplit> {
    let least = graph.macs() as f64 * LEAST_SHARE;
    let widest = (0..graph.tensors.len()).map(|id| graph.values(&[id])).max().unwrap_or(0);
    let shape = |ids: &[TensorId]| graph.tensors[ids[0]].shape.clone();
    let moved = |cost: &CutCost| cost.up_values + cost.down_values;
    let mut priced: Vec<(Cut, CutCost)> = u_cuts(graph)
        .into_iter()
        .filter(|cut| shape(&cut.up) == shape(&cut.down))
        .filter_map(|cut| graph.cut_cost(&cut).ok().map(|cost| (cut, cost)))
        .filter(|(_, cost)| cost.client_macs.min(cost.server_macs) as f64 >= least && moved(cost) < widest)
        .collect();
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

/// A set of tensor ids, one bit each.
#[derive(Clone)]
struct TensorSet(Vec<u64>);

impl TensorSet {
    fn contains(&self, id: usize) -> bool {
        self.0[id / 64] >> (id % 64) & 1 == 1
    }

    fn insert(&mut self, id: usize) {
        self.0[id / 64] |= 1 << (id % 64);
    }

    fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }
}

/// For each tensor, those that every way from the inputs to it passes through, itself included.
fn dominators(graph: &Graph) -> Vec<TensorSet> {
    let words = graph.tensors.len().div_ceil(64);
    let mut sets = vec![TensorSet(vec![0; words]); graph.tensors.len()];
    for &input in &graph.inputs {
        sets[input].insert(input);
    }
    for node in &graph.nodes {
        let mut set = TensorSet(vec![u64::MAX; words]);
        for &input in &node.inputs {
            set.intersect(&sets[input]);
        }
        set.insert(node.output);
        sets[node.output] = set;
    }
    sets
}
