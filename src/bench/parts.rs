//! What of a model is timed as one.

use crate::error::Result;
use crate::graph::Graph;
use crate::plan::Edge;
use crate::session;
use crate::split::Placement;

/// Graphs that run one after the other over one set of buffers, a phase each.
#[derive(Debug, Clone)]
pub struct Part {
    /// Model, split and part.
    pub name: String,
    /// With the outputs that the host wants.
    pub(super) phases: Vec<(Graph, Vec<String>)>,
}

impl Part {
    /// Its graphs, for their weights.
    pub fn graphs(&self) -> Vec<&Graph> {
        self.phases.iter().map(|(graph, _)| graph).collect()
    }

    fn alone(name: String, graph: Graph) -> Self {
        let outputs = graph.outputs.iter().map(|&id| graph.tensors[id].name.clone()).collect();
        Self { name, phases: vec![(graph, outputs)] }
    }
}

/// The whole net; of a cut also its head and its tail, each by itself and both as a session holds them.
///
/// # Errors
/// `UnknownSplit` when the cut is not legal.
pub fn parts(model: &str, graph: &Graph, placement: &Placement) -> Result<Vec<Part>> {
    let mut parts = vec![Part::alone(format!("{model} local"), graph.clone())];
    if let Placement::Cut { name, cut } = placement {
        let division = graph.divide(cut)?;
        let session = session::segments(graph, placement, Some(&division), Edge::Host);
        parts.push(Part::alone(format!("{model} {name} head"), division.head));
        parts.extend(division.tail.map(|tail| Part::alone(format!("{model} {name} tail"), tail)));
        parts.push(Part { name: format!("{model} {name} session"), phases: session });
    }
    Ok(parts)
}
