//! Problems of one operator over random shapes and attributes.

use crate::problem::{Builder, Problem};
use crate::random::Random;
use headwater::graph::op::{
    ConvTranspose, Coordinates, Epilogue, Pad, PadMode, PoolKind, ResizeMode, Rounding, SliceAxis,
};
use headwater::graph::{Activation, Binary, Conv, Op, Pool, Resize};

pub(crate) fn channels(random: &mut Random) -> usize {
    random.between(1, 40)
}

pub(crate) fn any_activation(random: &mut Random) -> Activation {
    random.pick(&[
        Activation::Relu,
        Activation::LeakyRelu { alpha: 0.1 },
        Activation::Clip { min: -0.5, max: 0.75 },
        Activation::Sigmoid,
        Activation::HardSigmoid { alpha: 0.2, beta: 0.4 },
        Activation::HardSwish,
        Activation::Silu,
        Activation::Tanh,
    ])
}

/// Attributes and a window that give a picture of `size` at least one output pixel.
fn any_window(random: &mut Random, size: [usize; 2]) -> (Conv, [usize; 2]) {
    let square = random.pick(&[1, 2, 3, 3, 3, 3, 5, 7]);
    let window = if random.chance(5) { [square, random.between(1, 3)] } else { [square; 2] };
    let dilations = if random.chance(3) { [random.pick(&[2, 3, 4, 8]); 2] } else { [1; 2] };
    let strides = if random.chance(6) { [2, 1] } else { [random.pick(&[1, 1, 1, 2, 3]); 2] };
    let span = [0, 1].map(|axis| dilations[axis] * (window[axis] - 1) + 1);
    let mut pads = [0; 4];
    match random.between(0, 3) {
        0 => {}
        1 => pads = [0, 1, 2, 3].map(|side: usize| random.between(0, span[side % 2] / 2)),
        _ => pads = [0, 1, 2, 3].map(|side: usize| span[side % 2] / 2),
    }
    for axis in 0..2 {
        while size[axis] + pads[axis] + pads[axis + 2] < span[axis] {
            pads[axis + 2] += 1;
        }
    }
    (Conv { groups: 1, strides, dilations, pads, epilogue: Epilogue::default() }, window)
}

fn picture(random: &mut Random, channels: usize) -> [usize; 4] {
    [1, channels, random.between(1, 23), random.between(1, 23)]
}

pub(crate) fn conv(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let (group_channels, group_out) = (random.between(1, 8), random.between(1, 8));
    let groups = random.between(2, 5);
    let (groups, in_channels, out_channels) = match random.between(0, 5) {
        0 => (groups, groups * group_channels, groups * group_out),
        1 => (group_channels * groups, group_channels * groups, group_channels * groups),
        _ => (1, channels(random), channels(random)),
    };
    let shape = picture(random, in_channels);
    let (mut conv, window) = any_window(random, [shape[2], shape[3]]);
    conv.groups = groups;
    let input = builder.input(&shape);
    let output = builder.conv(conv, &[input], out_channels, window);
    builder.finish(format!("conv-{seed}"), &[output])
}

/// 3x3 convolutions of channels by the block over pictures of many tiles, as deep nets have them and matrix units
/// take them.
pub(crate) fn blocked_conv(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let (in_channels, out_channels) = (16 * random.between(1, 3), 16 * random.between(1, 5));
    let shape = [1, in_channels, random.between(20, 40), random.between(20, 40)];
    let dilation = random.pick(&[1, 1, 2]);
    let epilogue = Epilogue { before: Some(Activation::Relu), ..Epilogue::default() };
    let conv = Conv { groups: 1, strides: [1; 2], dilations: [dilation; 2], pads: [dilation; 4], epilogue };
    let input = builder.input(&shape);
    let output = builder.conv(conv, &[input], out_channels, [3, 3]);
    builder.finish(format!("blocked-conv-{seed}"), &[output])
}

/// What fusion makes: several inputs in place of a concatenation, activations and a residual behind.
pub(crate) fn fused_conv(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let parts: Vec<usize> = (0..random.between(1, 6)).map(|_| random.between(1, 13)).collect();
    let shape = picture(random, 0);
    let (mut conv, window) = any_window(random, [shape[2], shape[3]]);
    let before = random.chance(2).then(|| any_activation(random));
    let residual = random.chance(2);
    let after = (residual && random.chance(2)).then(|| any_activation(random));
    let out_channels = channels(random);
    let mut inputs: Vec<usize> = parts.iter().map(|&part| builder.input(&[1, part, shape[2], shape[3]])).collect();
    if residual {
        // Shapes are inferred by a throw-away node: the residual must have the output's.
        let mut trial = Builder::new(seed);
        let parts: Vec<usize> = parts.iter().map(|&part| trial.input(&[1, part, shape[2], shape[3]])).collect();
        let output = trial.conv(conv.clone(), &parts, out_channels, window);
        inputs.push(builder.input(trial.shape(output)));
    }
    conv.epilogue = Epilogue { before, residual, after };
    let output = builder.conv(conv, &inputs, out_channels, window);
    builder.finish(format!("fused-conv-{seed}"), &[output])
}

/// One group a channel, with all that fusion puts behind it.
pub(crate) fn fused_depthwise(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let channels = channels(random);
    let shape = picture(random, channels);
    let dilation = random.between(1, 3);
    // Half of them only clamp, as those of most nets do.
    let mut activation =
        || if random.chance(2) { Activation::Clip { min: 0.0, max: 0.5 } } else { any_activation(random) };
    let (before, after) = (Some(activation()), Some(activation()));
    let residual = random.chance(2);
    let epilogue = Epilogue { before, residual, after: after.filter(|_| residual) };
    let conv = Conv { groups: channels, strides: [1; 2], dilations: [dilation; 2], pads: [dilation; 4], epilogue };
    let mut inputs = vec![builder.input(&shape)];
    inputs.extend(residual.then(|| builder.input(&shape)));
    let output = builder.conv(conv, &inputs, channels, [3; 2]);
    builder.finish(format!("fused-depthwise-{seed}"), &[output])
}

pub(crate) fn conv_transpose(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let groups = random.pick(&[1, 1, 1, 2, 3]);
    let (in_channels, group_out) = (groups * random.between(1, 12), random.between(1, 9));
    let shape = [1, in_channels, random.between(1, 11), random.between(1, 11)];
    let window = [random.between(1, 4), random.between(1, 4)];
    let strides = [random.between(1, 3), random.between(1, 3)];
    let dilations = [random.between(1, 2), random.between(1, 2)];
    let span = [0, 1].map(|axis| dilations[axis] * (window[axis] - 1) + 1);
    let pads = [0, 1, 2, 3].map(|side: usize| random.between(0, (span[side % 2] - 1) / 2));
    // ONNX wants it below the stride or the dilation.
    let output_padding = strides.map(|stride| random.between(0, stride - 1));
    let bias = !random.chance(4);
    let input = builder.input(&shape);
    let size = (3.0 / (in_channels / groups * window[0] * window[1]) as f32).sqrt();
    let mut weights = vec![builder.weight(&[in_channels, group_out, window[0], window[1]], size)];
    if bias {
        weights.push(builder.weight(&[group_out * groups], 0.5));
    }
    let op = Op::ConvTranspose(ConvTranspose { groups, strides, dilations, pads, output_padding });
    let output = builder.node(op, &[input], &weights);
    builder.finish(format!("conv-transpose-{seed}"), &[output])
}

pub(crate) fn pool(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let count = channels(random);
    if random.chance(6) {
        let shape = picture(random, count);
        let input = builder.input(&shape);
        let output = builder.node(Op::GlobalAveragePool, &[input], &[]);
        return builder.finish(format!("pool-{seed}"), &[output]);
    }
    let window = [random.between(1, 4), random.between(1, 4)];
    let dilations = if random.chance(4) { [2, random.between(1, 3)] } else { [1; 2] };
    let span = [0, 1].map(|axis| dilations[axis] * (window[axis] - 1) + 1);
    // No wider than the window's first gap allows: every window meets at least one pixel.
    let shape = [1, count, random.between(span[0], 20), random.between(span[1], 20)];
    let pads = [0, 1, 2, 3].map(|side: usize| random.between(0, (window[side % 2] - 1).min(2)));
    let kind = random.pick(&[PoolKind::Max, PoolKind::Max, PoolKind::Average, PoolKind::AverageWithPads]);
    let strides = [random.between(1, 3), random.between(1, 3)];
    let op = Op::Pool(Pool { kind, window, strides, dilations, pads, ceil_mode: random.chance(2) });
    let input = builder.input(&shape);
    let output = builder.node(op, &[input], &[]);
    builder.finish(format!("pool-{seed}"), &[output])
}

pub(crate) fn resize(seed: u64) -> Problem {
    use Coordinates::{AlignCorners, Asymmetric, HalfPixel, PytorchHalfPixel};
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let count = channels(random);
    let shape = [1, count, random.between(4, 20), random.between(4, 20)];
    let coordinates = random.pick(&[HalfPixel, HalfPixel, PytorchHalfPixel, AlignCorners, Asymmetric]);
    let (mode, scales) = if random.chance(3) {
        // Powers of two: coordinates are exact in f32, halves are halves, and an index is never a
        // matter of rounding.
        let rounding = [Rounding::RoundPreferFloor, Rounding::RoundPreferCeil, Rounding::Floor, Rounding::Ceil];
        let coordinates_are_exact = coordinates != AlignCorners;
        let scale = || if coordinates_are_exact { vec![0.25, 0.5, 1.0, 2.0, 4.0] } else { vec![1.0] };
        (ResizeMode::Nearest(random.pick(&rounding)), [random.pick(&scale()), random.pick(&scale())])
    } else {
        let ratio = |random: &mut Random, from: usize| match random.between(0, 2) {
            0 => random.pick(&[0.25, 0.5, 2.0, 4.0, 1.5, 3.0]),
            _ => random.between(1, 40) as f64 / from as f64,
        };
        (ResizeMode::Linear, [ratio(random, shape[2]), ratio(random, shape[3])])
    };
    let input = builder.input(&shape);
    let output = builder.node(Op::Resize(Resize { mode, coordinates, scales }), &[input], &[]);
    builder.finish(format!("resize-{seed}"), &[output])
}

pub(crate) fn pointwise(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let count = channels(&mut builder.random);
    let shape = picture(&mut builder.random, count);
    let input = builder.input(&shape);
    let function = builder.random.pick(&[Binary::Add, Binary::Sub, Binary::Mul]);
    let [_, _, height, width] = shape;
    let output = match builder.random.between(0, 4) {
        0 | 1 => {
            let activation = any_activation(&mut builder.random);
            builder.node(Op::Activation(activation), &[input], &[])
        }
        2 => builder.node(Op::Softmax, &[input], &[]),
        3 => {
            let other = [shape, [1, count, 1, 1], [1, 1, height, width], [1, 1, 1, 1], [1, count, 1, width]];
            let other = builder.random.pick(&other);
            let other = builder.input(&other);
            let operands = if builder.random.chance(2) { [input, other] } else { [other, input] };
            builder.node(Op::Binary { function, constant_first: false }, &operands, &[])
        }
        _ => {
            let constants: [&[usize]; 5] = [&[1, count, 1, 1], &[count, 1, 1], &[], &[1], &shape];
            let constant = builder.random.pick(&constants);
            let constant = builder.weight(constant, 1.0);
            let constant_first = builder.random.chance(2);
            builder.node(Op::Binary { function, constant_first }, &[input], &[constant])
        }
    };
    builder.finish(format!("pointwise-{seed}"), &[output])
}

pub(crate) fn layout(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let count = channels(&mut builder.random);
    let shape = picture(&mut builder.random, count);
    let [_, _, height, width] = shape;
    let input = builder.input(&shape);
    let random = &mut builder.random;
    let output = match random.between(0, 3) {
        0 => {
            let parts: Vec<usize> = (0..random.between(1, 5)).map(|_| random.between(1, 17)).collect();
            let mut inputs = vec![input];
            inputs.extend(parts.iter().map(|&part| builder.input(&[1, part, height, width])));
            builder.node(Op::Concat, &inputs, &[])
        }
        1 => {
            let mode = random.pick(&[PadMode::Constant { value: 0.75 }, PadMode::Reflect, PadMode::Edge]);
            let most = |length: usize| if mode == PadMode::Reflect { length - 1 } else { 5 };
            let pads = [height, width, height, width].map(|length| random.between(0, most(length).min(5)));
            builder.node(Op::Pad(Pad { pads, mode }), &[input], &[])
        }
        2 => {
            let mut axes = Vec::new();
            for (axis, length) in shape.into_iter().enumerate().skip(1) {
                let start = random.between(0, length - 1);
                let end = random.between(start + 1, length + 2);
                // The same start counted from the axis's end, half the time.
                let start = start as i64 - if random.chance(2) { length as i64 } else { 0 };
                if random.chance(2) {
                    axes.push(SliceAxis { axis, start, end: end as i64, step: random.between(1, 3) });
                }
            }
            builder.node(Op::Slice { axes }, &[input], &[])
        }
        _ => builder.node(Op::Reshape { shape: vec![0, 0, -1] }, &[input], &[]),
    };
    builder.finish(format!("layout-{seed}"), &[output])
}
