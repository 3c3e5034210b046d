//! Convolutions computed Winograd's way: three kinds of dispatches for each strip of tiles.

use super::Lowering;
use super::conv::kernel_shape;
use crate::error::{Result, bail, error};
use crate::graph::{Conv, Graph, Node, TensorId};
use crate::kernels::winograd::{BLOCK, NUMBERS};
use crate::kernels::{
    Extent, Precision, winograd_input, winograd_matrices, winograd_multiply, winograd_output, winograd_workgroup,
};
use crate::plan::{Layout, Operand, Packing, ValueId, winograd};

impl Lowering {
    /// Lowers node `index`, which [`winograd::choose`] has chosen.
    pub(super) fn winograd(&mut self, graph: &Graph, index: usize, conv: &Conv) -> Result<()> {
        let node = &graph.nodes[index];
        let shape = kernel_shape(graph, node)?;
        let (grid, parts, out) = winograd::place(graph, node, conv)
            .ok_or_else(|| error!(Internal, "a convolution that has no Winograd form"))?;
        let sources = self.sources(graph, node, conv, parts.len())?;
        let residual = match node.inputs.get(parts.len()) {
            Some(&id) => Some((self.named(&graph.tensors[id].name)?, self.may_overwrite(graph, index, id)?)),
            None => None,
        };
        let channels = parts.iter().map(|part| part.channels).collect();
        let mut constants = Vec::new();
        self.weights_of(graph, node, Packing::Winograd { shape, parts: channels }, out.channels, BLOCK, &mut constants);
        let [weights, bias] = constants[..] else { bail!(Internal, "expected a kernel and a bias") };
        let quads: usize = parts.iter().map(|part| part.quads()).sum();
        let out_channels = out.channels.next_multiple_of(BLOCK);
        let matrices = self.tuning.matrices_for(self.precision);
        // Matrix units leave their sums as they are.
        let product_bytes = if matrices.is_some() { 4 } else { self.precision.bytes() };
        let bytes_a_tile = NUMBERS * (quads * 4 * self.precision.bytes()).max(out_channels * product_bytes);
        let strips = grid.strips(bytes_a_tile as u64, self.tuning.strip_bytes);
        let between = |channels| Extent { height: NUMBERS, width: strips[0].rows, channels };
        let output = &graph.tensors[node.output].name;
        let tiles = self.quads(&format!("{output} tiles"), between(quads * 4));
        let on_matrices = |strip| matrices.and_then(|matrices| winograd_matrices::launch(quads, out, strip, matrices));
        let wide = on_matrices(strips[0]).is_some();
        let products = format!("{output} products");
        let layout = Layout::Quads(if wide { Precision::F32 } else { self.precision });
        let products = self.value(&products, between(out_channels), layout);
        let (value, in_place) = match residual {
            Some((residual, true)) => (residual, true),
            _ => (self.quads(output, out), false),
        };
        let mut reads = vec![Operand::Value(products)];
        reads.extend(residual.filter(|_| !in_place).map(|(residual, _)| Operand::Value(residual)));
        reads.push(bias);
        let (macs, all) = (graph.node_macs(node), grid.count() as u64);
        // Shares are cut so that they add up to the whole.
        let until = |tiles: usize| macs * tiles as u64 / all;
        for strip in strips {
            for (part, &(input, doubled)) in sources.iter().enumerate() {
                let launch = winograd_input::launch(conv, &parts, part, doubled, grid, strip);
                self.dispatch(&node.name, launch, vec![Operand::Value(input)], tiles, 0);
            }
            let by_workgroup = || winograd_workgroup::launch(quads, out, strip).filter(|_| self.tuning.by_workgroup());
            let multiply = || winograd_multiply::launch(quads, out, strip, &self.tuning);
            let launch = on_matrices(strip).or_else(by_workgroup).unwrap_or_else(multiply);
            let macs = until(strip.first + strip.tiles) - until(strip.first);
            self.dispatch(&node.name, launch, vec![Operand::Value(tiles), weights], products, macs);
            let launch = winograd_output::launch(conv, out, grid, strip, in_place, wide);
            self.dispatch(&node.name, launch, reads.clone(), value, 0);
        }
        self.by_name.insert(output.clone(), value);
        Ok(())
    }

    /// The value of each part, and whether it still has to be doubled.
    fn sources(&mut self, graph: &Graph, node: &Node, conv: &Conv, parts: usize) -> Result<Vec<(ValueId, bool)>> {
        let mut sources = Vec::with_capacity(parts);
        for &id in &node.inputs[..parts] {
            let name = &graph.tensors[id].name;
            let doubled = self.doubled.get(name).filter(|_| winograd_input::takes_halves(conv));
            sources.push(match doubled {
                Some(doubled) if !self.by_name.contains_key(name) => (doubled.from, true),
                _ => (self.named(name)?, false),
            });
        }
        Ok(sources)
    }

    /// Whether node `index` may write its output over its residual: nothing reads that any more, under whatever
    /// name, and this phase made it, so that each run makes it anew.
    fn may_overwrite(&mut self, graph: &Graph, index: usize, residual: TensorId) -> Result<bool> {
        let tensor = &graph.tensors[residual];
        let value = self.named(&tensor.name)?;
        let out = Extent::of(&graph.tensors[graph.nodes[index].output].shape);
        let made_here = self.phase.dispatches.iter().any(|dispatch| dispatch.output == value);
        let reads = graph.nodes[index].inputs.iter().filter(|&&id| self.holds(graph, id, value)).count();
        let awaited = self.doubled.values().any(|doubled| doubled.from == value);
        let later = graph.nodes[index + 1..].iter().flat_map(|node| &node.inputs).chain(&graph.outputs);
        let read_later = later.copied().any(|id| self.holds(graph, id, value));
        Ok(made_here && reads == 1 && !awaited && !read_later && self.values[value].extent == out)
    }

    /// Whether a tensor that there is already lies in `value`.
    fn holds(&self, graph: &Graph, tensor: TensorId, value: ValueId) -> bool {
        self.by_name.get(&graph.tensors[tensor].name) == Some(&value)
    }
}
