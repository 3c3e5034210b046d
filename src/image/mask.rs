//! The network's output as an alpha mask.

use super::{check_size, resample};
use crate::error::{Result, bail};
use crate::graph::shape::image;
use crate::model::Postprocess;
use crate::tensor::Tensor;

/// How opaque each pixel is: 0 is background, 1 is what the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    width: usize,
    height: usize,
    /// [height, width]
    alpha: Vec<f32>,
}

impl Mask {
    /// A mask from its values, `[height, width]`; values outside 0 to 1 are brought inside.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`super::MAX_SIDE`]; `BadShape` when there are not
    /// exactly as many values as pixels.
    pub fn new(width: usize, height: usize, mut alpha: Vec<f32>) -> Result<Self> {
        check_size([width, height])?;
        if alpha.len() != width * height {
            bail!(BadShape, "{width}x{height} pixels: expected {} values, found {}", width * height, alpha.len());
        }
        for value in &mut alpha {
            *value = value.clamp(0.0, 1.0);
        }
        Ok(Self { width, height, alpha })
    }

    /// The mask in a network's output, `[1, 1, H, W]`.
    ///
    /// # Errors
    /// `BadShape` when the output has another shape; `Device` when it holds NaN, which only a
    /// computation that went wrong makes.
    pub fn from_output(output: &Tensor, postprocess: Postprocess) -> Result<Self> {
        let [_, 1, height, width] = image(output.shape())? else {
            bail!(BadShape, "expected a mask of shape [1, 1, H, W], found {:?}", output.shape());
        };
        if let Some(place) = output.data().iter().position(|value| value.is_nan()) {
            bail!(Device, "the mask holds no number at row {}, column {}", place / width, place % width);
        }
        let alpha = match postprocess {
            Postprocess::Alpha => output.data().to_vec(),
            Postprocess::Logit => output.data().iter().map(|&x| 1.0 / (1.0 + (-x).exp())).collect(),
        };
        Self::new(width, height, alpha)
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// `[height, width]`, each 0 to 1.
    pub fn alpha(&self) -> &[f32] {
        &self.alpha
    }

    /// The mask at another size: bilinear when growing, averaging over what a pixel covers when shrinking.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`super::MAX_SIDE`].
    pub fn resized(&self, width: usize, height: usize) -> Result<Self> {
        check_size([width, height])?;
        let mut rows = resample::Plain(&self.alpha, self.width);
        let alpha = resample::resize::<f32, 1>(&mut rows, [self.width, self.height], [width, height]);
        Self::new(width, height, alpha)
    }

    /// Alpha in bytes, `[height, width]`, 0 to 255.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.alpha.iter().map(|alpha| (alpha * 255.0).round() as u8).collect()
    }
}
