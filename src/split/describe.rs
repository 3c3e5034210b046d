//! What a split means, in numbers and by stages of the net: for people, and for pages that draw it.

use super::Placement;
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::model::Model;
use serde::Serialize;
use std::collections::HashSet;

/// A tensor that crosses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrossingTensor {
    /// Its name in the graph.
    pub tensor: String,
    /// NCHW.
    pub shape: Vec<usize>,
}

/// What a split costs, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SplitDescription {
    /// As [`Placement::parse`] takes it.
    pub name: String,
    /// To the server; empty for `local` and `remote`.
    pub up: Vec<CrossingTensor>,
    /// From it.
    pub down: Vec<CrossingTensor>,
    /// Multiply-adds on the client.
    pub client_macs: u64,
    /// Multiply-adds on the server.
    pub server_macs: u64,
    /// Bytes of weights in the model file that the client reads.
    pub client_weight_bytes: u64,
    /// Values that cross, both ways together.
    pub cut_values: u64,
}

impl SplitDescription {
    /// `graph` is the model's at the size in question.
    ///
    /// # Errors
    /// `UnknownSplit` for a cut that is not legal.
    pub fn new(model: &Model, graph: &Graph, placement: &Placement) -> Result<Self> {
        let all = graph.macs();
        let tensors = |ids: &[usize]| {
            let tensors = ids.iter().map(|&id| &graph.tensors[id]);
            tensors.map(|t| CrossingTensor { tensor: t.name.clone(), shape: t.shape.clone() }).collect()
        };
        let (up, down, client_macs, cut_values) = match placement {
            Placement::Local => (Vec::new(), Vec::new(), all, 0),
            Placement::Remote => (Vec::new(), Vec::new(), 0, 0),
            Placement::Cut { cut, .. } => {
                let cost = graph.cut_cost(cut)?;
                (tensors(&cut.up), tensors(&cut.down), cost.client_macs, cost.up_values + cost.down_values)
            }
        };
        let segments = placement.client_segments(graph)?;
        // Head and tail may share a weight, which is read once.
        let mut seen = HashSet::new();
        let mut client_weight_bytes = 0;
        for mut segment in segments {
            segment.weights.retain(|weight| seen.insert(weight.name.clone()));
            client_weight_bytes += model.weight_bytes(&segment)?;
        }
        Ok(Self {
            name: placement.name().to_owned(),
            up,
            down,
            client_macs,
            server_macs: all - client_macs,
            client_weight_bytes,
            cut_values,
        })
    }
    /// All plain cuts, as `P1`, `P2` ...: each priced by what it adds to the one before.
    ///
    /// # Errors
    /// `Mismatch` when a weight of `graph` is not in `model`.
    pub fn plain(model: &Model, graph: &Graph) -> Result<Vec<Self>> {
        let all = graph.macs();
        let mut described = Vec::new();
        let (mut client_macs, mut client_weight_bytes) = (0, 0);
        let mut seen = HashSet::new();
        let mut nodes = graph.nodes.iter();
        for (name, cut) in super::named_plain_cuts(graph) {
            // The cut stands behind the node that makes the last of its tensors.
            let last = cut.up.last().copied();
            for node in nodes.by_ref() {
                client_macs += graph.node_macs(node);
                for &id in node.weights.iter().filter(|&&id| seen.insert(id)) {
                    client_weight_bytes += model.stored_bytes(&graph.weights[id].name)?;
                }
                if Some(node.output) == last {
                    break;
                }
            }
            let tensors = |ids: &[usize]| {
                let tensors = ids.iter().map(|&id| &graph.tensors[id]);
                tensors.map(|t| CrossingTensor { tensor: t.name.clone(), shape: t.shape.clone() }).collect::<Vec<_>>()
            };
            let (up, down) = (tensors(&cut.up), tensors(&cut.down));
            let values = |tensor: &CrossingTensor| tensor.shape.iter().map(|&dim| dim as u64).product::<u64>();
            let cut_values = up.iter().chain(&down).map(values).sum();
            let server_macs = all - client_macs;
            described.push(Self { name, up, down, client_macs, server_macs, client_weight_bytes, cut_values });
        }
        Ok(described)
    }
}

/// Which side runs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The client, before the cut.
    Head,
    /// The server.
    Body,
    /// The client, after it.
    Tail,
}

/// Neighbouring nodes of one module of the net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// The first part of the nodes' names, which exporters take from the module that made them.
    pub name: String,
    /// Multiply-adds.
    pub macs: u64,
    /// For each of the placements asked about, where it runs; where it is cut itself, most of it.
    pub sides: Vec<Side>,
}

/// The net in order of execution, and where each placement runs it. Nodes without work of their own
/// (pools, resizes, joins) belong to the stage before them.
///
/// # Errors
/// `UnknownSplit` for a cut that is not legal in `graph`.
pub fn stages(graph: &Graph, placements: &[Placement]) -> Result<Vec<Stage>> {
    let mut sides = Vec::with_capacity(placements.len());
    for placement in placements {
        sides.push(Sides::of(graph, placement)?);
    }
    let mut stages: Vec<(Stage, Vec<[u64; 3]>)> = Vec::new();
    for node in &graph.nodes {
        let macs = graph.node_macs(node);
        let name = module(node);
        if stages.last().is_none_or(|(last, _)| last.name != name && macs > 0) {
            let stage = Stage { name: name.to_owned(), macs: 0, sides: Vec::new() };
            stages.push((stage, vec![[0; 3]; placements.len()]));
        }
        let Some((stage, shares)) = stages.last_mut() else { continue };
        stage.macs += macs;
        for (share, sides) in shares.iter_mut().zip(&sides) {
            share[sides.side(node) as usize] += macs;
        }
    }
    let most = |share: [u64; 3]| match share {
        [head, body, tail] if body >= head && body >= tail => Side::Body,
        [head, _, tail] if head >= tail => Side::Head,
        _ => Side::Tail,
    };
    Ok(stages
        .into_iter()
        .map(|(stage, shares)| Stage { sides: shares.into_iter().map(most).collect(), ..stage })
        .collect())
}

fn module(node: &Node) -> &str {
    node.name.split('/').find(|part| !part.is_empty()).unwrap_or("net")
}

/// Names of the nodes of head and tail.
struct Sides {
    head: HashSet<String>,
    tail: HashSet<String>,
}

impl Sides {
    fn of(graph: &Graph, placement: &Placement) -> Result<Self> {
        let names = |graph: Option<&Graph>| {
            graph.into_iter().flat_map(|graph| &graph.nodes).map(|node| node.name.clone()).collect()
        };
        let segments = placement.client_segments(graph)?;
        Ok(Self { head: names(segments.first()), tail: names(segments.get(1)) })
    }

    fn side(&self, node: &Node) -> Side {
        if self.head.contains(&node.name) {
            Side::Head
        } else if self.tail.contains(&node.name) {
            Side::Tail
        } else {
            Side::Body
        }
    }
}
