//! The executor that is always there: `rten`, on the server's processor.

use super::prepared::PreparedBodies;
use super::{Body, Executor};
use crate::error::{Result, bail, error};
use crate::export::to_onnx;
use crate::tensor::Tensor;
use ::rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::{AsView, Layout};
use std::sync::Arc;

/// Runs bodies as ONNX on all cores.
pub struct RtenExecutor {
    pool: Arc<ThreadPool>,
    bodies: PreparedBodies<Prepared>,
}

struct Prepared {
    model: Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
}

impl RtenExecutor {
    /// Keeps up to `bodies` bodies ready, each with its weights in f32.
    pub fn new(bodies: usize) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { pool: Arc::new(ThreadPool::with_num_threads(threads)), bodies: PreparedBodies::new(bodies) }
    }

    fn prepared(&self, body: &Body) -> Result<Arc<Prepared>> {
        self.bodies.get(&body.key, || {
            let started = std::time::Instant::now();
            let onnx = to_onnx(&body.graph, &body.load_weights()?)?;
            let model = Model::load(onnx)
                .map_err(|e| error!(UnsupportedOperator, "the cpu executor cannot load this body").with_source(e))?;
            let ids = |tensors: &[usize]| {
                let id = |&id: &usize| model.node_id(&body.graph.tensors[id].name);
                let ids = tensors.iter().map(id).collect::<std::result::Result<Vec<_>, _>>();
                ids.map_err(|e| error!(Internal, "the exported body lost a tensor").with_source(e))
            };
            let (inputs, outputs) = (ids(&body.graph.inputs)?, ids(&body.graph.outputs)?);
            tracing::info!(?body.key, millis = started.elapsed().as_millis() as u64, "body prepared");
            Ok(Prepared { model, inputs, outputs })
        })
    }
}

impl Default for RtenExecutor {
    fn default() -> Self {
        Self::new(6)
    }
}

impl Executor for RtenExecutor {
    fn name(&self) -> &str {
        "cpu"
    }

    fn prepare(&self, body: &Body) -> Result<()> {
        self.prepared(body).map(|_| ())
    }

    fn run(&self, body: &Body, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let prepared = self.prepared(body)?;
        if inputs.len() != prepared.inputs.len() {
            bail!(Internal, "expected {} tensors, found {}", prepared.inputs.len(), inputs.len());
        }
        let given = prepared.inputs.iter().zip(inputs).map(|(&id, tensor)| {
            let shape = tensor.shape().to_vec();
            (id, ValueOrView::from(rten_tensor::Tensor::from_data(&shape, tensor.into_data())))
        });
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let values = prepared.model.run(given.collect(), &prepared.outputs, Some(options));
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
