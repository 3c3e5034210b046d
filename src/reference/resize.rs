//! Resizing.

use super::Image;
use crate::error::{Result, bail};
use crate::graph::Resize;
use crate::graph::op::{Coordinates, ResizeMode, Rounding};
use crate::tensor::Tensor;

/// An output index as a mixture of two input indices: `(1 - share) first + share second`.
#[derive(Clone, Copy)]
struct Mixture {
    first: usize,
    second: usize,
    share: f64,
}

pub(super) fn resize(resize: &Resize, input: &Tensor, shape: &[usize]) -> Result<Vec<f32>> {
    let image = Image::new(input)?;
    let &[_, channels, height, width] = shape else { bail!(Internal, "rank 4 passed inference as {shape:?}") };
    let rows = axis(resize, resize.scales[0], image.height, height);
    let columns = axis(resize, resize.scales[1], image.width, width);
    let mut out = Vec::with_capacity(channels * height * width);
    for channel in 0..channels {
        for row in &rows {
            for column in &columns {
                let line = |y| {
                    (1.0 - column.share) * image.at(channel, y, column.first)
                        + column.share * image.at(channel, y, column.second)
                };
                out.push(((1.0 - row.share) * line(row.first) + row.share * line(row.second)) as f32);
            }
        }
    }
    Ok(out)
}

fn axis(resize: &Resize, scale: f64, from: usize, to: usize) -> Vec<Mixture> {
    let last = from - 1;
    (0..to)
        .map(|index| {
            let at = coordinate(resize.coordinates, scale, from, to, index as f64);
            match resize.mode {
                ResizeMode::Nearest(rounding) => {
                    let nearest = round(rounding, at).clamp(0.0, last as f64) as usize;
                    Mixture { first: nearest, second: nearest, share: 0.0 }
                }
                ResizeMode::Linear => {
                    let at = at.clamp(0.0, last as f64);
                    let first = at.floor() as usize;
                    Mixture { first, second: (first + 1).min(last), share: at - at.floor() }
                }
            }
        })
        .collect()
}

fn coordinate(rule: Coordinates, scale: f64, from: usize, to: usize, index: f64) -> f64 {
    match rule {
        Coordinates::PytorchHalfPixel | Coordinates::AlignCorners if to == 1 => 0.0,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (index + 0.5) / scale - 0.5,
        Coordinates::AlignCorners => index * (from - 1) as f64 / (to - 1) as f64,
        Coordinates::Asymmetric => index / scale,
    }
}

fn round(rounding: Rounding, at: f64) -> f64 {
    match rounding {
        Rounding::RoundPreferFloor => (at - 0.5).ceil(),
        Rounding::RoundPreferCeil => (at + 0.5).floor(),
        Rounding::Floor => at.floor(),
        Rounding::Ceil => at.ceil(),
    }
}
