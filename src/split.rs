//! Where the layers run: by name, or chosen.

mod describe;

pub use describe::{CrossingTensor, Side, SplitDescription, Stage, stages};

use crate::error::{Result, bail};
use crate::graph::Graph;
use crate::graph::cuts::{Cut, plain_cuts};
use crate::model::Manifest;

/// Which side runs what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// Everything here.
    Local,
    /// The picture is posted and the server does everything.
    Remote,
    /// Head and tail here, the body on the server.
    Cut {
        /// As in the manifest, or `P<n>` for the plain cut after the n-th place where one is possible.
        name: String,
        /// Its tensors, in the manifest's graph.
        cut: Cut,
    },
}

impl Placement {
    /// `local`, `remote`, a named split of the model such as `U3`, or a plain cut such as `P12`.
    ///
    /// # Errors
    /// `UnknownSplit`, listing the names there are.
    pub fn parse(name: &str, manifest: &Manifest) -> Result<Self> {
        match name {
            "local" => return Ok(Self::Local),
            "remote" => return Ok(Self::Remote),
            _ => {}
        }
        let graph = &manifest.graph;
        if let Some(split) = manifest.splits.iter().find(|split| split.name == name) {
            return Ok(Self::Cut { name: name.to_owned(), cut: graph.named_cut(split)? });
        }
        if let Some((name, cut)) = named_plain_cuts(graph).into_iter().find(|(plain, _)| plain == name) {
            return Ok(Self::Cut { name, cut });
        }
        let names: Vec<&str> = manifest.splits.iter().map(|split| split.name.as_str()).collect();
        bail!(
            UnknownSplit,
            "split {name:?}: expected auto, local, remote, {} or P1 to P{}",
            names.join(", "),
            plain_cuts(graph).len()
        )
    }

    /// The segments of `graph`, of which the cut's tensors are, that run on the client, in order.
    ///
    /// # Errors
    /// `UnknownSplit` for a cut that is not legal there.
    pub fn client_segments(&self, graph: &Graph) -> Result<Vec<Graph>> {
        Ok(match self {
            Self::Local => vec![graph.clone()],
            Self::Remote => Vec::new(),
            Self::Cut { cut, .. } => {
                let division = graph.divide(cut)?;
                std::iter::once(division.head).chain(division.tail).collect()
            }
        })
    }

    /// For reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Cut { name, .. } => name,
        }
    }
}

/// The plain cuts, as `P1`, `P2` ..., in execution order.
pub fn named_plain_cuts(graph: &Graph) -> Vec<(String, Cut)> {
    (1..).zip(plain_cuts(graph)).map(|(number, cut)| (format!("P{number}"), cut)).collect()
}

/// What is known of the client and its server when a split has to be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// An adapter is open.
    pub adapter: bool,
    /// It is a GPU and not a program that plays one.
    pub hardware: bool,
    /// The server is another machine.
    pub server: bool,
}

/// A placement and, for people, why. A rule and no measurement: it asks only who could do the work.
pub fn choose(manifest: &Manifest, circumstances: Circumstances) -> Result<(Placement, &'static str)> {
    let Circumstances { adapter, hardware, server } = circumstances;
    Ok(match (adapter && hardware, server) {
        (true, false) => (Placement::Local, "a GPU is here and no server was named"),
        (true, true) => match manifest.splits.get(manifest.splits.len() / 2) {
            Some(split) => (Placement::parse(&split.name, manifest)?, "a GPU is here and a server for the middle"),
            None => (Placement::Remote, "the model has no U-shaped split"),
        },
        (false, true) => (Placement::Remote, "no GPU is here, a server was named"),
        (false, false) => {
            (Placement::Remote, "no GPU is here; the CPU's own executor is faster than a software adapter")
        }
    })
}
