//! The executor that is always there: `rten`, on the server's processor.

use super::kept::Kept;
use super::pieces::pieces;
use super::{Body, Cancel, Executor};
use crate::error::{Result, bail, error};
use crate::export::{recipe, to_onnx_any_size};
use crate::tensor::Tensor;
use ::rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::Layout;
use std::collections::HashMap;
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

    fn run(&self, body: &Body, inputs: Vec<Tensor>, cancel: &Cancel) -> Result<Vec<Tensor>> {
        let net = self.net(body)?;
        let graph = &body.graph;
        if inputs.len() != graph.inputs.len() {
            bail!(Internal, "expected {} tensors, found {}", graph.inputs.len(), inputs.len());
        }
        let node = |id: usize| -> Result<NodeId> {
            let node = net.node_id(&graph.tensors[id].name);
            node.map_err(|e| error!(Internal, "the exported net lost a tensor").with_source(e))
        };
        // What has been made and is still needed.
        let mut values: HashMap<usize, Value> = HashMap::new();
        for (&id, tensor) in graph.inputs.iter().zip(inputs) {
            let shape = tensor.shape().to_vec();
            values.insert(id, rten_tensor::Tensor::from_data(&shape, tensor.into_data()).into());
        }
        for piece in pieces(graph) {
            cancel.check()?;
            // What nothing needs any more is given away, so that the piece may work in its memory and free it.
            let last: Vec<_> = piece.last.iter().map(|&id| (id, values.remove(&id).map(ValueOrView::Value))).collect();
            let kept = piece.kept.iter();
            let kept = kept.map(|&id| (id, values.get(&id).map(|value| ValueOrView::View(value.as_view()))));
            let mut given = Vec::new();
            for (id, value) in last.into_iter().chain(kept) {
                let lost = || error!(Internal, "tensor {:?} is not there", graph.tensors[id].name);
                given.push((node(id)?, value.ok_or_else(lost)?));
            }
            let wanted = piece.made.iter().map(|&id| node(id)).collect::<Result<Vec<_>>>()?;
            let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
            let made = net.run(given, &wanted, Some(options));
            let made = made.map_err(|e| error!(ServerError, "the cpu executor failed").with_source(e))?;
            values.extend(piece.made.iter().copied().zip(made));
        }
        let mut outputs = Vec::with_capacity(graph.outputs.len());
        for id in &graph.outputs {
            let value = values.remove(id).and_then(|value| value.into_tensor::<f32>());
            let Some(value) = value else {
                bail!(ServerError, "the cpu executor did not make an f32 tensor {:?}", graph.tensors[*id].name);
            };
            let shape = value.shape().to_vec();
            // Most often no copy; but buffers are used again, and may be much larger than what is in them.
            let mut data = value.into_data();
            data.shrink_to_fit();
            outputs.push(Tensor::new(shape, data)?);
        }
        Ok(outputs)
    }
}
