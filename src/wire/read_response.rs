//! The JSON part of answers when it is read, by clients. What a client reads has a limit that follows from what it
//! asked for, and a value of any kind is read by code that the Wasm has anyway.

use super::header::{Datatype, Parameters};
use super::parameters::KnownParameters;
use super::read::{Data, TensorHeader};
use crate::error::{Result, bail, brief, error};
use crate::tensor::value_count;
use serde_json::Value;

/// An answer's JSON.
pub(super) struct ResponseHeader {
    pub(super) model_name: String,
    pub(super) parameters: KnownParameters,
    pub(super) outputs: Vec<TensorHeader>,
}

/// Reads an answer's JSON.
///
/// # Errors
/// `BadMessage` when it is none, or its numbers are not as many as its shapes say.
pub(super) fn response(json: &[u8]) -> Result<ResponseHeader> {
    let none = || error!(BadMessage, "the answer's JSON is not an inference response");
    let message: Value = serde_json::from_slice(json).map_err(|e| none().with_source(e))?;
    let Value::Object(mut message) = message else { return Err(none()) };
    let Some(Value::Array(outputs)) = message.remove("outputs") else { return Err(none()) };
    let model_name = match message.remove("model_name") {
        Some(Value::String(name)) => name,
        _ => String::new(),
    };
    let parameters = parameters(&message)?;
    let outputs = outputs.into_iter().map(tensor).collect::<Result<_>>()?;
    Ok(ResponseHeader { model_name, parameters, outputs })
}

fn parameters(object: &Parameters) -> Result<KnownParameters> {
    match object.get("parameters") {
        None => Ok(KnownParameters::default()),
        Some(Value::Object(parameters)) => Ok(KnownParameters::among(parameters)),
        Some(_) => Err(error!(BadMessage, "parameters: expected an object")),
    }
}

fn tensor(tensor: Value) -> Result<TensorHeader> {
    let (name, datatype, dims) = (tensor["name"].as_str(), tensor["datatype"].as_str(), tensor["shape"].as_array());
    let (Value::Object(object), Some(name), Some(datatype), Some(dims)) = (&tensor, name, datatype, dims) else {
        bail!(BadMessage, "an output without name, datatype and shape");
    };
    let kind = Datatype::of_name(datatype);
    let kind = kind.ok_or_else(|| error!(BadMessage, "tensor {}: datatype {}", brief(name), brief(datatype)))?;
    let dim = |dim: &Value| dim.as_u64().and_then(|dim| usize::try_from(dim).ok());
    let shape: Option<Vec<usize>> = dims.iter().map(dim).collect();
    let shape = shape.ok_or_else(|| error!(BadMessage, "tensor {}: its shape is none", brief(name)))?;
    let data = match &tensor["data"] {
        Value::Null => None,
        data => {
            let count = value_count(&shape)?;
            let mut bytes = Vec::new();
            numbers(data, &mut bytes).map_err(|e| e.context(format!("tensor {}", brief(name))))?;
            let found = bytes.len() / size_of::<f32>();
            if found != count {
                bail!(BadMessage, "tensor {}: expected {count} numbers, found {found}", brief(name));
            }
            Some(Data::Read(bytes))
        }
    };
    Ok(TensorHeader { name: name.to_owned(), datatype: kind, shape, parameters: parameters(object)?, data })
}

/// Appends numbers, flat or nested in any way.
fn numbers(data: &Value, bytes: &mut Vec<u8>) -> Result<()> {
    match data {
        // The reader of JSON has bounded how deep lists are.
        Value::Array(list) => list.iter().try_for_each(|data| numbers(data, bytes)),
        data => match data.as_f64().map(|number| number as f32).filter(|number| number.is_finite()) {
            Some(number) => {
                bytes.extend_from_slice(&number.to_le_bytes());
                Ok(())
            }
            None => Err(error!(BadMessage, "expected numbers within the range of f32, found {}", brief(data))),
        },
    }
}
