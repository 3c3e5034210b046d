//! Where a plan's activations and weights lie on the device.

use super::super::Gpu;
use super::super::texture;
use super::ALIGNMENT;
use crate::error::{Result, error};
use crate::kernels::Precision;
use crate::model::Weights;
use crate::plan::{Operand, PackedWeight, Plan};
use crate::platform::Pauses;
use half::f16;
use std::borrow::Cow;

/// A plan's buffers and textures.
#[derive(Debug)]
pub(super) struct Memory {
    /// One for each of the plan's.
    pub(super) buffers: Vec<wgpu::Buffer>,
    /// Weights share few large buffers, since hundreds of small ones cost the driver more than they hold.
    shelves: Vec<wgpu::Buffer>,
    /// For each weight, its place on a shelf; an empty one where it is a texture.
    slots: Vec<Slot>,
    /// For each weight that is read as one.
    pub(super) textures: Vec<Option<wgpu::Texture>>,
    /// One for each place among a dispatch's reads: a dispatch is done with them before the next copy.
    pub(super) scratch: Vec<wgpu::Texture>,
    pub(super) allocated_bytes: u64,
}

/// A place in a buffer.
#[derive(Debug)]
struct Slot {
    buffer: usize,
    offset: u64,
    bytes: u64,
}

impl Memory {
    /// Errors of the device surface in the caller's error scope.
    pub(super) fn allocate(gpu: &Gpu, plan: &Plan) -> Result<Self> {
        let device = &gpu.device;
        let mut allocated_bytes = 0;
        let mut allocate = |label: &str, size: u64, usage: wgpu::BufferUsages| {
            allocated_bytes += size;
            let usage = usage | wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
        };
        let buffers: Vec<wgpu::Buffer> =
            plan.buffers.iter().map(|&bytes| allocate("activations", bytes, wgpu::BufferUsages::COPY_SRC)).collect();
        let mut textures: Vec<Option<wgpu::Texture>> = vec![None; plan.weights.len()];
        let mut scratch_bytes = Vec::new();
        let mut texture_bytes = 0;
        for dispatch in plan.phases.iter().flat_map(|phase| &phase.dispatches) {
            for (at, operand) in dispatch.texture_reads() {
                match operand {
                    Operand::Weight(id) if textures[id].is_none() => {
                        let (made, bytes) = texture::create(device, "weights", plan.weights[id].bytes, plan.precision);
                        texture_bytes += bytes;
                        textures[id] = Some(made);
                    }
                    Operand::Weight(_) => {}
                    Operand::Value(id) => {
                        scratch_bytes.resize(scratch_bytes.len().max(at + 1), 0);
                        scratch_bytes[at] = plan.values[id].bytes().max(scratch_bytes[at]);
                    }
                }
            }
        }
        let mut scratch = Vec::with_capacity(scratch_bytes.len());
        for bytes in scratch_bytes {
            let (made, bytes) = texture::create(device, "activations", bytes, plan.precision);
            texture_bytes += bytes;
            scratch.push(made);
        }
        let largest = gpu.limits.storage_binding_bytes.min(gpu.limits.buffer_bytes);
        let shelved = plan.weights.iter().zip(&textures);
        let (slots, sizes) =
            shelve(shelved.map(|(weight, texture)| if texture.is_some() { 0 } else { weight.bytes }), largest);
        let shelves = sizes.iter().map(|&bytes| allocate("weights", bytes, wgpu::BufferUsages::empty())).collect();
        Ok(Self { buffers, shelves, slots, textures, scratch, allocated_bytes: allocated_bytes + texture_bytes })
    }

    /// Packs weight number `index` and writes it to its place, piece by piece.
    pub(super) async fn write(
        &self,
        queue: &wgpu::Queue,
        index: usize,
        weight: &PackedWeight,
        weights: &Weights,
        pauses: &mut Pauses,
    ) -> Result<()> {
        let precision = weight.precision;
        match &self.textures[index] {
            // Pieces do not end where rows of texels do.
            Some(texture) => {
                let mut packed = Vec::with_capacity(weight.bytes as usize);
                for piece in weight.pieces(weights)? {
                    packed.extend_from_slice(&stored(&piece, precision));
                    pauses.offer().await;
                }
                texture::write(queue, texture, &packed, precision);
            }
            None => {
                let slot = &self.slots[index];
                let mut offset = slot.offset;
                for piece in weight.pieces(weights)? {
                    let bytes = stored(&piece, precision);
                    queue.write_buffer(&self.shelves[slot.buffer], offset, &bytes);
                    offset += bytes.len() as u64;
                    pauses.offer().await;
                }
            }
        }
        Ok(())
    }

    /// What a shader that reads or writes buffers is given for `operand`.
    pub(super) fn binding(&self, plan: &Plan, operand: Operand) -> Result<wgpu::BindingResource<'_>> {
        match operand {
            Operand::Value(id) => {
                let value = &plan.values[id];
                binding(&self.buffers[value.buffer], 0, value.bytes())
            }
            Operand::Weight(id) => {
                let slot = &self.slots[id];
                binding(&self.shelves[slot.buffer], slot.offset, slot.bytes)
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // A browser would wait for its garbage collector, which knows nothing of the GPU's memory.
        self.buffers.iter().chain(&self.shelves).for_each(wgpu::Buffer::destroy);
        self.textures.iter().flatten().chain(&self.scratch).for_each(wgpu::Texture::destroy);
    }
}

/// Numbers as shaders of that precision read them.
fn stored(values: &[f32], precision: Precision) -> Cow<'_, [u8]> {
    match precision {
        Precision::F32 => Cow::Borrowed(bytemuck::cast_slice(values)),
        Precision::F16 => {
            let halves: Vec<f16> = values.iter().map(|&value| f16::from_f32(value)).collect();
            Cow::Owned(bytemuck::cast_slice(&halves).to_vec())
        }
    }
}

/// Places things of the given sizes on as few shelves of at most `largest` bytes as keep their order.
fn shelve(sizes: impl Iterator<Item = u64>, largest: u64) -> (Vec<Slot>, Vec<u64>) {
    let mut slots = Vec::new();
    let mut shelves: Vec<u64> = Vec::new();
    for bytes in sizes {
        let offset = shelves.last().map(|end| end.next_multiple_of(ALIGNMENT));
        match (offset, shelves.last_mut()) {
            (Some(offset), Some(end)) if offset + bytes <= largest => {
                *end = offset + bytes;
                slots.push(Slot { buffer: shelves.len() - 1, offset, bytes });
            }
            _ => {
                shelves.push(bytes);
                slots.push(Slot { buffer: shelves.len() - 1, offset: 0, bytes });
            }
        }
    }
    (slots, shelves)
}

pub(super) fn binding(buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> Result<wgpu::BindingResource<'_>> {
    let size = std::num::NonZeroU64::new(bytes).ok_or_else(|| error!(Internal, "an empty binding"))?;
    Ok(wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: Some(size) }))
}
