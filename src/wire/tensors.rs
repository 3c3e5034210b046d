//! Crossing tensors among a message's tensors: which belong together, and where their bytes lie.

use super::Limits;
use super::header::{Datatype, Parameters, WrittenTensor};
use super::read::{Data, TensorHeader};
use crate::codec::{self, Codec, Coded};
use crate::error::{Result, bail, brief, error};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A crossing tensor and its name in the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<'a> {
    /// As in the graph.
    pub name: String,
    /// What travels.
    pub coded: Coded<'a>,
    /// Raw bytes behind the JSON; else numbers in it, which only `f32` can be.
    pub binary: bool,
}

/// What the JSON part says about a crossing tensor, checked against itself: the bytes are those of the
/// shape. Whether the shape is the right one is for the caller to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Index of the values' header.
    pub(super) values: usize,
    pub(super) codec: Codec,
    /// Index of the scales' header.
    scales: Option<usize>,
}

const SCALES_SUFFIX: &str = ".scales";

/// Finds the crossing tensors in a message's headers.
pub(super) fn parts(headers: &[TensorHeader], limits: &Limits) -> Result<Vec<Part>> {
    if headers.len() > limits.tensors {
        bail!(BadMessage, "{} tensors: expected at most {}", headers.len(), limits.tensors);
    }
    for (index, header) in headers.iter().enumerate() {
        if headers[..index].iter().any(|earlier| earlier.name == header.name) {
            bail!(BadMessage, "two tensors are called {}", brief(&header.name));
        }
    }
    let mut parts = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        if is_scales(header, headers) {
            continue;
        }
        let part = part(index, headers)?;
        check(&part, headers).map_err(|e| e.context(format!("tensor {}", brief(&header.name))))?;
        parts.push(part);
    }
    Ok(parts)
}

fn is_scales(header: &TensorHeader, headers: &[TensorHeader]) -> bool {
    let owner = header.name.strip_suffix(SCALES_SUFFIX);
    owner.is_some_and(|owner| headers.iter().any(|other| other.name == owner && other.datatype == Datatype::Int8))
}

fn part(index: usize, headers: &[TensorHeader]) -> Result<Part> {
    let header = &headers[index];
    let stated = header.text("codec")?;
    let codec = match header.datatype {
        Datatype::Fp32 => Codec::F32,
        Datatype::Fp16 => Codec::F16,
        Datatype::Int8 if stated == Some(Codec::Int8.name()) => Codec::Int8,
        Datatype::Uint8 if stated == Some(Codec::Alpha8.name()) => Codec::Alpha8,
        other => {
            let name = brief(&header.name);
            bail!(BadMessage, "tensor {name}: no codec is known for {other:?} and {}", brief(stated))
        }
    };
    if stated.is_some_and(|stated| stated != codec.name()) {
        let (name, stated) = (brief(&header.name), brief(stated));
        bail!(BadMessage, "tensor {name}: {:?} cannot be codec {stated}", header.datatype);
    }
    let scales = match codec {
        Codec::Int8 => {
            let name = format!("{}{SCALES_SUFFIX}", header.name);
            let found = headers.iter().position(|other| other.name == name);
            Some(found.ok_or_else(|| {
                error!(BadMessage, "int8 tensor {}: its tensor of scales is missing", brief(&header.name))
            })?)
        }
        Codec::F32 | Codec::F16 | Codec::Alpha8 => None,
    };
    Ok(Part { values: index, codec, scales })
}

fn check(part: &Part, headers: &[TensorHeader]) -> Result<()> {
    let header = &headers[part.values];
    let scales = match part.scales {
        None => 0,
        Some(index) => {
            let scales = &headers[index];
            let count = part.codec.scale_count(&header.shape);
            if scales.datatype != Datatype::Fp32 || scales.shape != [count] {
                let found = brief(&scales.shape);
                bail!(BadMessage, "expected FP32 scales of shape [{count}], found {:?} {found}", scales.datatype);
            }
            codec::check(Codec::F32, &scales.shape, &[count], value_bytes(scales)?, 0)?;
            count
        }
    };
    codec::check(part.codec, &header.shape, &header.shape, value_bytes(header)?, scales)
}

/// Bytes of a tensor's values once they are raw.
fn value_bytes(header: &TensorHeader) -> Result<usize> {
    match (header.payload_bytes()?, &header.data) {
        (Some(bytes), _) => Ok(bytes),
        (None, Some(_)) if header.datatype == Datatype::Fp32 => Codec::F32.byte_count(&header.shape),
        _ => Err(error!(BadMessage, "{:?} has no JSON form", header.datatype)),
    }
}

/// Bytes behind the JSON that `headers` announce.
pub(super) fn payload_bytes(headers: &[TensorHeader]) -> Result<usize> {
    headers.iter().try_fold(0usize, |sum, header| {
        let sum = sum.checked_add(header.payload_bytes()?.unwrap_or(0));
        sum.ok_or_else(|| error!(BadMessage, "the announced bytes do not fit this machine's memory"))
    })
}

/// Bytes that the numbers in the JSON become.
pub(super) fn json_value_bytes(headers: &[TensorHeader]) -> Result<usize> {
    headers.iter().filter(|header| header.data.is_some()).try_fold(0usize, |sum, header| {
        let sum = sum.checked_add(Codec::F32.byte_count(&header.shape)?);
        sum.ok_or_else(|| error!(BadMessage, "the announced numbers do not fit this machine's memory"))
    })
}

/// Each tensor's raw bytes: a part of `binary`, or the numbers that have been read from the JSON, which are taken out.
pub(super) fn payloads<'a>(headers: &mut [TensorHeader], binary: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>> {
    let announced = payload_bytes(headers)?;
    if announced != binary.len() {
        bail!(BadMessage, "the message announces {announced} bytes of tensors, found {}", binary.len());
    }
    let mut rest = binary;
    let mut payloads = Vec::with_capacity(headers.len());
    for header in headers {
        payloads.push(match (header.payload_bytes()?, &mut header.data) {
            (Some(bytes), _) => {
                let (payload, after) = rest.split_at_checked(bytes).unwrap_or((rest, &[]));
                rest = after;
                Cow::Borrowed(payload)
            }
            (None, Some(Data::Read(bytes))) => Cow::Owned(std::mem::take(bytes)),
            (None, Some(Data::Unread)) => bail!(Internal, "tensor {}: its numbers are not read", brief(&header.name)),
            (None, None) => Cow::Borrowed(&[][..]),
        });
    }
    Ok(payloads)
}

/// The crossing tensors, once their bytes are there.
pub(super) fn read<'a>(
    headers: &[TensorHeader],
    parts: &[Part],
    payloads: &mut [Cow<'a, [u8]>],
) -> Vec<NamedTensor<'a>> {
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        let header = &headers[part.values];
        let scales = part.scales.map_or_else(Vec::new, |index| floats(&payloads[index]));
        let bytes = std::mem::take(&mut payloads[part.values]);
        let coded = Coded { codec: part.codec, shape: header.shape.clone(), bytes, scales };
        read.push(NamedTensor { name: header.name.clone(), coded, binary: header.data.is_none() });
    }
    read
}

/// Headers, and the bytes that stand behind the JSON.
pub(super) type Written<'a> = (Vec<WrittenTensor<'a>>, Vec<Cow<'a, [u8]>>);

/// `tensors` as a message holds them.
pub(super) fn write<'a>(tensors: &'a [NamedTensor<'_>]) -> Result<Written<'a>> {
    let (mut headers, mut payloads) = (Vec::new(), Vec::new());
    for NamedTensor { name, coded, binary } in tensors {
        let datatype = match coded.codec {
            Codec::F32 => Datatype::Fp32,
            Codec::F16 => Datatype::Fp16,
            Codec::Int8 => Datatype::Int8,
            Codec::Alpha8 => Datatype::Uint8,
        };
        if !*binary {
            headers.push(in_json(name, coded)?);
            continue;
        }
        let mut header = announced(name.as_str(), datatype, coded.shape.as_slice(), coded.bytes.len());
        // FP32 and FP16 say it all; a plain server need not see a parameter that it does not know.
        if !matches!(coded.codec, Codec::F32 | Codec::F16) {
            header.parameters.insert("codec".to_owned(), coded.codec.name().into());
        }
        headers.push(header);
        payloads.push(Cow::Borrowed(&coded.bytes[..]));
        if coded.codec == Codec::Int8 {
            let bytes: Vec<u8> = coded.scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
            let name = format!("{name}{SCALES_SUFFIX}");
            headers.push(announced(name, Datatype::Fp32, vec![coded.scales.len()], bytes.len()));
            payloads.push(Cow::Owned(bytes));
        }
    }
    Ok((headers, payloads))
}

fn in_json<'a>(name: &'a str, coded: &'a Coded<'_>) -> Result<WrittenTensor<'a>> {
    if coded.codec != Codec::F32 {
        bail!(BadMessage, "tensor {name:?}: {} has no JSON form, ask for binary data", coded.codec);
    }
    let numbers = Numbers(&coded.bytes);
    if numbers.values().any(|number| !number.is_finite()) {
        bail!(BadMessage, "tensor {name:?} holds values that JSON cannot say, ask for binary data");
    }
    let (shape, parameters) = (coded.shape.as_slice().into(), Parameters::new());
    Ok(WrittenTensor { name: name.into(), datatype: Datatype::Fp32, shape, parameters, data: Some(numbers) })
}

/// The header of a tensor whose bytes stand behind the JSON.
pub(super) fn announced<'a>(
    name: impl Into<Cow<'a, str>>,
    datatype: Datatype,
    shape: impl Into<Cow<'a, [usize]>>,
    bytes: usize,
) -> WrittenTensor<'a> {
    // Made from an iterator, a map brings a sort along: 5 kB of Wasm for one entry.
    let mut parameters = Parameters::new();
    parameters.insert("binary_data_size".to_owned(), bytes.into());
    WrittenTensor { name: name.into(), datatype, shape: shape.into(), parameters, data: None }
}

/// Numbers to be written as JSON, from their little-endian bytes.
#[derive(Debug)]
pub(super) struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn values(&self) -> impl Iterator<Item = f32> {
        self.0.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
    }
}

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
