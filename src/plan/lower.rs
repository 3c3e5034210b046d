//! From fused graph segments to dispatches.

mod conv;
mod winograd;

use super::assign::assign;
use super::{Dispatch, Edge, Layout, Operand, PackedWeight, Packing, Phase, Plan, Value, ValueId};
use crate::error::{Result, bail, error};
use crate::graph::op::Op;
use crate::graph::{Graph, Node};
use crate::kernels::{
    Extent, Launch, Precision, Tuning, activation, binary, conv_transpose, global_average, pack, pool, resize, softmax,
    window,
};
use conv::kernel_shape;
use std::collections::HashMap;

/// Lowers fused segments of one graph, run in order. `readbacks` names for each segment which of its
/// outputs the host wants; the others stay in place for later segments. `tuning` is the device's, as
/// `Gpu::tuning` gives it; in `precision` it keeps activations and weights.
///
/// # Errors
/// `UnsupportedOperator` for a form that no kernel computes; `BadShape` when segments do not fit together.
pub fn lower(segments: &[(&Graph, &[&str])], tuning: &Tuning, precision: Precision) -> Result<Plan> {
    lower_between(Edge::Host, segments, Edge::Host, tuning, precision)
}

/// As [`lower`]; `before` says who writes the inputs of the first segment, `behind` who reads what the
/// last one was asked for.
///
/// # Errors
/// Those of [`lower`].
pub fn lower_between(
    before: Edge,
    segments: &[(&Graph, &[&str])],
    behind: Edge,
    tuning: &Tuning,
    precision: Precision,
) -> Result<Plan> {
    let winograd = super::winograd::choose(segments, tuning, precision);
    let mut lowering = Lowering { tuning: *tuning, precision, winograd, ..Lowering::default() };
    for (index, (graph, wanted)) in segments.iter().enumerate() {
        let edge = |outer: bool, edge: Edge| if outer { edge } else { Edge::Host };
        lowering.segment(edge(index == 0, before), graph, wanted, edge(index + 1 == segments.len(), behind))?;
    }
    let Lowering { mut values, weights, phases, .. } = lowering;
    let (buffers, widest_bytes) = assign(&mut values, &phases);
    Ok(Plan { values, buffers, weights, phases, precision, widest_bytes })
}

#[derive(Default)]
struct Lowering {
    tuning: Tuning,
    precision: Precision,
    /// Segment and node of the convolutions that are computed so.
    winograd: Vec<(usize, usize)>,
    values: Vec<Value>,
    /// The quads of each tensor by its name.
    by_name: HashMap<String, ValueId>,
    /// Tensors that are not made before something reads them that cannot make them itself.
    doubled: HashMap<String, Doubled>,
    weights: Vec<PackedWeight>,
    phases: Vec<Phase>,
    phase: Phase,
}

/// A resize to twice the size.
#[derive(Clone)]
struct Doubled {
    node: String,
    from: ValueId,
    extent: Extent,
    launch: Launch,
}

impl Lowering {
    fn segment(&mut self, before: Edge, graph: &Graph, wanted: &[&str], behind: Edge) -> Result<()> {
        self.phase = Phase::default();
        if let Some(tensor) = graph.tensors.iter().find(|tensor| tensor.shape.first() != Some(&1)) {
            bail!(UnsupportedOperator, "tensor {:?} of shape {:?}: expected a batch of 1", tensor.name, tensor.shape);
        }
        for &input in &graph.inputs {
            let tensor = &graph.tensors[input];
            if self.by_name.contains_key(&tensor.name) || self.doubled.contains_key(&tensor.name) {
                continue;
            }
            let extent = Extent::of(&tensor.shape);
            let quads = match before {
                Edge::Host => {
                    let planes = self.value(&tensor.name, extent, Layout::Planes);
                    self.phase.uploads.push(planes);
                    let quads = self.quads(&tensor.name, extent);
                    self.dispatch(&tensor.name, pack::from_planes(extent), vec![Operand::Value(planes)], quads, 0);
                    quads
                }
                Edge::Device => {
                    let quads = self.quads(&tensor.name, extent);
                    self.phase.given.push(quads);
                    quads
                }
            };
            self.by_name.insert(tensor.name.clone(), quads);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            self.node(graph, index).map_err(|e| e.context(format!("node {:?} ({})", node.name, node.op.name())))?;
        }
        for name in wanted {
            let quads = self.named(name)?;
            if behind == Edge::Device {
                self.phase.results.push(quads);
                continue;
            }
            let extent = self.values[quads].extent;
            let planes = self.value(name, extent, Layout::Planes);
            self.dispatch(name, pack::to_planes(extent), vec![Operand::Value(quads)], planes, 0);
            self.phase.readbacks.push(planes);
        }
        self.phases.push(std::mem::take(&mut self.phase));
        Ok(())
    }

    fn node(&mut self, graph: &Graph, index: usize) -> Result<()> {
        let node = &graph.nodes[index];
        if let Op::Conv(conv) = &node.op
            && self.winograd.contains(&(self.phases.len(), index))
        {
            return self.winograd(graph, index, conv);
        }
        let inputs =
            node.inputs.iter().map(|&id| self.named(&graph.tensors[id].name)).collect::<Result<Vec<ValueId>>>()?;
        let output = &graph.tensors[node.output];
        if node.op.is_view() {
            self.by_name.insert(output.name.clone(), inputs[0]);
            return self.check_view(graph, node);
        }
        if node.op == Op::Concat {
            let mut parts: Vec<Extent> = node.inputs.iter().map(|&id| Extent::of(&graph.tensors[id].shape)).collect();
            let mut reads: Vec<Operand> = inputs.into_iter().map(Operand::Value).collect();
            self.join_beyond(1, &node.name, &mut parts, &mut reads);
            let Operand::Value(joined) = reads[0] else { bail!(Internal, "a concatenation of constants") };
            self.by_name.insert(output.name.clone(), joined);
            return Ok(());
        }
        let out = Extent::of(&output.shape);
        // Extents are the graph's, since a view's value carries those of the tensor it is a view of.
        let extents: Vec<Extent> = node.inputs.iter().map(|&id| Extent::of(&graph.tensors[id].shape)).collect();
        let from = extents[0];
        if let Op::Resize(op) = &node.op
            && resize::doubles(op, from, out)
        {
            let launch = resize::launch(op, from, out);
            let doubled = Doubled { node: node.name.clone(), from: inputs[0], extent: out, launch };
            self.doubled.insert(output.name.clone(), doubled);
            return Ok(());
        }
        let mut reads: Vec<Operand> = inputs.iter().map(|&id| Operand::Value(id)).collect();
        let launch = match &node.op {
            Op::Conv(conv) => self.conv(graph, node, conv, &extents, &mut reads)?,
            Op::ConvTranspose(transposed) => {
                let shape = kernel_shape(graph, node)?;
                let packing = Packing::Transposed { shape, groups: transposed.groups };
                self.weights_of(graph, node, packing, out.channels, 4, &mut reads);
                conv_transpose::launch(transposed, from, [shape[2], shape[3]], out)
            }
            Op::Pool(op) => pool::launch(op, from, out),
            Op::GlobalAveragePool => global_average::launch(from),
            Op::Resize(op) => resize::launch(op, from, out),
            Op::Activation(op) => activation::launch(*op, out),
            Op::Binary { function, constant_first } => match node.weights.first() {
                None => {
                    let [a, b] = [0, 1].map(|index| &graph.tensors[node.inputs[index]].shape);
                    binary::launch(*function, beside(a, &output.shape)?, beside(b, &output.shape)?, out)
                }
                Some(&weight) => {
                    let spec = &graph.weights[weight];
                    let constant = beside(&binary::aligned(&spec.shape, output.shape.len()), &output.shape)?;
                    let shape = [constant.channels, constant.height, constant.width];
                    let packed = self.weight(Some(&spec.name), Packing::Quads { shape });
                    if *constant_first {
                        reads.insert(0, packed);
                        binary::launch(*function, constant, from, out)
                    } else {
                        reads.push(packed);
                        binary::launch(*function, from, constant, out)
                    }
                }
            },
            Op::Softmax => softmax::launch(out),
            Op::Pad(op) => window::pad(op, from, out),
            Op::Slice { axes } => window::slice(axes, from, out)?,
            Op::Concat | Op::Reshape { .. } | Op::Transpose { .. } => bail!(Internal, "handled above"),
        };
        let value = self.quads(&output.name, out);
        self.dispatch(&node.name, launch, reads, value, graph.node_macs(node));
        self.by_name.insert(output.name.clone(), value);
        Ok(())
    }

    /// The constant, packed once however many nodes and segments read it so.
    fn weight(&mut self, source: Option<&str>, packing: Packing) -> Operand {
        let packed = PackedWeight::new(source, packing, self.precision);
        let known = self.weights.iter().position(|weight| *weight == packed);
        Operand::Weight(known.unwrap_or_else(|| {
            self.weights.push(packed);
            self.weights.len() - 1
        }))
    }

    /// A view keeps its channels and its pixels' order; shape inference has made sure of it.
    fn check_view(&self, graph: &Graph, node: &Node) -> Result<()> {
        let (from, to) = (&graph.tensors[node.inputs[0]].shape, &graph.tensors[node.output].shape);
        let (from, to) = (Extent::of(from), Extent::of(to));
        if (from.channels, from.pixels()) != (to.channels, to.pixels()) {
            bail!(UnsupportedOperator, "{from:?} does not lie as {to:?} does");
        }
        Ok(())
    }

    fn quads(&mut self, name: &str, extent: Extent) -> ValueId {
        self.value(name, extent, Layout::Quads(self.precision))
    }

    fn value(&mut self, name: &str, extent: Extent, layout: Layout) -> ValueId {
        self.values.push(Value { name: name.to_owned(), extent, layout, buffer: 0 });
        self.values.len() - 1
    }

    /// The tensor's quads, made now if nothing has wanted them before.
    fn named(&mut self, name: &str) -> Result<ValueId> {
        if let Some(&value) = self.by_name.get(name) {
            return Ok(value);
        }
        let doubled = self.doubled.get(name).cloned();
        let Doubled { node, from, extent, launch } =
            doubled.ok_or_else(|| error!(BadShape, "tensor {name:?} is not there yet"))?;
        let value = self.quads(name, extent);
        self.dispatch(&node, launch, vec![Operand::Value(from)], value, 0);
        self.by_name.insert(name.to_owned(), value);
        Ok(value)
    }

    fn dispatch(&mut self, node: &str, launch: Launch, reads: Vec<Operand>, output: ValueId, macs: u64) {
        let launch = launch.storing(self.precision);
        self.phase.dispatches.push(Dispatch { node: node.to_owned(), launch, reads, output, macs });
    }
}

/// The extent of an operand that broadcasts to `out`.
fn beside(shape: &[usize], out: &[usize]) -> Result<Extent> {
    binary::operand(shape, out).ok_or_else(|| {
        error!(
            UnsupportedOperator,
            "on the GPU {shape:?} does not broadcast to {out:?}: expected operands of one rank, channels on axis 1"
        )
    })
}
