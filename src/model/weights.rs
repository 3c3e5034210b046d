//! Weights in memory, as they lie in the file.

use crate::error::{Result, bail, error};
use crate::tensor::{DType, value_count};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

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

    /// The values, row-major.
    pub fn to_f32(&self) -> Vec<f32> {
        match self.dtype {
            DType::F32 => self.bytes().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            DType::F16 => {
                let halves = self.bytes().as_chunks::<2>().0;
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
