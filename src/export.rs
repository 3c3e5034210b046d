//! A segment as ONNX, for servers that know nothing of this crate.
//!
//! Opset 17, f32 weights inside the file, tensor names as in the model, shapes fixed to the segment's.

mod names;
mod nodes;
mod repository;

pub use repository::write_repository;

use crate::codec;
use crate::error::{Result, error};
use crate::graph::{Graph, TensorSpec};
use crate::model::Weights;
use names::Names;
use rten_onnx::onnx::{
    DataType, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, TypeProtoTensor, ValueInfoProto,
};
use std::cell::RefCell;
use std::collections::HashSet;

/// The operator set written: old enough for any server of the last years, and every form needed is in it.
const OPSET: i64 = 17;
/// The format version that goes with it.
const IR_VERSION: i64 = 8;

/// `graph` and its weights as the bytes of an ONNX file.
///
/// Inputs and outputs keep the names and shapes of `graph`; all are f32. Fused graphs may be given
/// too: their epilogues become nodes of their own.
///
/// # Errors
/// `UnsupportedOperator` for the few forms that opset 17 cannot say; `Internal` when a weight was not loaded.
pub fn to_onnx(graph: &Graph, weights: &Weights) -> Result<Vec<u8>> {
    write(graph, Some(weights), Dims::Fixed)
}

/// As [`to_onnx`], but says nothing about rows and columns of inputs and outputs: good for every size of
/// picture whose [`recipe`] is the same.
pub(crate) fn to_onnx_any_size(graph: &Graph, weights: &Weights) -> Result<Vec<u8>> {
    write(graph, Some(weights), Dims::Free)
}

/// What [`to_onnx_any_size`] writes, without the weights. It differs between sizes where an operator has to
/// be written for its size: a pool that ends in the middle of a window, a factor that needs rounding.
///
/// # Errors
/// As [`to_onnx`].
pub(crate) fn recipe(graph: &Graph) -> Result<Vec<u8>> {
    write(graph, None, Dims::Free)
}

#[derive(Clone, Copy)]
enum Dims {
    /// As in the graph.
    Fixed,
    /// A name for each axis from the third on.
    Free,
}

fn write(graph: &Graph, weights: Option<&Weights>, dims: Dims) -> Result<Vec<u8>> {
    let mut writer = Writer::new(graph, weights);
    for node in &graph.nodes {
        nodes::write(&mut writer, node).map_err(|e| e.context(format!("node {:?} ({})", node.name, node.op.name())))?;
    }
    let value = |&id: &usize| value_info(&graph.tensors[id], dims);
    let graph = GraphProto {
        node: writer.nodes,
        initializer: writer.initializers,
        input: graph.inputs.iter().map(value).collect(),
        output: graph.outputs.iter().map(value).collect(),
        value_info: Vec::new(),
    };
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: Vec::new(),
        producer_name: Some("headwater".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
    };
    let failed = |e| error!(Internal, "the ONNX file cannot be written").with_source(e);
    let mut file = model.write_buf().map_err(failed)?;
    // The weights are in memory once more here: a large net's are let go before the file may move.
    drop(model);
    file.splice(0..0, GRAPH_NAME.iter().copied());
    Ok(file)
}

/// ONNX demands a name of every graph, and `rten-onnx` has no field for one. A message that occurs
/// twice in protobuf is one message, merged: so `graph { name: "headwater" }` stands before the file.
const GRAPH_NAME: &[u8] = b"\x3a\x0b\x12\x09headwater";

fn value_info(tensor: &TensorSpec, dims: Dims) -> ValueInfoProto {
    let name = &tensor.name;
    let dim = |(axis, &dim): (usize, &usize)| match dims {
        Dims::Free if axis >= 2 => Dimension { dim_value: None, dim_param: Some(format!("{name}.{axis}")) },
        _ => Dimension { dim_value: Some(dim as i64), dim_param: None },
    };
    let shape = TensorShapeProto { dim: tensor.shape.iter().enumerate().map(dim).collect() };
    let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.clone()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
    }
}

/// What has been written so far.
struct Writer<'a> {
    graph: &'a Graph,
    /// `None` leaves their values out.
    weights: Option<&'a Weights>,
    names: Names,
    written: HashSet<usize>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, weights: Option<&'a Weights>) -> Self {
        let names = Names::new(graph);
        Self { graph, weights, names, written: HashSet::new(), nodes: Vec::new(), initializers: Vec::new() }
    }

    /// The ONNX name of a weight, its values written on first use.
    fn weight(&mut self, id: usize) -> Result<String> {
        let name = self.names.weight(id);
        let fresh = self.written.insert(id);
        if let Some(weights) = self.weights.filter(|_| fresh) {
            let weight = weights.get(&self.graph.weights[id].name)?;
            let bytes = codec::f32_bytes(&weight.to_f32()).into_owned();
            self.initializer(&name, weight.shape(), DataType::FLOAT, bytes);
        }
        Ok(name)
    }

    /// A constant list of integers, as shapes and pads are given.
    fn ints(&mut self, role: &str, values: &[i64]) -> String {
        let name = self.names.fresh(role);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(&name, &[values.len()], DataType::INT64, bytes);
        name
    }

    /// A constant list of numbers; with an empty `shape`, one number.
    fn floats(&mut self, role: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.names.fresh(role);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(&name, shape, DataType::FLOAT, bytes);
        name
    }

    fn initializer(&mut self, name: &str, shape: &[usize], data_type: DataType, bytes: Vec<u8>) {
        self.initializers.push(TensorProto {
            dims: shape.iter().map(|&dim| dim as i64).collect(),
            data_type: Some(data_type),
            raw_data: Some(RefCell::new(bytes)),
            name: Some(name.to_owned()),
            ..TensorProto::default()
        });
    }
}
