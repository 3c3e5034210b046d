//! The part of a request that computes: from its bytes to the pieces of its answer, on a thread that may block.

use super::budget::Hold;
use super::compress::gzip;
use super::executor::Cancel;
use super::outgoing::{Outgoing, TextPieces};
use super::resolve::Wanted;
use super::{ServerState, picture};
use crate::codec::{self, Codec, Coded};
use crate::error::{ErrorKind, Result, bail, error};
use crate::image::Mask;
use crate::model::Postprocess;
use crate::tensor::Tensor;
use crate::wire::{InferResponse, Input, NamedTensor, RequestHead, ServerReport};
use std::borrow::Cow;
use std::time::Instant;

/// A request that has arrived.
pub(super) struct Job {
    pub(super) wanted: Wanted,
    pub(super) head: RequestHead,
    /// JSON, then tensors.
    pub(super) bytes: Vec<u8>,
    /// Bytes of JSON.
    pub(super) json: usize,
    /// Whether the answer is to be compressed.
    pub(super) pack: bool,
}

/// What a request comes to.
pub(super) struct Made {
    pub(super) body: Outgoing,
    /// Bytes of the answer's JSON, before any compression.
    pub(super) json_bytes: usize,
    /// Bytes of the answer before any compression.
    pub(super) body_bytes: usize,
    /// Whether it is compressed.
    pub(super) packed: bool,
}

impl Job {
    /// Blocks. `hold` has room for the request's bytes and for its answer, whichever is more.
    pub(super) fn run(self, state: &ServerState, cancel: &Cancel, mut hold: Hold, queue_millis: f64) -> Result<Made> {
        let started = Instant::now();
        let Self { wanted, head, bytes, json, pack } = self;
        cancel.check()?;
        let spare = state.memory.request_bytes.saturating_sub(wanted.cost.reading_bytes(bytes.len()));
        let inputs = inputs(&wanted, head, &bytes, json, spare)?;
        drop(bytes);
        hold.shrink(wanted.cost.answer_bytes);
        let is_finite = inputs.iter().all(|input| input.data().iter().all(|value| value.is_finite()));
        let made = state.executor.run(&wanted.body, inputs, cancel)?;
        check_made(&wanted, &made)?;
        let mut outputs = Vec::with_capacity(made.len());
        for (output, tensor) in wanted.outputs.iter().zip(made) {
            let written = Written::new(output.codec, tensor, state.manifest().postprocess);
            outputs.push(written.map_err(|e| match e.kind() {
                // What comes of a client's NaN is no fault of the server.
                ErrorKind::ServerError if !is_finite => {
                    error!(
                        BadMessage,
                        "output {:?}: the inputs hold NaN or infinity, and so does what is made of them", output.name
                    )
                }
                _ => e.context(format!("output {:?}", output.name)),
            })?);
        }
        let server_millis = started.elapsed().as_secs_f64() * 1e3;
        let report = ServerReport { server_millis, queue_millis, executor: state.executor.name().to_owned() };
        tracing::info!(server_millis, queue_millis, inputs = ?wanted.body.key.inputs, "inference done");
        answer(state, &wanted, outputs, report, pack, hold)
    }
}

/// The body's inputs; `spare` is how much memory a picture may take while it is decoded.
fn inputs(wanted: &Wanted, head: RequestHead, bytes: &[u8], json: usize, spare: usize) -> Result<Vec<Tensor>> {
    let graph = &wanted.body.graph;
    let (json, binary) = bytes.split_at(json);
    let request = head.finish(json, binary)?;
    let mut inputs = Vec::with_capacity(graph.inputs.len());
    match request.input {
        Input::Tensors(tensors) => {
            for (&id, tensor) in graph.inputs.iter().zip(tensors) {
                let decoded = codec::decode(&tensor.coded, &graph.tensors[id].shape);
                inputs.push(decoded.map_err(|e| e.context(format!("tensor {:?}", tensor.name)))?);
            }
        }
        Input::Picture(upload) => {
            inputs.push(picture::to_input(&upload, wanted.size, &wanted.body.manifest().preprocess, spare)?);
        }
    }
    Ok(inputs)
}

/// An output in the form in which it is sent, in memory of its own.
struct Written {
    codec: Codec,
    shape: Vec<usize>,
    bytes: Owned,
    scales: Vec<f32>,
}

enum Owned {
    /// Only where floats lie in memory as they travel: on a big-endian machine the codec makes bytes of them.
    Floats(Vec<f32>),
    Bytes(Vec<u8>),
}

impl Written {
    fn new(codec: Codec, tensor: Tensor, postprocess: Postprocess) -> Result<Self> {
        let tensor = if codec == Codec::Alpha8 { alpha(&tensor, postprocess)? } else { tensor };
        let Coded { shape, bytes, scales, .. } = codec::encode(codec, &tensor)?;
        let bytes = match bytes {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes),
        };
        let bytes = bytes.map_or_else(|| Owned::Floats(tensor.into_data()), Owned::Bytes);
        Ok(Self { codec, shape, bytes, scales })
    }

    fn coded(&self) -> Coded<'_> {
        let bytes = self.bytes.as_ref().into();
        Coded { codec: self.codec, shape: self.shape.clone(), bytes, scales: self.scales.clone() }
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Floats(values) => bytemuck::cast_slice(values),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// The answer in pieces.
fn answer(
    state: &ServerState,
    wanted: &Wanted,
    outputs: Vec<Written>,
    report: ServerReport,
    pack: bool,
    mut hold: Hold,
) -> Result<Made> {
    let mut json = TextPieces::default();
    let named = wanted.outputs.iter().zip(&outputs);
    let named = named.map(|(output, written)| NamedTensor {
        name: output.name.clone(),
        coded: written.coded(),
        binary: output.binary,
    });
    let response = InferResponse { model_name: state.manifest().name.clone(), report, outputs: named.collect() };
    response.write_json(&mut json)?;
    drop(response);
    let json_bytes = json.len();
    let mut pieces: Vec<Owned> = json.into_pieces().into_iter().map(Owned::Bytes).collect();
    for (_, written) in wanted.outputs.iter().zip(outputs).filter(|(output, _)| output.binary) {
        pieces.push(written.bytes);
        pieces.push(Owned::Bytes(written.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect()));
    }
    let body_bytes = pieces.iter().map(|piece| piece.as_ref().len()).sum();
    if pack {
        let packed = gzip(pieces.iter().map(AsRef::as_ref));
        let packed = packed.map_err(|e| error!(Internal, "the answer cannot be compressed").with_source(e))?;
        pieces = vec![Owned::Bytes(packed)];
    }
    let mut body = Outgoing::default();
    pieces.into_iter().for_each(|piece| body.push(piece, &mut hold));
    Ok(Made { body, json_bytes, body_bytes, packed: pack })
}

/// A net's output as alpha.
fn alpha(output: &Tensor, postprocess: Postprocess) -> Result<Tensor> {
    let mask = Mask::from_output(output, postprocess).map_err(|e| error!(ServerError, "the mask: {}", e.message()))?;
    Tensor::new(output.shape().to_vec(), mask.alpha().to_vec())
}

/// Executors may be other people's servers.
fn check_made(wanted: &Wanted, made: &[Tensor]) -> Result<()> {
    let graph = &wanted.body.graph;
    let expected = graph.outputs.iter().map(|&id| graph.tensors[id].shape.as_slice());
    if !expected.clone().eq(made.iter().map(Tensor::shape)) {
        let found: Vec<_> = made.iter().map(Tensor::shape).collect();
        bail!(ServerError, "the executor made {found:?}, expected {:?}", expected.collect::<Vec<_>>());
    }
    Ok(())
}
