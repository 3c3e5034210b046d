//! A segment lowered to dispatches: plain data that can be printed, compared and tested without a GPU.
//!
//! A plan has one or more phases (a client's head and tail, say) over one set of buffers, so that what
//! the head keeps for the tail simply stays where it is. Tensors meet across phases by name. At each
//! phase's edges stand host tensors, planes in f32; inside, activations lie channels last, `[H, W, C/4]`
//! vec4, the lanes beyond the last channel holding something finite that no result depends on.

mod assign;
mod lower;
mod pack;
mod winograd;

pub use lower::{lower, lower_between};
pub use pack::{PackedWeight, Packing};

use crate::error::{Result, bail};
use crate::kernels::{Extent, Launch, Precision};

/// Index into [`Plan::values`].
pub type ValueId = usize;
/// Index into [`Plan::weights`].
pub type PackedId = usize;

/// How a value's numbers lie in its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `[H, W, C/4]` vec4 of numbers that long.
    Quads(Precision),
    /// `[C, H, W]` f32: what the host writes and reads.
    Planes,
}

/// A tensor in GPU memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The graph tensor's name.
    pub name: String,
    /// Rows, columns, channels.
    pub extent: Extent,
    /// How it lies.
    pub layout: Layout,
    /// Index into [`Plan::buffers`]; values whose lifetimes do not touch share one.
    pub buffer: usize,
}

impl Value {
    /// Bytes it takes.
    pub fn bytes(&self) -> u64 {
        match self.layout {
            Layout::Quads(precision) => (self.extent.vec4s() * 4 * precision.bytes()) as u64,
            Layout::Planes => (self.extent.pixels() * self.extent.channels) as u64 * 4,
        }
    }
}

/// What a dispatch reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// An activation.
    Value(ValueId),
    /// A constant.
    Weight(PackedId),
}

/// One dispatch: bindings are the uniform, the reads in order, the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The node it computes, for messages and timings.
    pub node: String,
    /// Pipeline, parameters, workgroups.
    pub launch: Launch,
    /// Read, in the order of the shader's bindings.
    pub reads: Vec<Operand>,
    /// Written.
    pub output: ValueId,
    /// Multiply-adds, as the graph counts them.
    pub macs: u64,
}

impl Dispatch {
    /// The reads that the shader wants as textures, and their places among the reads.
    pub fn texture_reads(&self) -> impl Iterator<Item = (usize, Operand)> {
        self.launch.textures.iter().map(|&at| (at, self.reads[at]))
    }
}

/// One submit: tensors in, dispatches, tensors out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Phase {
    /// Values that the host writes first, in the segment's order of inputs; those that an earlier phase
    /// left in place are not among them.
    pub uploads: Vec<ValueId>,
    /// Values that the device itself writes first, quads: see [`Edge::Device`].
    pub given: Vec<ValueId>,
    /// In order.
    pub dispatches: Vec<Dispatch>,
    /// Values that the host reads last, in the order asked for.
    pub readbacks: Vec<ValueId>,
    /// Values that the device itself reads last, quads.
    pub results: Vec<ValueId>,
}

/// Who stands at an outer edge of a plan: before the net's inputs or behind its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// The host, with planes in its memory.
    #[default]
    Host,
    /// The device: pixels are resized there and never were in the host's memory.
    Device,
}

/// Dispatches, buffers and their lifetimes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Tensors in GPU memory.
    pub values: Vec<Value>,
    /// Bytes of each buffer.
    pub buffers: Vec<u64>,
    /// Constants.
    pub weights: Vec<PackedWeight>,
    /// In order.
    pub phases: Vec<Phase>,
    /// What quads and weights, but for biases, lie in memory as.
    pub precision: Precision,
    /// The most bytes of values that are alive at one moment: no assignment can need less.
    pub widest_bytes: u64,
}

/// What of an adapter's limits a plan has to respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that one storage binding may span.
    pub storage_binding_bytes: u64,
    /// Bytes that one buffer may have.
    pub buffer_bytes: u64,
    /// Storage buffers that one shader may see.
    pub storage_buffers: u32,
}

impl Plan {
    /// Bytes of all activation buffers: the plan's own share of GPU memory besides the weights.
    pub fn activation_bytes(&self) -> u64 {
        self.buffers.iter().sum()
    }

    /// Bytes of all constants as the kernels want them.
    pub fn weight_bytes(&self) -> u64 {
        self.weights.iter().map(|weight| weight.bytes).sum()
    }

    /// Bytes of what a dispatch reads and writes, each tensor counted once: the least traffic it can cause.
    pub fn dispatch_bytes(&self, dispatch: &Dispatch) -> u64 {
        let read = |operand: &Operand| match *operand {
            Operand::Value(id) => self.values[id].bytes(),
            Operand::Weight(id) => self.weights[id].bytes,
        };
        dispatch.reads.iter().map(read).sum::<u64>() + self.values[dispatch.output].bytes()
    }

    /// Dispatches of all phases.
    pub fn dispatch_count(&self) -> usize {
        self.phases.iter().map(|phase| phase.dispatches.len()).sum()
    }

    /// # Errors
    /// `AdapterLimit` naming the first tensor or node that the adapter has no room for.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        let most = limits.storage_binding_bytes.min(limits.buffer_bytes);
        let values = self.values.iter().map(|value| (value.name.as_str(), value.bytes()));
        let weights = self.weights.iter().map(|weight| (weight.source.as_deref().unwrap_or("zeros"), weight.bytes));
        for (name, bytes) in values.chain(weights) {
            if bytes > most {
                bail!(
                    AdapterLimit,
                    "tensor {name:?} takes {bytes} bytes, this adapter binds at most {most}: choose a smaller --size"
                );
            }
        }
        for dispatch in self.phases.iter().flat_map(|phase| &phase.dispatches) {
            let buffers = dispatch.reads.len() as u32 + 1;
            if buffers > limits.storage_buffers {
                bail!(
                    AdapterLimit,
                    "node {:?} sees {buffers} storage buffers, this adapter allows {}",
                    dispatch.node,
                    limits.storage_buffers
                );
            }
        }
        Ok(())
    }
}
