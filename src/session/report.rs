//! What one segmentation cost, and where.

use super::Options;
use crate::error::Result;
use crate::gpu::{AdapterInfo, Program};
use crate::graph::Graph;
use crate::kernels::Precision;
use crate::model::Manifest;
use crate::split::Placement;
use crate::wire::client::InferTimings;
use serde::Serialize;

/// The adapter's part of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExecutorAdapter {
    /// As the driver spells it.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `other`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// For instance `vulkan`.
    pub backend: String,
    /// Whether activations and weights were f16 in this run.
    pub f16: bool,
}

impl ExecutorAdapter {
    /// Of a run in `precision`.
    pub fn of(info: &AdapterInfo, precision: Precision) -> Self {
        let f16 = precision == Precision::F16;
        Self { name: info.name.clone(), kind: info.kind, backend: info.backend.clone(), f16 }
    }
}

/// Numbers of one segmentation. Everything with `millis` is wall time on the client, except
/// `server_millis` and `queue_millis`, which are the server's own account.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The manifest's name.
    pub model: String,
    /// [`Manifest::sha256`].
    pub model_sha256: String,
    /// Width, height that the net ran at.
    pub size: [usize; 2],
    /// `local`, `remote` or the cut's name.
    pub split: String,
    /// How tensors travelled.
    pub codec: String,
    /// What ran the client's layers; null when there were none.
    pub adapter: Option<ExecutorAdapter>,
    /// Multiply-adds here.
    pub client_macs: u64,
    /// Multiply-adds on the server.
    pub server_macs: u64,
    /// Bytes of weights, in the model file, that this client needed.
    pub client_weight_bytes: u64,
    /// Bytes of the request's body.
    pub up_bytes: usize,
    /// Bytes of the answer's body.
    pub down_bytes: usize,
    /// From the input tensor to the crossing tensors on the host (local: to the mask).
    pub head_millis: f64,
    /// Tensors to bytes.
    pub encode_millis: f64,
    /// From the first byte sent to the last received, less the server's work.
    pub network_millis: f64,
    /// The server's work.
    pub server_millis: f64,
    /// Waiting for the server's turn.
    pub queue_millis: f64,
    /// Bytes to tensors.
    pub decode_millis: f64,
    /// From the crossing tensors on the host to the mask.
    pub tail_millis: f64,
    /// From the decoded picture to the mask at the picture's size.
    pub total_millis: f64,
    /// Reading weights and making plans ready, once a session; not part of the total.
    pub setup_millis: f64,
    /// Dispatches of one picture.
    pub gpu_dispatches: usize,
    /// Submits of one picture.
    pub gpu_submits: usize,
    /// Readbacks of one picture.
    pub gpu_readbacks: usize,
    /// Bytes of every buffer that the client's plan allocated, weights included.
    pub gpu_peak_bytes: u64,
    /// What ran the server's layers, by its own account; empty when there were none.
    pub executor: String,
    /// Why the run was not as asked for; null when it was.
    pub fallback: Option<String>,
}

impl Report {
    pub(super) fn new(manifest: &Manifest, options: &Options, graph: &Graph) -> Result<Self> {
        let all = graph.macs();
        let (client_macs, server_macs) = match &options.placement {
            Placement::Local => (all, 0),
            Placement::Remote => (0, all),
            Placement::Cut { cut, .. } => {
                let cost = graph.cut_cost(cut)?;
                (cost.client_macs, cost.server_macs)
            }
        };
        Ok(Self {
            model: manifest.name.clone(),
            model_sha256: manifest.sha256.clone(),
            size: options.size,
            split: options.placement.name().to_owned(),
            codec: options.codec.to_string(),
            adapter: None,
            client_macs,
            server_macs,
            client_weight_bytes: 0,
            up_bytes: 0,
            down_bytes: 0,
            head_millis: 0.0,
            encode_millis: 0.0,
            network_millis: 0.0,
            server_millis: 0.0,
            queue_millis: 0.0,
            decode_millis: 0.0,
            tail_millis: 0.0,
            total_millis: 0.0,
            setup_millis: 0.0,
            gpu_dispatches: 0,
            gpu_submits: 0,
            gpu_readbacks: 0,
            gpu_peak_bytes: 0,
            executor: String::new(),
            fallback: None,
        })
    }

    pub(super) fn describe_client(&mut self, program: &Program, adapter: &ExecutorAdapter) {
        let plan = program.plan();
        self.adapter = Some(adapter.clone());
        self.gpu_dispatches = plan.dispatch_count();
        self.gpu_submits = plan.phases.len();
        self.gpu_readbacks = plan.phases.iter().filter(|phase| !phase.readbacks.is_empty()).count();
        self.gpu_peak_bytes = program.allocated_bytes();
    }

    pub(super) fn add(&mut self, timings: &InferTimings) {
        self.encode_millis = timings.encode_millis;
        self.network_millis = timings.network_millis;
        self.server_millis = timings.server_millis;
        self.queue_millis = timings.queue_millis;
        self.decode_millis = timings.decode_millis;
        self.up_bytes = timings.up_bytes;
        self.down_bytes = timings.down_bytes;
        self.executor.clone_from(&timings.executor);
    }
}
