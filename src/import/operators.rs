//! From an ONNX operator's name to the function that lowers it.

mod arithmetic;
mod convolution;
mod linear;
mod resize;
mod views;
mod window;

use super::call::Call;
use super::lower::Lowering;
use super::quantised;
use crate::error::Result;

pub(super) use convolution::attributes as conv_attributes;

/// Adds what a node computes to the graph.
pub(super) type Lower = fn(&mut Lowering, Call<'_>) -> Result<()>;

/// The lowering of `operator`; `None` when this crate does not know it.
pub(super) fn find(operator: &str) -> Option<Lower> {
    Some(match operator {
        "Conv" => convolution::conv,
        "ConvTranspose" => convolution::conv_transpose,
        "BatchNormalization" => super::batch_norm::lower,
        "MaxPool" | "AveragePool" => window::pool,
        "GlobalAveragePool" => window::global_average_pool,
        "ReduceMean" => window::reduce_mean,
        "Pad" => window::pad,
        "Resize" | "Upsample" => resize::resize,
        "Relu" | "LeakyRelu" | "PRelu" | "Clip" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "Tanh" => {
            arithmetic::activation
        }
        "Add" | "Sub" | "Mul" | "Div" => arithmetic::binary,
        "Sum" => arithmetic::sum,
        "Neg" => arithmetic::negate,
        "Max" | "Min" => arithmetic::limit_by_constant,
        "Gemm" | "MatMul" => linear::lower,
        "Softmax" => arithmetic::softmax,
        "Concat" => views::concat,
        "Split" => views::split,
        "Slice" => views::slice,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => views::reshape,
        "Transpose" => views::transpose,
        "Identity" => views::identity,
        "Dropout" => views::dropout,
        "Cast" => views::cast,
        "DynamicQuantizeLinear" => quantised::quantize,
        "ConvInteger" => quantised::conv,
        "QuantizeLinear" => quantised::step,
        "DequantizeLinear" => quantised::restore,
        _ => return None,
    })
}
