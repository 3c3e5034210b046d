//! From the tensors that a request names to the body that it wants.

use super::cost::Cost;
use super::executor::{Body, BodyKey};
use super::{ModelFile, ServerConfig};
use crate::codec::Codec;
use crate::error::{Result, bail, brief, error};
use crate::graph::{Graph, TensorId};
use crate::model::{Manifest, NamedSplit};
use crate::wire::{RequestHead, WantedOutput};
use std::sync::Arc;

/// How much more a net may hold at a size of another shape than the model's own.
const SHAPE_ALLOWANCE: f64 = 1.5;

/// A request that makes sense.
pub(super) struct Wanted {
    pub(super) body: Body,
    pub(super) outputs: Vec<WantedOutput>,
    pub(super) cost: Cost,
    /// Width, height.
    pub(super) size: [usize; 2],
}

/// Compares a request with the model.
///
/// # Errors
/// `Mismatch` for another model, or a named split with other tensors; `UnknownSplit` when the tensors
/// make no body, or one is given that it does not need; `BadShape` when one has another shape here; `BadArgument` for
/// sizes beyond the limit.
pub(super) fn resolve(model: &Arc<ModelFile>, config: &ServerConfig, head: &RequestHead) -> Result<Wanted> {
    let manifest = model.manifest();
    if let Some(theirs) = head.parameters.model_sha256.as_ref().filter(|theirs| **theirs != manifest.sha256) {
        bail!(Mismatch, "the model here is {}, the request is for {}", manifest.sha256, brief(theirs));
    }
    let size = head.parameters.size.unwrap_or(manifest.preprocess.size);
    let graph = sized(manifest, size, config)?;
    let inputs = match head.tensors() {
        None => graph.inputs.clone(),
        Some(tensors) => {
            let mut inputs = Vec::new();
            for (name, shape, _) in tensors {
                let id = graph.tensor(name)?;
                let expected = &graph.tensors[id].shape;
                if shape != expected {
                    let found = brief(shape);
                    bail!(BadShape, "tensor {name:?} at size {size:?}: expected shape {expected:?}, found {found}");
                }
                inputs.push(id);
            }
            inputs
        }
    };
    let outputs = if head.outputs.is_empty() {
        let binary = head.binary_outputs;
        let wanted = |&id: &TensorId| WantedOutput { name: graph.tensors[id].name.clone(), codec: Codec::F32, binary };
        graph.outputs.iter().map(wanted).collect()
    } else {
        head.outputs.clone()
    };
    let output_ids = outputs.iter().map(|output| graph.tensor(&output.name)).collect::<Result<Vec<_>>>()?;
    for (output, id) in outputs.iter().zip(&output_ids) {
        if output.codec == Codec::Alpha8 && !graph.outputs.contains(id) {
            bail!(BadArgument, "codec alpha8 is for the mask, tensor {:?} is none", output.name);
        }
    }
    let body = body(model, &graph, &inputs, &output_ids, size)?;
    check_needed(&body.graph)?;
    if let Some(name) = &head.parameters.split {
        check_split(manifest, name, &body.key)?;
    }
    let cost = Cost::new(&body, &outputs, head)?;
    Ok(Wanted { body, outputs, cost, size })
}

/// The body of one of the model's own splits, at the model's own size.
pub(super) fn named(model: &Arc<ModelFile>, split: &NamedSplit) -> Result<Body> {
    let Manifest { graph, preprocess, .. } = model.manifest();
    let ids = |names: &[String]| names.iter().map(|name| graph.tensor(name)).collect::<Result<Vec<_>>>();
    let inputs = if split.up.is_empty() { graph.inputs.clone() } else { ids(&split.up)? };
    let outputs = if split.down.is_empty() { graph.outputs.clone() } else { ids(&split.down)? };
    body(model, graph, &inputs, &outputs, preprocess.size)
}

fn sized(manifest: &Manifest, size: [usize; 2], config: &ServerConfig) -> Result<Graph> {
    let own = manifest.preprocess.size;
    if size == own {
        return Ok(manifest.graph.clone());
    }
    let most = config.max_pixels.unwrap_or(own[0].saturating_mul(own[1]));
    if size[0].checked_mul(size[1]).is_none_or(|pixels| pixels > most) {
        bail!(BadArgument, "size {size:?}: this server runs at most {most} pixels");
    }
    let graph = manifest.graph.with_input_size(size[1], size[0])?;
    // A picture of one row has as many pixels as a square one, but what a net makes of it may be larger by far.
    let values = |graph: &Graph| graph.tensors.iter().map(|t| t.shape.iter().product::<usize>() as f64).sum::<f64>();
    let own_pixels = own[0].saturating_mul(own[1]) as f64;
    let allowed = values(&manifest.graph) * (most as f64 / own_pixels).max(1.0) * SHAPE_ALLOWANCE;
    let needed = values(&graph);
    if needed > allowed {
        bail!(BadArgument, "size {size:?}: the net would hold {needed:.0} values, at most {allowed:.0} are allowed");
    }
    Ok(graph)
}

/// A tensor that is given and not needed is a mistake, and would only take memory.
fn check_needed(body: &Graph) -> Result<()> {
    let consumers = body.consumers();
    match body.inputs.iter().find(|&&id| consumers[id].is_empty()) {
        Some(&id) => Err(error!(
            UnknownSplit,
            "tensor {:?} is given, but nothing between the inputs and the outputs needs it", body.tensors[id].name
        )),
        None => Ok(()),
    }
}

fn body(
    model: &Arc<ModelFile>,
    graph: &Graph,
    inputs: &[TensorId],
    outputs: &[TensorId],
    size: [usize; 2],
) -> Result<Body> {
    let segment = graph.extract(inputs, outputs)?;
    let names = |ids: &[TensorId]| ids.iter().map(|&id| graph.tensors[id].name.clone()).collect();
    let key = BodyKey { inputs: names(inputs), outputs: names(outputs), size };
    Ok(Body::new(key, segment, model.clone()))
}

/// A split's name is only a label, unless the model has a split of that name: then it must be that one.
fn check_split(manifest: &Manifest, name: &str, key: &BodyKey) -> Result<()> {
    let Some(split) = manifest.splits.iter().find(|split| split.name == name) else {
        return Ok(());
    };
    let same = |ours: &[String], theirs: &[String]| {
        ours.is_empty() || (ours.len() == theirs.len() && ours.iter().all(|name| theirs.contains(name)))
    };
    if !same(&split.up, &key.inputs) || !same(&split.down, &key.outputs) {
        bail!(
            Mismatch,
            "split {name:?} is {} to {} here, the request says {} to {}",
            brief(&split.up),
            brief(&split.down),
            brief(&key.inputs),
            brief(&key.outputs)
        );
    }
    Ok(())
}
