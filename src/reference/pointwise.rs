//! Functions of one or two values, and softmax.

use crate::graph::{Activation, Binary};
use crate::tensor::Tensor;

/// `function` of one value.
pub(super) fn activate(function: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match function {
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu { alpha } if x < 0.0 => f64::from(alpha) * x,
        Activation::LeakyRelu { .. } => x,
        // Not `clamp`, which panics where a file has them the wrong way round; ONNX then gives `max`.
        Activation::Clip { min, max } => x.max(f64::from(min)).min(f64::from(max)),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid { alpha, beta } => (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0),
        Activation::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

pub(super) fn activation(function: Activation, input: &Tensor) -> Vec<f32> {
    input.data().iter().map(|&x| activate(function, f64::from(x)) as f32).collect()
}

/// `function` of `a` and `b`, broadcast to `shape`.
pub(super) fn binary(function: Binary, a: &Tensor, b: &Tensor, shape: &[usize]) -> Vec<f32> {
    let (a_strides, b_strides) = (strides(a.shape(), shape), strides(b.shape(), shape));
    (0..shape.iter().product())
        .map(|flat| {
            let x = f64::from(a.data()[offset(flat, shape, &a_strides)]);
            let y = f64::from(b.data()[offset(flat, shape, &b_strides)]);
            (match function {
                Binary::Add => x + y,
                Binary::Sub => x - y,
                Binary::Mul => x * y,
            }) as f32
        })
        .collect()
}

/// How far apart neighbours along each axis of `shape` lie in an operand, 0 where it is repeated.
fn strides(operand: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut stride = 1;
    for (slot, &length) in strides.iter_mut().rev().zip(operand.iter().rev()) {
        *slot = if length == 1 { 0 } else { stride };
        stride *= length;
    }
    strides
}

fn offset(mut flat: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut offset = 0;
    for (&length, &stride) in shape.iter().zip(strides).rev() {
        offset += flat % length * stride;
        flat /= length;
    }
    offset
}

/// `exp(x) / sum(exp(x))` over axis 1, with the greatest value taken off first against overflow.
pub(super) fn softmax(input: &Tensor) -> Vec<f32> {
    let channels = input.shape()[1];
    let inner: usize = input.shape()[2..].iter().product();
    let mut out = vec![0.0; input.data().len()];
    for outer in 0..input.shape()[0] {
        for pixel in 0..inner {
            let places = (0..channels).map(|channel| (outer * channels + channel) * inner + pixel);
            let values = places.clone().map(|place| f64::from(input.data()[place]));
            let greatest = values.clone().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = values.clone().map(|x| (x - greatest).exp()).sum();
            for (place, x) in places.zip(values) {
                out[place] = ((x - greatest).exp() / sum) as f32;
            }
        }
    }
    out
}
