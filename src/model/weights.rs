//! Weights in memory, as they lie in the file.

use crate::error::{Result, bail, error};
use crate::tensor::{DType, value_count};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The share of a group's greatest value by which rounding to f16 may be off. Ordinary rounding is off by 2^-11
/// of each value; what loses more lies below f16's normal numbers.
const MOST_LOST: f64 = 1.0 / 256.0;

/// One constant tensor: raw little-endian bytes and how to read them.
#[derive(Debug, Clone)]
pub struct Weight {
    shape: Vec<usize>,
    dtype: DType,
    bytes: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Weight {
    /// # Errors
    /// `BadModel` when the bytes are not exactly those of the shape.
    pub fn new(shape: Vec<usize>, dtype: DType, bytes: Arc<Vec<u8>>, range: Range<usize>) -> Result<Self> {
        let expected = value_count(&shape)? * dtype.bytes();
        if bytes.get(range.clone()).map(<[u8]>::len) != Some(expected) {
            bail!(BadModel, "shape {shape:?} needs {expected} bytes, found {range:?} of {}", bytes.len());
        }
        Ok(Self { shape, dtype, bytes, range })
    }

    /// A constant from f32 values.
    ///
    /// # Errors
    /// `BadModel` when there are not exactly as many values as the shape has.
    pub fn from_f32(shape: Vec<usize>, values: &[f32]) -> Result<Self> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let range = 0..bytes.len();
        Self::new(shape, DType::F32, Arc::new(bytes), range)
    }

    /// As in ONNX.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How the bytes are to be read.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Little-endian, row-major.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    /// Whether f16 can store the values. It cannot where a value is beyond ±65504, nor where rounding is off by
    /// more than 1/256 of the greatest value of its group, as it is where a whole group lies below about 1e-5.
    ///
    /// A group is what one index of the first axis longer than 1 selects: an output channel of a convolution, one
    /// value of a bias. Numbers below f32's normal ones count as 0, which is what GPUs make of them.
    pub fn fits_f16(&self) -> bool {
        if self.dtype == DType::F16 {
            return true;
        }
        let first = self.shape.iter().position(|&dim| dim > 1).map_or(self.shape.len(), |axis| axis + 1);
        let group: usize = self.shape[first..].iter().product();
        let value = |bytes: &[u8; 4]| Some(f32::from_le_bytes(*bytes)).filter(|value| !value.is_subnormal());
        self.bytes().as_chunks::<4>().0.chunks(group).all(|values| {
            let (mut greatest, mut lost) = (0f64, 0f64);
            for value in values.iter().filter_map(value) {
                let rounded = half::f16::from_f32(value).to_f64();
                greatest = greatest.max(f64::from(value).abs());
                lost = lost.max((rounded - f64::from(value)).abs());
            }
            lost <= greatest * MOST_LOST
        })
    }

    /// The values, row-major.
    pub fn to_f32(&self) -> Vec<f32> {
        self.slice_f32(0..self.range.len() / self.dtype.bytes())
    }

    /// Some of the values, row-major; none where `values` goes beyond them.
    pub fn slice_f32(&self, values: Range<usize>) -> Vec<f32> {
        let size = self.dtype.bytes();
        let bytes = self.bytes().get(values.start * size..values.end * size).unwrap_or(&[]);
        match self.dtype {
            DType::F32 => bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            DType::F16 => {
                let halves = bytes.as_chunks::<2>().0;
                halves.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f32()).collect()
            }
        }
    }
}

/// Constants by their key in the model file.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    by_name: HashMap<String, Weight>,
}

impl Weights {
    /// Adds or replaces one.
    pub fn insert(&mut self, name: impl Into<String>, weight: Weight) {
        self.by_name.insert(name.into(), weight);
    }

    /// # Errors
    /// `Internal` when it was not loaded: segments are loaded before they are run.
    pub fn get(&self, name: &str) -> Result<&Weight> {
        self.by_name.get(name).ok_or_else(|| error!(Internal, "weight {name:?} was not loaded"))
    }

    /// Whether it was loaded.
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(shape: &[usize], values: &[f32]) -> bool {
        Weight::from_f32(shape.to_vec(), values).unwrap().fits_f16()
    }

    #[test]
    fn f16_holds_what_rounding_hardly_changes() {
        assert!(fits(&[2, 2], &[1.0 / 3.0, -65504.0, 65519.0, 0.0]));
        assert!(fits(&[], &[1e-4]) && fits(&[3], &[0.0, -0.0, 1e-42]));
        assert!(!fits(&[], &[65520.0]) && !fits(&[1, 3, 1, 1], &[0.1, 0.2, -1e9]));
        assert!(!fits(&[], &[1e-8]) && !fits(&[2], &[1.0, 1e-6]));
    }

    #[test]
    fn small_values_matter_by_what_stands_beside_them_in_their_channel() {
        // Beside 1, in the same channel, 1e-8 is no loss; a channel of nothing else is all lost.
        assert!(fits(&[2, 2, 1, 1], &[1.0, 1e-8, 1e-8, 1.0]));
        assert!(!fits(&[2, 2, 1, 1], &[1.0, 1.0, 1e-8, 1e-8]));
        assert!(!fits(&[1, 2, 1, 1], &[1.0, 1e-8]), "a factor for each channel");
    }
}
