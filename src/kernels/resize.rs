//! Bilinear and nearest resizing.

use super::{Extent, Key, Launch};
use crate::graph::Resize;
use crate::graph::op::{Coordinates, ResizeMode, Rounding};
use bytemuck::{Pod, Zeroable};

/// As in `shaders/resize.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct Params {
    pub(super) in_size: [u32; 2],
    pub(super) out_size: [u32; 2],
    pub(super) step: [f32; 2],
    pub(super) offset: [f32; 2],
    pub(super) quads: u32,
    pub(super) nearest: u32,
}

/// Reads the input.
pub fn launch(resize: &Resize, input: Extent, out: Extent) -> Launch {
    let [down, right] = resize.scales;
    let (x_step, x_offset) = line(resize.coordinates, right, input.width, out.width);
    let (y_step, y_offset) = line(resize.coordinates, down, input.height, out.height);
    let params = Params {
        in_size: input.xy(),
        out_size: out.xy(),
        step: [x_step, y_step],
        offset: [x_offset, y_offset],
        quads: out.quads() as u32,
        nearest: match resize.mode {
            ResizeMode::Linear => 0,
            ResizeMode::Nearest(Rounding::RoundPreferFloor) => 1,
            ResizeMode::Nearest(Rounding::RoundPreferCeil) => 2,
            ResizeMode::Nearest(Rounding::Floor) => 3,
            ResizeMode::Nearest(Rounding::Ceil) => 4,
        },
    };
    Launch::new(Key::plain("resize"), &params, out.vec4s())
}

/// Whether it is linear, to exactly twice the size, each pixel's centre a quarter from an input pixel's.
pub fn doubles(resize: &Resize, input: Extent, out: Extent) -> bool {
    let halves = matches!(resize.coordinates, Coordinates::HalfPixel | Coordinates::PytorchHalfPixel);
    halves
        && resize.mode == ResizeMode::Linear
        && resize.scales == [2.0, 2.0]
        && [out.height, out.width] == [input.height * 2, input.width * 2]
}

/// Step and offset of `position = index * step + offset` along one axis.
fn line(coordinates: Coordinates, scale: f64, from: usize, to: usize) -> (f32, f32) {
    let (step, offset) = match coordinates {
        Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if to == 1 => (0.0, 0.0),
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (1.0 / scale, 0.5 / scale - 0.5),
        Coordinates::AlignCorners => ((from - 1) as f64 / (to - 1) as f64, 0.0),
        Coordinates::Asymmetric => (1.0 / scale, 0.0),
    };
    (step as f32, offset as f32)
}
