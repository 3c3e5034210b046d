//! Small ONNX files, written with the same crate that reads them.

#![allow(dead_code, reason = "each test file uses its own part")]

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataLocation, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor,
    ValueInfoProto,
};
use std::cell::RefCell;

/// A file under construction: one input `x`, any number of nodes.
pub(crate) struct Onnx {
    pub(crate) graph: GraphProto,
    pub(crate) opset: i64,
}

impl Onnx {
    /// A file whose input `x` has these dimensions; below 0 is open.
    pub(crate) fn new(dims: &[i64]) -> Self {
        let graph = GraphProto { input: vec![value_info("x", dims)], ..Default::default() };
        Self { graph, opset: 17 }
    }

    pub(crate) fn opset(mut self, version: i64) -> Self {
        self.opset = version;
        self
    }

    /// A node whose name is its output's name.
    pub(crate) fn node(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> Self {
        self.graph.node.push(NodeProto {
            name: Some(format!("{}_node", outputs[0])),
            op_type: Some(operator.to_owned()),
            input: inputs.iter().map(|name| name.to_string()).collect(),
            output: outputs.iter().map(|name| name.to_string()).collect(),
            attribute: attributes,
            domain: None,
        });
        self
    }

    pub(crate) fn floats(self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.tensor(tensor(name, DataType::FLOAT, dims, bytes_of(values)))
    }

    pub(crate) fn tensor(mut self, tensor: TensorProto) -> Self {
        self.graph.initializer.push(tensor);
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.graph.initializer.push(tensor(name, DataType::INT64, &[values.len() as i64], bytes));
        self
    }

    pub(crate) fn bytes(mut self, name: &str, dims: &[i64], values: &[u8]) -> Self {
        self.graph.initializer.push(tensor(name, DataType::UINT8, dims, values.to_vec()));
        self
    }

    /// The file, giving `output`.
    pub(crate) fn finish(mut self, outputs: &[&str]) -> Vec<u8> {
        self.graph.output = outputs.iter().map(|name| value_info(name, &[])).collect();
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(self.opset) }],
            ..Default::default()
        };
        model.write_buf().unwrap()
    }
}

pub(crate) fn tensor(name: &str, data_type: DataType, dims: &[i64], bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(data_type),
        raw_data: Some(RefCell::new(bytes)),
        ..Default::default()
    }
}

pub(crate) fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Floats that lie in another file, as `entries` say.
pub(crate) fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> TensorProto {
    let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    TensorProto {
        name: Some(name.to_owned()),
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        data_location: Some(DataLocation::EXTERNAL),
        external_data: entries.iter().map(entry).collect(),
        ..Default::default()
    }
}

fn value_info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dimension = |(axis, &dim): (usize, &i64)| match dim {
        0.. => Dimension { dim_value: Some(dim), dim_param: None },
        _ => Dimension { dim_value: None, dim_param: Some(format!("d{axis}")) },
    };
    let shape = TensorShapeProto { dim: dims.iter().enumerate().map(dimension).collect() };
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..Default::default() }),
    }
}

fn named(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), r#type: Some(kind), ..Default::default() }
}

pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..named(name, AttributeType::INT) }
}

pub(crate) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..named(name, AttributeType::INTS) }
}

pub(crate) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..named(name, AttributeType::FLOAT) }
}

pub(crate) fn string(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.to_owned()), ..named(name, AttributeType::STRING) }
}

pub(crate) fn constant(values: &[i64]) -> AttributeProto {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let t = tensor("", DataType::INT64, &[values.len() as i64], bytes);
    AttributeProto { t: Some(t), ..named("value", AttributeType::TENSOR) }
}

/// A net that takes a picture of `size` x `size` and gives a mask: a convolution and a sigmoid.
pub(crate) fn mask_net(size: i64) -> Vec<u8> {
    let weights: Vec<f32> = (0..27).map(|index| index as f32 / 27.0 - 0.5).collect();
    Onnx::new(&[1, 3, size, size])
        .floats("w", &[1, 3, 3, 3], &weights)
        .floats("b", &[1], &[0.25])
        .node("Conv", &["x", "w", "b"], &["logit"], vec![ints("pads", &[1, 1, 1, 1])])
        .node("Sigmoid", &["logit"], &["mask"], vec![])
        .finish(&["mask"])
}
