//! The executor that is always there: `rten`, on the server's processor.

use super::kept::Kept;
use super::{Body, Executor};
use crate::error::{Result, bail, error};
use crate::export::{recipe, to_onnx_any_size};
use crate::tensor::Tensor;
use ::rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::{AsView, Layout};
use std::sync::Arc;

/// Nets kept ready. One serves every body at every size that the net was made for; odd sizes, whose
/// operators must be written differently, take another.
const NETS: usize = 2;

/// Runs bodies as ONNX on all cores.
///
/// The whole net is loaded once, its weights in f32, and a body is run by giving and asking for tensors in
/// its middle. So the bodies of all splits share one copy of the weights, and a body at a size that nobody
/// asked for before is ready at once.
pub struct RtenExecutor {
    pool: Arc<ThreadPool>,
    nets: Kept<NetKey, Model>,
}

/// What tells one loaded net from another.
#[derive(PartialEq)]
struct NetKey {
    model_sha256: String,
    recipe: Vec<u8>,
}

impl RtenExecutor {
    /// With a thread for every core.
    pub fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { pool: Arc::new(ThreadPool::with_num_threads(threads)), nets: Kept::new(NETS) }
    }

    fn net(&self, body: &Body) -> Result<Arc<Model>> {
        let net = body.net()?;
        let key = NetKey { model_sha256: body.manifest().sha256.clone(), recipe: recipe(&net)? };
        self.nets.get(key, || {
            let started = std::time::Instant::now();
            let onnx = to_onnx_any_size(&net, &body.load_weights(&net)?)?;
            // Optimising could take away a tensor at which some body begins or ends.
            let model = ModelOptions::with_all_ops().enable_optimization(false).load(onnx);
            let model = model
                .map_err(|e| error!(UnsupportedOperator, "the cpu executor cannot load this net").with_source(e))?;
            tracing::info!(size = ?body.key.size, millis = started.elapsed().as_millis() as u64, "net loaded");
            Ok(model)
        })
    }
}

impl Default for RtenExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for RtenExecutor {
    fn name(&self) -> &str {
        "cpu"
    }

    fn prepare(&self, body: &Body) -> Result<()> {
        self.net(body).map(|_| ())
    }

    fn run(&self, body: &Body, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let net = self.net(body)?;
        let graph = &body.graph;
        if inputs.len() != graph.inputs.len() {
            bail!(Internal, "expected {} tensors, found {}", graph.inputs.len(), inputs.len());
        }
        let node = |&id: &usize| -> Result<NodeId> {
            let node = net.node_id(&graph.tensors[id].name);
            node.map_err(|e| error!(Internal, "the exported net lost a tensor").with_source(e))
        };
        let mut given = Vec::with_capacity(inputs.len());
        for (id, tensor) in graph.inputs.iter().zip(inputs) {
            let shape = tensor.shape().to_vec();
            given.push((node(id)?, ValueOrView::from(rten_tensor::Tensor::from_data(&shape, tensor.into_data()))));
        }
        let wanted = graph.outputs.iter().map(node).collect::<Result<Vec<_>>>()?;
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let values = net.run(given, &wanted, Some(options));
        let values = values.map_err(|e| error!(ServerError, "the cpu executor failed").with_source(e))?;
        let mut outputs = Vec::with_capacity(values.len());
        for value in values {
            let Some(value) = value.into_tensor::<f32>() else {
                bail!(ServerError, "the cpu executor made a tensor that is not f32");
            };
            outputs.push(Tensor::new(value.shape().to_vec(), value.to_vec())?);
        }
        Ok(outputs)
    }
}
