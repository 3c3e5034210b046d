//! Convolutions: which kernels, and how the weights are packed for them.

use super::Lowering;
use crate::error::{Result, error};
use crate::graph::fuse::MAX_PARTS;
use crate::graph::{Conv, Graph, Node};
use crate::kernels::{Extent, Launch, concat, conv, conv_depthwise, conv_grouped, conv_single};
use crate::plan::{Operand, Packing};

impl Lowering {
    /// One dispatch; packs what it reads besides `reads`.
    pub(super) fn conv(
        &mut self,
        graph: &Graph,
        node: &Node,
        conv: &Conv,
        inputs: &[Extent],
        reads: &mut Vec<Operand>,
    ) -> Result<Launch> {
        let shape = kernel_shape(graph, node)?;
        let out = Extent::of(&graph.tensors[node.output].shape);
        let kernel = [shape[2], shape[3]];
        let mut parts = inputs[..inputs.len() - usize::from(conv.epilogue.residual)].to_vec();
        let most = if conv.groups == 1 { MAX_PARTS } else { 1 };
        self.join_beyond(most, &node.name, &mut parts, reads);
        let input = parts[0];
        if parts.len() == 1 && conv_single::fits(conv, kernel, out) {
            let packing = Packing::Single { channels: input.channels };
            self.weights_of(graph, node, packing, 1, 4, reads);
            return Ok(conv_single::launch(conv, input, out));
        }
        if conv.groups == 1 {
            let channels = parts.iter().map(|extent| extent.channels).collect();
            self.weights_of(graph, node, Packing::Conv { shape, parts: channels }, out.channels, conv::BLOCK, reads);
            return Ok(conv::launch(conv, &parts, kernel, out, self.tuning.loads));
        }
        let depthwise = conv.groups == input.channels && conv.groups == out.channels;
        if depthwise {
            let packing = Packing::Depthwise { channels: out.channels, window: kernel[0] * kernel[1] };
            self.weights_of(graph, node, packing, out.channels, 4, reads);
            Ok(conv_depthwise::launch(conv, input, kernel, out))
        } else {
            self.weights_of(graph, node, Packing::Grouped { shape }, out.channels, 4, reads);
            Ok(conv_grouped::launch(conv, input, kernel, out))
        }
    }

    /// Copies the first parts together until no more than `most` are left to be read side by side.
    pub(super) fn join_beyond(&mut self, most: usize, node: &str, parts: &mut Vec<Extent>, reads: &mut Vec<Operand>) {
        while parts.len() > most {
            let (a, b) = (parts[0], parts[1]);
            let out = Extent { channels: a.channels + b.channels, ..a };
            let value = self.quads(node, out);
            self.dispatch(node, concat::launch(a, b), vec![reads[0], reads[1]], value, 0);
            parts.splice(..2, [out]);
            reads.splice(..2, [Operand::Value(value)]);
        }
    }

    /// Packs a convolution's weights and its bias (or zeros) and adds both to what it reads.
    pub(super) fn weights_of(
        &mut self,
        graph: &Graph,
        node: &Node,
        packing: Packing,
        channels: usize,
        block: usize,
        reads: &mut Vec<Operand>,
    ) {
        let name = |at: usize| node.weights.get(at).map(|&id| graph.weights[id].name.as_str());
        let kernel = self.weight(name(0), packing);
        let bias = self.weight(name(1), Packing::Bias { channels, block });
        reads.extend([kernel, bias]);
    }
}

pub(super) fn kernel_shape(graph: &Graph, node: &Node) -> Result<[usize; 4]> {
    let shape = &graph.weights[node.weights[0]].shape;
    <[usize; 4]>::try_from(shape.as_slice()).map_err(|_| error!(BadShape, "weights of shape {shape:?}"))
}
