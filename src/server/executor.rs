//! What runs a body.

mod cancel;
mod kept;
mod pieces;
mod rten;

pub use self::cancel::Cancel;
pub use self::rten::RtenExecutor;

use super::ModelFile;
use crate::error::Result;
use crate::graph::Graph;
use crate::model::{Manifest, Weights};
use crate::tensor::Tensor;
use std::sync::Arc;

/// Runs bodies. Called from threads that may block.
pub trait Executor: Send + Sync {
    /// For reports: `cpu`, `gpu`, ...
    fn name(&self) -> &str;

    /// Makes a body ready ahead of its first run.
    ///
    /// # Errors
    /// As [`Self::run`].
    fn prepare(&self, body: &Body) -> Result<()> {
        let _ = body;
        Ok(())
    }

    /// The body's outputs, in the order of its graph's, for `inputs` in the order of its graph's. Their
    /// shapes have been checked. Long runs should ask `cancel` now and then, and end with its error.
    ///
    /// # Errors
    /// `UnsupportedOperator` when this executor lacks an operator; those of [`Cancel::check`]; `ServerError` or
    /// others when it fails.
    fn run(&self, body: &Body, inputs: Vec<Tensor>, cancel: &Cancel) -> Result<Vec<Tensor>>;
}

/// What tells one body from another within a model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyKey {
    /// Tensors given, in order.
    pub inputs: Vec<String>,
    /// Tensors wanted, in order.
    pub outputs: Vec<String>,
    /// Width, height of the whole graph's input.
    pub size: [usize; 2],
}

/// A segment of the model, and the way to its weights.
pub struct Body {
    /// Which one it is.
    pub key: BodyKey,
    /// Canonical, with shapes for [`BodyKey::size`].
    pub graph: Graph,
    model: Arc<ModelFile>,
}

impl Body {
    pub(super) fn new(key: BodyKey, graph: Graph, model: Arc<ModelFile>) -> Self {
        Self { key, graph, model }
    }

    /// The model that it is part of.
    pub fn manifest(&self) -> &Manifest {
        self.model.manifest()
    }

    /// The whole net at the body's size.
    ///
    /// # Errors
    /// Those of [`Graph::with_input_size`].
    pub fn net(&self) -> Result<Graph> {
        let [width, height] = self.key.size;
        self.manifest().graph.with_input_size(height, width)
    }

    /// Reads from the model file the weights of `graph`: the body's, or those of the whole net.
    ///
    /// # Errors
    /// Those of [`crate::model::Model::load`].
    pub fn load_weights(&self, graph: &Graph) -> Result<Weights> {
        self.model.weights(graph)
    }
}
