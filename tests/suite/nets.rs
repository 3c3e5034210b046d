//! Problems of several nodes: what plans, buffer lifetimes and fusion must get right.

use crate::operators::any_activation;
use crate::problem::{Builder, Problem};
use headwater::graph::op::{Coordinates, Epilogue, PoolKind, ResizeMode};
use headwater::graph::{Activation, Binary, Conv, Op, Pool, Resize};

fn same(dilation: usize) -> Conv {
    Conv { groups: 1, strides: [1; 2], dilations: [dilation; 2], pads: [dilation; 4], epilogue: Epilogue::default() }
}

fn conv_relu(builder: &mut Builder, input: usize, channels: usize, dilation: usize) -> usize {
    let conv = builder.conv(same(dilation), &[input], channels, [3; 2]);
    builder.node(Op::Activation(Activation::Relu), &[conv], &[])
}

/// A residual U-block as IS-Net is built of: down by pooling with odd sizes rounded up, up by a
/// resize to the twin's size, twins side by side, the block's first features added at its end.
pub(crate) fn residual_u(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let random = &mut builder.random;
    let (inputs, middle, outer) = (random.between(1, 6), random.between(1, 9), random.between(1, 9));
    let depth = random.between(1, 3);
    let shape = [1, inputs, random.between(9, 25), random.between(9, 25)];
    let input = builder.input(&shape);
    let first = conv_relu(&mut builder, input, outer, 1);
    let mut twins = vec![conv_relu(&mut builder, first, middle, 1)];
    for _ in 0..depth {
        let pool = Op::Pool(Pool {
            kind: PoolKind::Max,
            window: [2; 2],
            strides: [2; 2],
            dilations: [1; 2],
            pads: [0; 4],
            ceil_mode: true,
        });
        let half = builder.node(pool, &[twins[twins.len() - 1]], &[]);
        twins.push(conv_relu(&mut builder, half, middle, 1));
    }
    let mut up = conv_relu(&mut builder, twins[depth], middle, 2);
    for (level, &twin) in twins.iter().enumerate().rev() {
        if level < depth {
            let (from, to) = (builder.shape(up).to_vec(), builder.shape(twin).to_vec());
            let scales = [2, 3].map(|axis| to[axis] as f64 / from[axis] as f64);
            let resize = Resize { mode: ResizeMode::Linear, coordinates: Coordinates::HalfPixel, scales };
            up = builder.node(Op::Resize(resize), &[up], &[]);
        }
        let joined = builder.node(Op::Concat, &[up, twin], &[]);
        up = conv_relu(&mut builder, joined, if level == 0 { outer } else { middle }, 1);
    }
    let sum = builder.node(Op::Binary { function: Binary::Add, constant_first: false }, &[up, first], &[]);
    let side = builder.conv(same(1), &[sum], 1, [3; 2]);
    let mask = builder.node(Op::Activation(Activation::Sigmoid), &[side], &[]);
    // The inner features are also asked for, sometimes: an output that later nodes go on reading.
    let outputs = if builder.random.chance(2) { vec![mask, sum] } else { vec![mask] };
    builder.finish(format!("residual-u-{seed}"), &outputs)
}

/// Nodes that read whatever fits: tensors with several readers, outputs in any order, dead ends.
pub(crate) fn tangle(seed: u64) -> Problem {
    let mut builder = Builder::new(seed);
    let channels = builder.random.between(1, 11);
    let (height, width) = (builder.random.between(3, 14), builder.random.between(3, 14));
    let mut known: Vec<usize> = (0..2).map(|_| builder.input(&[1, channels, height, width])).collect();
    for _ in 0..builder.random.between(3, 10) {
        let (a, b) = (builder.random.pick(&known), builder.random.pick(&known));
        let made = match builder.random.between(0, 4) {
            0 => builder.conv(same(1), &[a], channels, [3; 2]),
            1 => {
                // An addition can double what it is given; the mean of both keeps its size.
                let sum = builder.node(Op::Binary { function: Binary::Add, constant_first: false }, &[a, b], &[]);
                let half = builder.weight(&[1], 0.5);
                builder.node(Op::Binary { function: Binary::Mul, constant_first: false }, &[sum], &[half])
            }
            2 => {
                let joined = builder.node(Op::Concat, &[a, b], &[]);
                let one = Conv { pads: [0; 4], ..same(1) };
                builder.conv(one, &[joined], channels, [1; 2])
            }
            3 => {
                let after = Some(if seed.is_multiple_of(2) { Activation::Relu } else { Activation::Silu });
                let residual = Epilogue { residual: true, after, ..Epilogue::default() };
                builder.conv(Conv { epilogue: residual, ..same(1) }, &[a, b], channels, [3; 2])
            }
            _ => {
                let activation = any_activation(&mut builder.random);
                builder.node(Op::Activation(activation), &[a], &[])
            }
        };
        known.push(made);
    }
    let last = known[known.len() - 1];
    let other = builder.random.pick(&known[2..]);
    let outputs = if other == last { vec![last] } else { vec![last, other] };
    builder.finish(format!("tangle-{seed}"), &outputs)
}
