//! One reading of an ONNX file: from its bytes to a graph at one size.

use super::external::External;
use super::lower::{Lowering, Value};
use super::sizes::{self, Sizes};
use super::{Imported, batch_norm, fold, operators, quantised, rewrite, sort, tensor};
use crate::error::{ErrorKind, Result, bail, error};
use crate::model::{Weight, Weights};
use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// Nodes that an output may need. IS-Net has 700, the largest segmentation nets some thousands.
const MAX_NODES: usize = 1 << 14;

/// The oldest operator set whose definitions are followed, and the newest that was looked at: of the operators
/// known here, 24 to 28 only change which element types they take, and `Mod`.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// An ONNX file and what is wanted of it.
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) external: &'a External,
    pub(super) output: Option<&'a str>,
}

/// A file read at one size.
pub(super) struct Reading {
    pub(super) imported: Imported,
    pub(super) sizes: Sizes,
    /// Width and height.
    pub(super) own_size: [usize; 2],
}

impl Source<'_> {
    /// Reads the file at its own size, and at `size` what it leaves open. Given what an earlier reading met, all of
    /// it is read at `size`.
    pub(super) fn read(&self, size: Option<[usize; 2]>, earlier: Option<Rc<Sizes>>) -> Result<Reading> {
        let Self { bytes, external, output } = *self;
        external.rewind();
        let model = ModelProto::parse_buf(bytes)
            .map_err(|e| error!(BadModel, "the ONNX file cannot be read").with_source(e.to_string()))?;
        let opset = opset(&model)?;
        let mut warnings = Vec::new();
        if opset > *OPSETS.end() {
            warnings.push(format!(
            "operator set {opset} is newer than this program, which knows {} to {}: its operators are read as in {}",
            OPSETS.start(),
            OPSETS.end(),
            OPSETS.end()
        ));
        }
        let graph = model.graph.ok_or_else(|| error!(BadModel, "expected a graph in the ONNX file, found none"))?;
        let output = wanted_output(&graph, output)?;
        let initializers = initializers(&graph)?;
        let inputs: HashMap<&str, &ValueInfoProto> =
            graph.input.iter().filter_map(|input| Some((input.name.as_deref()?, input))).collect();
        // Old files list initializers among the inputs: the initializer is what counts.
        let is_given = |name: &str| initializers.contains_key(name) || inputs.contains_key(name);
        let order = sort::needed_in_order(&graph.node, output, is_given)?;
        if order.len() > MAX_NODES {
            bail!(BadModel, "expected at most {MAX_NODES} nodes, found {}", order.len());
        }

        let mut state = Lowering::new(bytes.len().saturating_mul(2).saturating_add(1 << 20));
        let is_again = earlier.is_some();
        state.earlier = earlier;
        let mut own_size = [0; 2];
        for &index in &order {
            for name in sort::reads(&graph.node[index]).into_iter().filter(|name| !name.is_empty()) {
                if state.value(name).is_ok() {
                    continue;
                }
                if let Some(initializer) = initializers.get(name) {
                    let constant = tensor::read(initializer, external)?;
                    if tensor::is_external(initializer) {
                        state.earn(constant.len());
                    }
                    state.set(name, Value::Constant(constant));
                } else if let Some(input) = inputs.get(name) {
                    let (shape, is_open) = input_shape(input, size, is_again)?;
                    own_size = [shape[3], shape[2]];
                    state.sizes.is_open |= is_open;
                    state.input(name, shape).map_err(|e| e.context(format!("input {name:?}")))?;
                }
            }
            state.add(&graph.node[index], opset, external).map_err(|e| match unknown(&graph.node, &order) {
                Some(list) if e.kind() == ErrorKind::UnsupportedOperator => e.context(list),
                _ => e,
            })?;
        }
        if state.has_steps {
            warnings.push(
                "quantised activations are read as f32, confined to what their bytes can hold: masks differ from the \
                 quantised net's by its rounding"
                    .to_owned(),
            );
        }
        let sizes = std::mem::take(&mut state.sizes);
        let imported = Imported { warnings, ..finish(state, output)? };
        Ok(Reading { imported, sizes, own_size })
    }
}

fn opset(model: &ModelProto) -> Result<i64> {
    let standard = |domain: Option<&str>| matches!(domain, None | Some("" | "ai.onnx"));
    let version = model.opset_import.iter().find(|set| standard(set.domain.as_deref())).and_then(|set| set.version);
    match version {
        Some(version) if version >= *OPSETS.start() => Ok(version),
        Some(version) => Err(error!(
            UnsupportedOperator,
            "operator set {version}: expected {} or a later one; onnx.version_converter rewrites older files",
            OPSETS.start()
        )),
        None => Err(error!(BadModel, "expected the version of the standard operator set, found none: no ONNX model?")),
    }
}

fn wanted_output<'a>(graph: &'a GraphProto, wanted: Option<&str>) -> Result<&'a str> {
    let names = || graph.output.iter().filter_map(|output| output.name.as_deref());
    match wanted {
        Some(wanted) => names().find(|name| *name == wanted).ok_or_else(|| {
            error!(BadArgument, "output {wanted:?}: expected one of {:?}", names().take(32).collect::<Vec<_>>())
        }),
        None => names().next().ok_or_else(|| error!(BadModel, "expected an output, found none")),
    }
}

fn initializers(graph: &GraphProto) -> Result<HashMap<&str, &TensorProto>> {
    let mut initializers = HashMap::new();
    for tensor in &graph.initializer {
        let name = tensor.name.as_deref().unwrap_or("");
        if initializers.insert(name, tensor).is_some() {
            bail!(BadModel, "two initializers are called {name:?}");
        }
    }
    Ok(initializers)
}

/// All operators that the output needs and that are not known, with how often; nothing where it is only one kind.
fn unknown(nodes: &[NodeProto], order: &[usize]) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for node in order.iter().map(|&index| &nodes[index]) {
        let operator = node.op_type.as_deref().unwrap_or("");
        let domain = node.domain.as_deref().unwrap_or("");
        let is_standard = matches!(domain, "" | "ai.onnx");
        if !is_standard || !(operators::find(operator).is_some() || fold::knows(operator)) {
            let name = if is_standard { operator.to_owned() } else { format!("{domain}.{operator}") };
            *counts.entry(name).or_default() += 1;
        }
    }
    let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    (list.len() > 1).then(|| format!("this net has operators that are not known here: {}", list.join(", ")))
}

/// A graph input's shape, with `size` for rows and columns that the file leaves open, or for any when `all`; and
/// whether it leaves some open.
fn input_shape(input: &ValueInfoProto, size: Option<[usize; 2]>, all: bool) -> Result<(Vec<usize>, bool)> {
    let name = input.name.as_deref().unwrap_or("");
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let Some(tensor) = tensor else { bail!(BadModel, "input {name:?}: expected a tensor") };
    if !tensor.elem_type.is_some_and(fold::is_float) {
        let found = tensor.elem_type.unwrap_or(DataType(0));
        bail!(UnsupportedOperator, "input {name:?}: expected floats, found {found}");
    }
    let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    if dims.len() != 4 {
        bail!(BadShape, "input {name:?}: expected [1, C, H, W], found {} dimensions", dims.len());
    }
    let mut shape = Vec::with_capacity(4);
    let mut is_open = false;
    for (axis, dim) in dims.iter().enumerate() {
        // Some exporters write an open dimension as 0 or -1.
        let stated = dim.dim_value.filter(|&value| value > 0).map(|value| usize::try_from(value).unwrap_or(usize::MAX));
        let wanted = size.and_then(|[width, height]| [None, None, Some(height), Some(width)][axis]);
        is_open |= axis >= 2 && stated.is_none();
        shape.push(match (stated, axis, wanted) {
            (Some(_), _, Some(wanted)) if all => wanted,
            (Some(length), 0, _) if length != 1 => {
                bail!(BadShape, "input {name:?}: expected a batch of 1, found {length}")
            }
            (Some(length), ..) => length,
            (None, 0, _) => 1,
            // Pictures are RGB; a net that is not says so at its first convolution.
            (None, 1, _) => 3,
            (None, _, Some(wanted)) => wanted,
            (None, _, None) => {
                bail!(BadShape, "input {name:?}: its height and width are open; expected a size, which --size gives")
            }
        });
    }
    Ok((shape, is_open))
}

/// A weight without infinities and NaN: a single one makes NaN of a whole mask.
fn finite(weight: Weight) -> Result<Weight> {
    match weight.to_f32().iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((index, value)) => Err(error!(BadModel, "value {index} is {value}: expected finite numbers")),
        None => Ok(weight),
    }
}

/// Rewrites, drops what the output does not need, and checks the result.
fn finish(mut state: Lowering, output: &str) -> Result<Imported> {
    let id = match state.value(output) {
        Ok(Value::Tensor(id)) => *id,
        Ok(_) => bail!(BadModel, "output {output:?}: expected something that depends on an input, found a constant"),
        Err(_) => bail!(BadModel, "output {output:?}: expected a node's result, found an input"),
    };
    if state.graph.inputs.contains(&id) {
        bail!(BadModel, "output {output:?}: expected a node's result, found an input");
    }
    state.graph.outputs = vec![id];
    // The output may be another name of this tensor, after a cast that was dropped. Names are unique in
    // the file, so this one is free unless a tensor has it for another reason.
    if state.graph.tensors.iter().all(|tensor| tensor.name != output) {
        state.graph.tensors[id].name = output.to_owned();
    }
    batch_norm::fold(&mut state)?;
    quantised::restore_biases(&mut state.graph, &mut state.constants, &state.dequantised)?;
    rewrite::gated_activations(&mut state.graph);

    let inputs = state.graph.inputs.clone();
    let mut fits = sizes::fits(&state.graph, &state.fits);
    let mut graph = state.graph.extract(&inputs, &state.graph.outputs)?;
    let kept: HashSet<&str> = graph.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    fits.retain(|tensor| kept.contains(tensor));
    graph.scaling.fits = fits;
    graph.validate()?;
    let by_name: HashMap<&str, usize> =
        state.graph.weights.iter().enumerate().map(|(id, weight)| (weight.name.as_str(), id)).collect();
    let mut weights = Weights::default();
    for spec in &graph.weights {
        let constant = &state.constants[by_name[spec.name.as_str()]];
        let weight = constant.to_weight().and_then(finite).map_err(|e| e.context(format!("weight {:?}", spec.name)))?;
        weights.insert(&spec.name, weight);
    }
    Ok(Imported { graph, weights, warnings: Vec::new() })
}
