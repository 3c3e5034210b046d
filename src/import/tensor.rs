//! `TensorProto` to [`Constant`].

use super::constant::{Constant, Data, count};
use super::external::External;
use crate::error::{Result, bail, error};
use crate::tensor::DType;
use rten_onnx::onnx::{DataLocation, DataType, TensorProto};
use std::sync::Arc;

/// The axes that a tensor may have.
const MAX_RANK: usize = 8;

/// Reads a tensor, taking its bytes out of the message rather than copying them.
///
/// # Errors
/// `BadModel` when the data do not fit the dimensions, those of [`External::read`], `UnsupportedOperator` for
/// element types that no convolutional net needs; the message names the tensor.
pub(super) fn read(tensor: &TensorProto, external: &External) -> Result<Constant> {
    read_unnamed(tensor, external).map_err(|e| e.context(format!("tensor {:?}", tensor.name.as_deref().unwrap_or(""))))
}

/// Whether the tensor's data lie in another file.
pub(super) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(DataLocation::EXTERNAL) || !tensor.external_data.is_empty()
}

fn read_unnamed(tensor: &TensorProto, external: &External) -> Result<Constant> {
    let shape = shape(&tensor.dims)?;
    let expected = count(&shape)?;
    let data_type = tensor.data_type.unwrap_or(DataType(0));
    if is_external(tensor) {
        let bytes = (expected as u64).saturating_mul(width(data_type)? as u64);
        return Ok(Constant { shape, data: from_raw(data_type, external.read(tensor, bytes)?, expected)? });
    }
    let raw = tensor.raw_data.as_ref().map(std::cell::RefCell::take).filter(|raw| !raw.is_empty());
    let data = match raw {
        Some(raw) => from_raw(data_type, raw, expected)?,
        None => from_fields(data_type, tensor, expected)?,
    };
    Ok(Constant { shape, data })
}

/// Dimensions of a tensor in the file.
pub(super) fn shape(dims: &[i64]) -> Result<Vec<usize>> {
    if dims.len() > MAX_RANK {
        bail!(BadShape, "expected at most {MAX_RANK} dimensions, found {}", dims.len());
    }
    dims.iter()
        .map(|&dim| {
            usize::try_from(dim)
                .map_err(|_| error!(BadShape, "dimensions {dims:?}: expected none below 0, found {dim}"))
        })
        .collect()
}

/// Bytes of a value.
fn width(data_type: DataType) -> Result<usize> {
    Ok(match data_type {
        DataType::UINT8 | DataType::INT8 | DataType::BOOL => 1,
        DataType::FLOAT16 | DataType::BFLOAT16 => 2,
        DataType::FLOAT | DataType::INT32 => 4,
        DataType::DOUBLE | DataType::INT64 => 8,
        other => return Err(unsupported(other)),
    })
}

fn from_raw(data_type: DataType, raw: Vec<u8>, expected: usize) -> Result<Data> {
    let width = width(data_type)?;
    if expected.checked_mul(width) != Some(raw.len()) {
        bail!(BadModel, "expected {expected} {data_type} values of {width} bytes, found {} bytes", raw.len());
    }
    Ok(match data_type {
        DataType::UINT8 => Data::Bytes { signed: false, bytes: Arc::new(raw) },
        DataType::INT8 => Data::Bytes { signed: true, bytes: Arc::new(raw) },
        DataType::BOOL => ints(raw.iter().map(|&byte| i64::from(byte != 0))),
        DataType::FLOAT16 => Data::Floats { dtype: DType::F16, bytes: Arc::new(raw) },
        DataType::BFLOAT16 => {
            let halves = raw.as_chunks::<2>().0.iter();
            floats(halves.map(|bytes| half::bf16::from_le_bytes(*bytes).to_f32()))
        }
        DataType::FLOAT => Data::Floats { dtype: DType::F32, bytes: Arc::new(raw) },
        DataType::DOUBLE => floats(raw.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32)),
        DataType::INT32 => ints(raw.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into())),
        _ => ints(raw.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes))),
    })
}

fn from_fields(data_type: DataType, tensor: &TensorProto, expected: usize) -> Result<Data> {
    let (small, found) = (&tensor.int32_data, tensor.int32_data.len());
    // Narrow types travel in int32_data, half floats as their bits.
    let fits = |range: std::ops::RangeInclusive<i32>| match small.iter().find(|value| !range.contains(value)) {
        Some(value) => Err(error!(BadModel, "{value} is no {data_type} value")),
        None => Ok(()),
    };
    let (data, found) = match data_type {
        DataType::FLOAT => (floats(tensor.float_data.iter().copied()), tensor.float_data.len()),
        DataType::DOUBLE => (floats(tensor.double_data.iter().map(|&v| v as f32)), tensor.double_data.len()),
        DataType::INT64 => (ints(tensor.int64_data.iter().copied()), tensor.int64_data.len()),
        DataType::INT32 => (ints(small.iter().map(|&value| value.into())), found),
        DataType::BOOL => (ints(small.iter().map(|&value| i64::from(value != 0))), found),
        DataType::UINT8 => {
            fits(0..=255)?;
            (Data::Bytes { signed: false, bytes: Arc::new(small.iter().map(|&v| v as u8).collect()) }, found)
        }
        DataType::INT8 => {
            fits(-128..=127)?;
            (Data::Bytes { signed: true, bytes: Arc::new(small.iter().map(|&v| v as i8 as u8).collect()) }, found)
        }
        DataType::FLOAT16 => {
            fits(0..=0xffff)?;
            let bytes = small.iter().flat_map(|&bits| (bits as u16).to_le_bytes()).collect();
            (Data::Floats { dtype: DType::F16, bytes: Arc::new(bytes) }, found)
        }
        DataType::BFLOAT16 => {
            fits(0..=0xffff)?;
            (floats(small.iter().map(|&bits| half::bf16::from_bits(bits as u16).to_f32())), found)
        }
        other => return Err(unsupported(other)),
    };
    if found != expected {
        bail!(BadModel, "expected {expected} {data_type} values, found {found}");
    }
    Ok(data)
}

fn ints(values: impl Iterator<Item = i64>) -> Data {
    Data::Ints(Arc::new(values.collect()))
}

fn floats(values: impl Iterator<Item = f32>) -> Data {
    Data::Floats { dtype: DType::F32, bytes: Arc::new(values.flat_map(f32::to_le_bytes).collect()) }
}

fn unsupported(data_type: DataType) -> crate::error::Error {
    error!(UnsupportedOperator, "expected floats, integers or booleans, found element type {data_type}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::cell::RefCell;

    fn read(tensor: &TensorProto) -> Result<Constant> {
        super::read(tensor, &External::nowhere())
    }

    fn raw(data_type: DataType, dims: &[i64], bytes: &[u8]) -> TensorProto {
        TensorProto {
            dims: dims.to_vec(),
            data_type: Some(data_type),
            raw_data: Some(RefCell::new(bytes.to_vec())),
            name: Some("w".into()),
            ..Default::default()
        }
    }

    #[test]
    fn every_element_type_reads_the_same_numbers() {
        let values = [1.5f32, -2.0];
        let le16: Vec<u8> = values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect();
        let lebf: Vec<u8> = values.iter().flat_map(|&v| half::bf16::from_f32(v).to_le_bytes()).collect();
        let le32: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let le64: Vec<u8> = values.iter().flat_map(|&v| f64::from(v).to_le_bytes()).collect();
        for (data_type, bytes) in [
            (DataType::FLOAT16, &le16),
            (DataType::BFLOAT16, &lebf),
            (DataType::FLOAT, &le32),
            (DataType::DOUBLE, &le64),
        ] {
            assert_eq!(read(&raw(data_type, &[2], bytes)).unwrap().to_floats(), values, "{data_type}");
        }
        assert_eq!(read(&raw(DataType::UINT8, &[2], &[254, 7])).unwrap().to_ints().unwrap(), [254, 7]);
        assert_eq!(read(&raw(DataType::INT8, &[2], &[254, 7])).unwrap().to_ints().unwrap(), [-2, 7]);
        let i32s: Vec<u8> = [-3i32, 9].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(read(&raw(DataType::INT32, &[2], &i32s)).unwrap().to_ints().unwrap(), [-3, 9]);
    }

    #[test]
    fn typed_fields_read_like_raw_bytes() {
        let typed = |data_type, int32_data: &[i32]| TensorProto {
            dims: vec![2],
            data_type: Some(data_type),
            int32_data: int32_data.to_vec(),
            ..Default::default()
        };
        assert_eq!(read(&typed(DataType::INT8, &[-2, 7])).unwrap().to_ints().unwrap(), [-2, 7]);
        assert_eq!(read(&typed(DataType::FLOAT16, &[0x3e00, 0xc000])).unwrap().to_floats(), [1.5, -2.0]);
        assert_eq!(read(&typed(DataType::UINT8, &[3, 256])).unwrap_err().kind(), ErrorKind::BadModel);
        assert_eq!(read(&typed(DataType::UINT8, &[3])).unwrap_err().kind(), ErrorKind::BadModel);
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        for (dims, bytes) in [(vec![3], 8), (vec![i64::MAX, i64::MAX], 8), (vec![-1], 4), (vec![1; 9], 4)] {
            let kind = read(&raw(DataType::FLOAT, &dims, &vec![0; bytes])).unwrap_err().kind();
            assert!(matches!(kind, ErrorKind::BadModel | ErrorKind::BadShape), "{dims:?}");
        }
    }
}
