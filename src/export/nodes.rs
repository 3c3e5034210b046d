//! Each operator as one or more ONNX nodes.

mod dilated;

use super::Writer;
use crate::error::{Result, bail, error};
use crate::graph::op::{Conv, ConvTranspose, Coordinates, Pad, PadMode, Pool, PoolKind, ResizeMode, Rounding};
use crate::graph::{Activation, Node, Op, Resize};
use rten_onnx::onnx::{AttributeProto, AttributeType, NodeProto};

/// Writes `node`, its constants included.
pub(super) fn write(writer: &mut Writer<'_>, node: &Node) -> Result<()> {
    let graph = writer.graph;
    let inputs: Vec<String> = node.inputs.iter().map(|&id| graph.tensors[id].name.clone()).collect();
    let weights = node.weights.iter().map(|&id| writer.weight(id)).collect::<Result<Vec<_>>>()?;
    let output = graph.tensors[node.output].name.clone();
    let out_shape = graph.tensors[node.output].shape.as_slice();
    let in_shape =
        node.inputs.first().map_or_else(|| error_shape(node), |&id| Ok(graph.tensors[id].shape.as_slice()))?;
    let made = match &node.op {
        Op::Conv(conv) => return write_conv(writer, conv, inputs, weights, output),
        Op::Activation(activation) => return write_activation(writer, *activation, &inputs[0], output),
        Op::ConvTranspose(conv) => {
            made("ConvTranspose", [inputs, weights].concat(), output, conv_transpose_attributes(conv))
        }
        Op::Pool(pool) if pool.dilations != [1; 2] => {
            return dilated::write(writer, pool, &inputs[0], in_shape, out_shape, output);
        }
        Op::Pool(pool) => {
            let name = if pool.kind == PoolKind::Max { "MaxPool" } else { "AveragePool" };
            made(name, inputs, output, pool_attributes(pool, in_shape, out_shape)?)
        }
        Op::GlobalAveragePool => made("GlobalAveragePool", inputs, output, vec![]),
        Op::Resize(resize) => {
            let scales = resize_scales(resize, in_shape, out_shape)?;
            let scales = writer.floats("scales", &[4], &scales);
            made("Resize", vec![inputs[0].clone(), String::new(), scales], output, resize_attributes(resize))
        }
        Op::Concat => made("Concat", inputs, output, vec![int("axis", 1)]),
        Op::Binary { constant_first, .. } => {
            let operands = if *constant_first { [weights, inputs].concat() } else { [inputs, weights].concat() };
            made(node.op.name(), operands, output, vec![])
        }
        Op::Softmax => made("Softmax", inputs, output, vec![int("axis", 1)]),
        Op::Pad(pad) => return write_pad(writer, pad, &inputs[0], output),
        Op::Slice { axes } => {
            let column = |value: fn(&crate::graph::op::SliceAxis) -> i64| axes.iter().map(value).collect::<Vec<_>>();
            let starts = writer.ints("starts", &column(|slice| slice.start));
            let ends = writer.ints("ends", &column(|slice| slice.end));
            let on = writer.ints("axes", &column(|slice| slice.axis as i64));
            let steps = writer.ints("steps", &column(|slice| slice.step as i64));
            made("Slice", vec![inputs[0].clone(), starts, ends, on, steps], output, vec![])
        }
        Op::Reshape { shape } => {
            let shape = writer.ints("shape", shape);
            made("Reshape", vec![inputs[0].clone(), shape], output, vec![])
        }
        Op::Transpose { axes } => made("Transpose", inputs, output, vec![sizes("perm", axes)]),
    };
    writer.nodes.push(made);
    Ok(())
}

fn error_shape(node: &Node) -> Result<&'static [usize]> {
    Err(error!(Internal, "node {:?} reads nothing", node.name))
}

/// A convolution: one node in canonical graphs; concatenation before and epilogue after it in fused ones.
fn write_conv(
    writer: &mut Writer<'_>,
    conv: &Conv,
    mut inputs: Vec<String>,
    weights: Vec<String>,
    output: String,
) -> Result<()> {
    let residual = if conv.epilogue.residual { inputs.pop() } else { None };
    let data = match inputs.as_slice() {
        [one] => one.clone(),
        _ => {
            let joined = writer.names.fresh("joined");
            writer.nodes.push(made("Concat", inputs, joined.clone(), vec![int("axis", 1)]));
            joined
        }
    };
    let attributes = vec![
        int("group", conv.groups as i64),
        sizes("strides", &conv.strides),
        sizes("dilations", &conv.dilations),
        sizes("pads", &conv.pads),
    ];
    // Each step makes a value of its own; the last makes the node's output.
    let epilogue = conv.epilogue;
    let mut open = usize::from(epilogue.before.is_some())
        + usize::from(residual.is_some())
        + usize::from(epilogue.after.is_some());
    let mut next = |writer: &mut Writer<'_>| {
        if open == 0 {
            return output.clone();
        }
        open -= 1;
        writer.names.fresh("epilogue")
    };
    let mut value = next(writer);
    writer.nodes.push(made("Conv", [vec![data], weights].concat(), value.clone(), attributes));
    if let Some(before) = epilogue.before {
        let to = next(writer);
        write_activation(writer, before, &value, to.clone())?;
        value = to;
    }
    if let Some(residual) = residual {
        let to = next(writer);
        writer.nodes.push(made("Add", vec![value, residual], to.clone(), vec![]));
        value = to;
    }
    if let Some(after) = epilogue.after {
        let to = next(writer);
        write_activation(writer, after, &value, to)?;
    }
    Ok(())
}

fn write_activation(writer: &mut Writer<'_>, activation: Activation, input: &str, output: String) -> Result<()> {
    let input = input.to_owned();
    let node = match activation {
        Activation::Relu => made("Relu", vec![input], output, vec![]),
        Activation::LeakyRelu { alpha } => made("LeakyRelu", vec![input], output, vec![float("alpha", alpha)]),
        Activation::Clip { min, max } => {
            let min = writer.floats("min", &[], &[min]);
            let max = writer.floats("max", &[], &[max]);
            made("Clip", vec![input, min, max], output, vec![])
        }
        Activation::Sigmoid => made("Sigmoid", vec![input], output, vec![]),
        Activation::HardSigmoid { alpha, beta } => {
            made("HardSigmoid", vec![input], output, vec![float("alpha", alpha), float("beta", beta)])
        }
        Activation::HardSwish => made("HardSwish", vec![input], output, vec![]),
        Activation::Silu => {
            let gate = writer.names.fresh("gate");
            writer.nodes.push(made("Sigmoid", vec![input.clone()], gate.clone(), vec![]));
            made("Mul", vec![input, gate], output, vec![])
        }
        Activation::Tanh => made("Tanh", vec![input], output, vec![]),
    };
    writer.nodes.push(node);
    Ok(())
}

fn write_pad(writer: &mut Writer<'_>, pad: &Pad, input: &str, output: String) -> Result<()> {
    let [top, left, bottom, right] = pad.pads.map(|pad| pad as i64);
    let pads = writer.ints("pads", &[0, 0, top, left, 0, 0, bottom, right]);
    let mut inputs = vec![input.to_owned(), pads];
    let mode = match pad.mode {
        PadMode::Constant { value } => {
            inputs.push(writer.floats("fill", &[], &[value]));
            "constant"
        }
        PadMode::Reflect => "reflect",
        PadMode::Edge => "edge",
    };
    writer.nodes.push(made("Pad", inputs, output, vec![text("mode", mode)]));
    Ok(())
}

fn conv_transpose_attributes(conv: &ConvTranspose) -> Vec<AttributeProto> {
    vec![
        int("group", conv.groups as i64),
        sizes("strides", &conv.strides),
        sizes("dilations", &conv.dilations),
        sizes("pads", &conv.pads),
        sizes("output_padding", &conv.output_padding),
    ]
}

/// Runtimes disagree on whether `ceil_mode` drops a last window that starts in the padding, so it is
/// written as explicit padding at the end wherever padding has no say in the result.
fn pool_attributes(pool: &Pool, input: &[usize], output: &[usize]) -> Result<Vec<AttributeProto>> {
    let span = |axis: usize| pool.dilations[axis] * (pool.window[axis] - 1) + 1;
    let mut pads = pool.pads;
    let mut ceil_mode = false;
    if pool.kind == PoolKind::AverageWithPads {
        ceil_mode = (0..2).any(|axis| {
            let length = input[axis + 2] + pool.pads[axis] + pool.pads[axis + 2];
            (length - span(axis)) / pool.strides[axis] + 1 != output[axis + 2]
        });
    } else {
        for axis in 0..2 {
            let reached = (output[axis + 2] - 1) * pool.strides[axis] + span(axis);
            pads[axis + 2] = reached.saturating_sub(input[axis + 2] + pads[axis]);
        }
    }
    let mut attributes = vec![
        sizes("kernel_shape", &pool.window),
        sizes("strides", &pool.strides),
        sizes("pads", &pads),
        int("ceil_mode", ceil_mode.into()),
    ];
    match pool.kind {
        PoolKind::Max => {}
        PoolKind::Average => attributes.push(int("count_include_pad", 0)),
        PoolKind::AverageWithPads => attributes.push(int("count_include_pad", 1)),
    }
    Ok(attributes)
}

fn resize_attributes(resize: &Resize) -> Vec<AttributeProto> {
    let coordinates = match resize.coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::AlignCorners => "align_corners",
        Coordinates::Asymmetric => "asymmetric",
    };
    let mut attributes = vec![text("coordinate_transformation_mode", coordinates)];
    match resize.mode {
        ResizeMode::Linear => attributes.push(text("mode", "linear")),
        ResizeMode::Nearest(rounding) => {
            attributes.push(text("mode", "nearest"));
            let rounding = match rounding {
                Rounding::RoundPreferFloor => "round_prefer_floor",
                Rounding::RoundPreferCeil => "round_prefer_ceil",
                Rounding::Floor => "floor",
                Rounding::Ceil => "ceil",
            };
            attributes.push(text("nearest_mode", rounding));
        }
    }
    attributes
}

/// Scales in f32, as ONNX wants them: the nearest to the model's with which a runtime, multiplying in
/// f32 and rounding down, arrives at the very size that the model has.
fn resize_scales(resize: &Resize, input: &[usize], output: &[usize]) -> Result<[f32; 4]> {
    let mut scales = [1.0; 4];
    for axis in 0..2 {
        let (from, to) = (input[axis + 2], output[axis + 2]);
        let mut scale = resize.scales[axis] as f32;
        let mut nudges = 0;
        while (from as f32 * scale) as usize != to || (from as f64 * f64::from(scale)) as usize != to {
            scale = if (from as f64 * f64::from(scale)) < to as f64 { scale.next_up() } else { scale.next_down() };
            nudges += 1;
            if nudges > 64 {
                bail!(UnsupportedOperator, "no f32 scale takes {from} to {to}, found {}", resize.scales[axis]);
            }
        }
        scales[axis + 2] = scale;
    }
    Ok(scales)
}

fn made(operator: &str, inputs: Vec<String>, output: String, attribute: Vec<AttributeProto>) -> NodeProto {
    // Node names are for people reading the file; the output's is unique already.
    let name = Some(format!("{operator}:{output}"));
    NodeProto { domain: None, name, input: inputs, output: vec![output], op_type: Some(operator.to_owned()), attribute }
}

fn named(name: &str, r#type: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(r#type), ..AttributeProto::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..named(name, AttributeType::INT) }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..named(name, AttributeType::FLOAT) }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.to_owned()), ..named(name, AttributeType::STRING) }
}

fn sizes(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto { ints: values.iter().map(|&value| value as i64).collect(), ..named(name, AttributeType::INTS) }
}
