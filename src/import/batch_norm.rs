//! Batch normalization at inference: a scale and an offset for each channel.

use super::call::{Call, TRAINING};
use super::constant::Constant;
use super::lower::Lowering;
use super::rewrite;
use crate::error::{Result, bail, error};
use crate::graph::op::Epilogue;
use crate::graph::{Conv, Op, WeightId};

/// As a 1x1 convolution of each channel on its own; [`fold`] removes most of them again.
pub(super) fn lower(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    // Before operator set 14 the further outputs were what said so.
    let further = call.node.output.iter().skip(1).any(|name| !name.is_empty());
    if call.flag("training_mode") || call.opset < 14 && further {
        bail!(UnsupportedOperator, "training_mode: {TRAINING}");
    }
    if call.int("spatial", 1) == 0 {
        bail!(UnsupportedOperator, "spatial 0: expected one mean and variance for each channel");
    }
    let input = state.tensor(call, 0)?;
    let &[_, channels, ..] = state.shape(input) else {
        bail!(BadShape, "expected channels, found {:?}", state.shape(input));
    };
    state.spend(2 * channels)?;
    let mut parameters = [const { Vec::new() }; 4];
    for (index, name) in ["scale", "offset", "mean", "variance"].into_iter().enumerate() {
        let values = state.constant(call, index + 1)?.map(Constant::to_floats).unwrap_or_default();
        if values.len() != channels {
            bail!(BadShape, "{name}: expected {channels} values, found {}", values.len());
        }
        parameters[index] = values;
    }
    let [scale, offset, mean, variance] = parameters;
    let epsilon = call.float("epsilon", 1e-5)?;
    let (mut factors, mut offsets) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for channel in 0..channels {
        let factor = f64::from(scale[channel]) / (f64::from(variance[channel]) + f64::from(epsilon)).sqrt();
        if !factor.is_finite() {
            bail!(BadModel, "channel {channel}: variance {} gives no finite factor", variance[channel]);
        }
        factors.push(factor as f32);
        offsets.push((f64::from(offset[channel]) - f64::from(mean[channel]) * factor) as f32);
    }
    let kernel = Constant::floats(vec![channels, 1, 1, 1], &factors)?;
    let kernel = state.weight(call.input(1).unwrap_or_default(), &kernel)?;
    let bias = state.weight(call.input(2).unwrap_or_default(), &Constant::floats(vec![channels], &offsets)?)?;
    let conv =
        Conv { groups: channels, strides: [1; 2], dilations: [1; 2], pads: [0; 4], epilogue: Epilogue::default() };
    state.emit(call, Op::Conv(conv), vec![input], vec![kernel, bias])?;
    state.batch_norms.insert(state.graph.nodes.len() - 1);
    Ok(())
}

/// Folds each normalization into the convolution before it, where nothing else reads that
/// convolution's output. The nodes that nothing reads any more stay behind.
///
/// # Errors
/// `BadModel` when weights shared by many nodes would have to be copied more often than the file is large.
pub(super) fn fold(state: &mut Lowering) -> Result<()> {
    let producers = state.graph.producers();
    let consumers = state.graph.consumers();
    let readers = rewrite::weight_readers(&state.graph);
    for index in 0..state.graph.nodes.len() {
        if !state.batch_norms.contains(&index) {
            continue;
        }
        let node = &state.graph.nodes[index];
        let input = node.inputs[0];
        let Some(before) = producers[input] else { continue };
        let convolution = &state.graph.nodes[before];
        let channel_axis = match convolution.op {
            Op::Conv(_) => 0,
            Op::ConvTranspose(_) => 1,
            _ => continue,
        };
        // A normalization is not folded into another, which may itself have been folded away.
        let is_private = consumers[input].len() == 1 && !state.graph.outputs.contains(&input);
        if !is_private || state.batch_norms.contains(&before) {
            continue;
        }
        let (old, own) = (convolution.weights.clone(), node.weights.clone());
        let [factors, offsets] = [own[0], own[1]].map(|id| state.constants[id].to_floats());
        state.spend(state.constants[old[0]].len())?;
        let kernel = scaled(&state.constants[old[0]], &factors, channel_axis)?;
        let bias = old.get(1).map_or_else(|| vec![0.0; factors.len()], |&bias| state.constants[bias].to_floats());
        let bias: Vec<f32> = (0..factors.len()).map(|i| bias[i] * factors[i] + offsets[i]).collect();
        let bias = Constant::floats(vec![bias.len()], &bias)?;
        let kernel = replace(state, &readers, old[0], kernel)?;
        // Without a bias of its own the convolution takes over the normalization's offset.
        let bias = replace(state, &readers, old.get(1).copied().unwrap_or(own[1]), bias)?;
        state.graph.nodes[before].weights = vec![kernel, bias];
        rewrite::absorb(&mut state.graph, before, index);
    }
    Ok(())
}

/// Weights times one factor for each output channel.
fn scaled(kernel: &Constant, factors: &[f32], channel_axis: usize) -> Result<Constant> {
    let wrong = || error!(Internal, "weights {:?} do not have {} channels", kernel.shape, factors.len());
    let &[rows, columns, height, width] = kernel.shape.as_slice() else { return Err(wrong()) };
    let window = height * width;
    // A transposed convolution in groups makes `columns` channels from each group's rows.
    let groups = if channel_axis == 0 { 1 } else { factors.len() / columns };
    let rows_a_group = rows / groups.max(1);
    let mut values = kernel.to_floats();
    for (index, value) in values.iter_mut().enumerate() {
        let (row, column) = (index / (columns * window), index / window % columns);
        let channel = if channel_axis == 0 { row } else { row / rows_a_group.max(1) * columns + column };
        *value *= factors.get(channel).ok_or_else(wrong)?;
    }
    Constant::floats(kernel.shape.clone(), &values)
}

/// Puts new values in place of a weight that one node reads, and beside one that several do.
fn replace(state: &mut Lowering, readers: &[usize], id: WeightId, value: Constant) -> Result<WeightId> {
    if readers[id] == 1 {
        state.graph.weights[id].shape.clone_from(&value.shape);
        state.constants[id] = value;
        return Ok(id);
    }
    let name = format!("{}.folded", state.graph.weights[id].name);
    state.weight(&name, &value)
}
