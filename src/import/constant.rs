//! Values known while importing: weights, and the integers that exporters compute shapes with.

use crate::error::{Result, bail, error};
use crate::model::Weight;
use crate::tensor::{DType, MAX_VALUES};
use std::sync::Arc;

/// A constant tensor. Copies share their bytes.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    /// Dimensions; unlike a weight's they may be zero.
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
}

/// Row-major values.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// i64, i32, bool and what is computed from them.
    Ints(Arc<Vec<i64>>),
    /// Quantised weights, one byte each.
    Bytes { signed: bool, bytes: Arc<Vec<u8>> },
    /// Little-endian floats as they lie in the file.
    Floats { dtype: DType, bytes: Arc<Vec<u8>> },
}

/// Values of a shape in which dimensions may be zero, refusing what no machine could hold.
pub(super) fn count(shape: &[usize]) -> Result<usize> {
    // A zero must not hide the size of the other dimensions, which are multiplied on their own elsewhere.
    let product = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim.max(1)));
    if product.is_none_or(|count| count > MAX_VALUES) {
        bail!(BadShape, "shape {shape:?}: expected at most {MAX_VALUES} values");
    }
    Ok(shape.iter().product())
}

impl Constant {
    pub(super) fn ints(shape: Vec<usize>, values: Vec<i64>) -> Result<Self> {
        check(&shape, values.len())?;
        Ok(Self { shape, data: Data::Ints(Arc::new(values)) })
    }

    pub(super) fn floats(shape: Vec<usize>, values: &[f32]) -> Result<Self> {
        check(&shape, values.len())?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Self { shape, data: Data::Floats { dtype: DType::F32, bytes: Arc::new(bytes) } })
    }

    /// Values.
    pub(super) fn len(&self) -> usize {
        match &self.data {
            Data::Ints(values) => values.len(),
            Data::Bytes { bytes, .. } => bytes.len(),
            Data::Floats { dtype, bytes } => bytes.len() / dtype.bytes(),
        }
    }

    pub(super) fn is_float(&self) -> bool {
        matches!(self.data, Data::Floats { .. })
    }

    /// The same values under another shape.
    pub(super) fn with_shape(&self, shape: Vec<usize>) -> Result<Self> {
        check(&shape, self.len())?;
        Ok(Self { shape, data: self.data.clone() })
    }

    /// Integers; floats are refused, since a shape made of them is a mistake.
    pub(super) fn to_ints(&self) -> Result<Vec<i64>> {
        match &self.data {
            Data::Ints(values) => Ok(values.to_vec()),
            Data::Bytes { signed: false, bytes } => Ok(bytes.iter().map(|&byte| byte.into()).collect()),
            Data::Bytes { signed: true, bytes } => Ok(bytes.iter().map(|&byte| (byte as i8).into()).collect()),
            Data::Floats { .. } if self.len() == 0 => Ok(Vec::new()),
            Data::Floats { .. } => Err(error!(BadModel, "expected integers, found floats of shape {:?}", self.shape)),
        }
    }

    /// Any type as floats.
    pub(super) fn to_floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Floats { dtype: DType::F32, bytes } => {
                bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Data::Floats { dtype: DType::F16, bytes } => {
                bytes.as_chunks::<2>().0.iter().map(|bytes| half::f16::from_le_bytes(*bytes).to_f32()).collect()
            }
            Data::Ints(values) => values.iter().map(|&value| value as f32).collect(),
            Data::Bytes { signed: false, bytes } => bytes.iter().map(|&byte| byte.into()).collect(),
            Data::Bytes { signed: true, bytes } => bytes.iter().map(|&byte| (byte as i8).into()).collect(),
        }
    }

    /// The only value.
    pub(super) fn scalar(&self) -> Result<f32> {
        match self.to_floats()[..] {
            [value] => Ok(value),
            _ => Err(error!(BadShape, "expected one value, found shape {:?}", self.shape)),
        }
    }

    /// As it goes into the model file.
    pub(super) fn to_weight(&self) -> Result<Weight> {
        match &self.data {
            Data::Floats { dtype, bytes } => Weight::new(self.shape.clone(), *dtype, bytes.clone(), 0..bytes.len()),
            _ => Weight::from_f32(self.shape.clone(), &self.to_floats()),
        }
    }

    /// Whether both are the same bytes in memory under the same shape.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_data = match (&self.data, &other.data) {
            (Data::Ints(a), Data::Ints(b)) => Arc::ptr_eq(a, b),
            (Data::Bytes { bytes: a, .. }, Data::Bytes { bytes: b, .. }) => Arc::ptr_eq(a, b),
            (Data::Floats { bytes: a, .. }, Data::Floats { bytes: b, .. }) => Arc::ptr_eq(a, b),
            _ => false,
        };
        same_data && self.shape == other.shape
    }
}

fn check(shape: &[usize], found: usize) -> Result<()> {
    let expected = count(shape)?;
    if expected != found {
        bail!(BadShape, "shape {shape:?}: expected {expected} values, found {found}");
    }
    Ok(())
}
