//! Fully connected layers on `[1, C]`, as behind a global pool: 1x1 convolutions of a picture of one pixel.

use super::super::call::Call;
use super::super::constant::Constant;
use super::super::lower::Lowering;
use crate::error::{Result, bail};
use crate::graph::op::Epilogue;
use crate::graph::{Conv, Op};

/// <https://onnx.ai/onnx/operators/onnx__Gemm.html>, and `MatMul` by a constant.
pub(super) fn lower(state: &mut Lowering, call: Call<'_>) -> Result<()> {
    let input = state.tensor(call, 0)?;
    let &[1, channels] = state.shape(input) else {
        bail!(UnsupportedOperator, "expected an activation of shape [1, C], found {:?}", state.shape(input));
    };
    let Some(weights) = state.constant(call, 1)?.cloned() else { bail!(BadModel, "expected weights, found none") };
    let &[rows, columns] = weights.shape.as_slice() else {
        bail!(UnsupportedOperator, "expected weights of rank 2, found {:?}", weights.shape);
    };
    let is_gemm = call.operator() == "Gemm";
    let transposed = is_gemm && call.flag("transB");
    let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
    if inputs != channels || is_gemm && call.flag("transA") {
        bail!(BadShape, "weights {:?} do not fit {channels} values", weights.shape);
    }
    let (alpha, beta) = if is_gemm { (call.float("alpha", 1.0)?, call.float("beta", 1.0)?) } else { (1.0, 1.0) };
    state.spend(weights.len())?;
    let values = weights.to_floats();
    let at = |output: usize, input: usize| if transposed { output * inputs + input } else { input * outputs + output };
    let kernel: Vec<f32> =
        (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))).map(|(o, i)| alpha * values[at(o, i)]).collect();
    let kernel = Constant::floats(vec![outputs, inputs, 1, 1], &kernel)?;
    let mut constants = vec![state.weight(call.input(1).unwrap_or_default(), &kernel)?];
    if let Some(bias) = state.constant(call, 2)?.cloned() {
        let values: Vec<f32> = bias.to_floats().into_iter().map(|value| beta * value).collect();
        let spread = match values.len() {
            1 => vec![values[0]; outputs],
            length if length == outputs => values,
            length => bail!(BadShape, "expected a bias of {outputs} values, found {length}"),
        };
        let bias = Constant::floats(vec![outputs], &spread)?;
        constants.push(state.weight(call.input(2).unwrap_or_default(), &bias)?);
    }
    let name = call.output(0)?;
    let pixel = Op::Reshape { shape: vec![0, 0, 1, 1] };
    let pixel = state.emit_as(call, &format!("{name}.pixel"), pixel, vec![input], vec![])?;
    let conv = Conv { groups: 1, strides: [1; 2], dilations: [1; 2], pads: [0; 4], epilogue: Epilogue::default() };
    let made = state.emit_as(call, &format!("{name}.conv"), Op::Conv(conv), vec![pixel], constants)?;
    state.emit(call, Op::Reshape { shape: vec![0, 0] }, vec![made], vec![])
}
