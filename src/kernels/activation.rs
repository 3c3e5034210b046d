//! Activations: their numbers in WGSL, and the kernel for those that stand alone.

use super::{Extent, Key, Launch};
use crate::graph::Activation;
use crate::graph::op::Epilogue;
use bytemuck::{Pod, Zeroable};

/// As in `shaders/activation.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) args: [f32; 2],
    pub(super) code: u32,
    pub(super) count: u32,
}

/// The number and the two arguments by which `shaders/shared/activation.wgsl` knows an activation. Those that
/// only clamp have the bounds for arguments.
pub fn code(activation: Option<Activation>) -> (u32, [f32; 2]) {
    match activation {
        None => (0, [-f32::MAX, f32::MAX]),
        Some(Activation::Relu) => (1, [0.0, f32::MAX]),
        Some(Activation::LeakyRelu { alpha }) => (2, [alpha, 0.0]),
        Some(Activation::Clip { min, max }) => (3, [min, max]),
        Some(Activation::Sigmoid) => (4, [0.0; 2]),
        Some(Activation::HardSigmoid { alpha, beta }) => (5, [alpha, beta]),
        Some(Activation::HardSwish) => (6, [0.0; 2]),
        Some(Activation::Silu) => (7, [0.0; 2]),
        Some(Activation::Tanh) => (8, [0.0; 2]),
    }
}

/// What a kernel with an epilogue needs for its activations: nothing where they only clamp.
pub(super) fn define(epilogue: &Epilogue) -> Option<&'static str> {
    let clamps =
        |activation: Option<Activation>| matches!(activation, None | Some(Activation::Relu | Activation::Clip { .. }));
    (!clamps(epilogue.before) || !clamps(epilogue.after)).then_some("CURVED")
}

/// Reads the input.
pub fn launch(activation: Activation, extent: Extent) -> Launch {
    let (code, args) = code(Some(activation));
    let params = Params { args, code, count: extent.vec4s() as u32 };
    Launch::new(Key::plain("activation"), &params, extent.vec4s())
}
