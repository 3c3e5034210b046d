//! Shapes, dtypes and tensors in the host's memory.

use crate::error::{Result, bail, brief};
use serde::{Deserialize, Serialize};

/// The most values that one tensor may have: 2^31, 8 GiB in f32. Sizes above it come from hostile files.
pub const MAX_VALUES: usize = 1 << 31;

/// The number of values of a shape, refusing products that no machine could hold.
///
/// # Errors
/// `BadShape` when a dimension is zero or the product exceeds [`MAX_VALUES`].
pub fn value_count(shape: &[usize]) -> Result<usize> {
    let mut count = 1usize;
    for &dim in shape {
        count = match count.checked_mul(dim) {
            Some(product) if product > 0 && product <= MAX_VALUES => product,
            _ => bail!(BadShape, "shape {}: expected 1 to {MAX_VALUES} values", brief(shape)),
        };
    }
    Ok(count)
}

/// How numbers are stored in a file or on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
}

impl DType {
    /// Bytes a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// A dense f32 tensor, row-major; activations are NCHW with N = 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// # Errors
    /// `BadShape` when `data` does not have exactly the values of `shape`.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self> {
        let expected = value_count(&shape)?;
        if data.len() != expected {
            bail!(BadShape, "shape {}: expected {expected} values, found {}", brief(&shape), data.len());
        }
        Ok(Self { shape, data })
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// `BadShape` when the shape is empty of values or too large.
    pub fn zeros(shape: Vec<usize>) -> Result<Self> {
        let data = vec![0.0; value_count(&shape)?];
        Ok(Self { shape, data })
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values, row-major.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values, without a copy.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}
