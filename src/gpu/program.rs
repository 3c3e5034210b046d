//! A plan on a device: buffers, weights and bind groups, all made once.

use super::Gpu;
use super::texture::{self, Staged};
use crate::error::{Error, Result, bail, error};
use crate::model::Weights;
use crate::plan::{Operand, Plan};
use std::sync::Arc;

/// Offsets of bindings within a buffer, on every adapter: the greatest alignment that WebGPU allows
/// them to ask for.
const ALIGNMENT: u64 = 256;

/// A plan whose buffers are allocated and whose weights are on the device.
#[derive(Debug)]
pub struct Program {
    pub(super) gpu: Arc<Gpu>,
    pub(super) plan: Plan,
    /// One for each of the plan's.
    pub(super) buffers: Vec<wgpu::Buffer>,
    /// For each phase, for each dispatch.
    pub(super) steps: Vec<Vec<Step>>,
    /// For each phase, what the host maps; `None` where it reads nothing.
    pub(super) readbacks: Vec<Option<wgpu::Buffer>>,
    allocated_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) pipeline: Arc<wgpu::ComputePipeline>,
    pub(super) bindings: wgpu::BindGroup,
    pub(super) workgroups: [u32; 2],
    /// Copied before it.
    pub(super) staged: Vec<Staged>,
}

/// A place in a buffer.
struct Slot {
    buffer: usize,
    offset: u64,
    bytes: u64,
}

impl Program {
    /// Allocates, uploads and compiles everything that running `plan` needs.
    ///
    /// # Errors
    /// `AdapterLimit` when the plan does not fit the device's limits or its memory; `Device` when the
    /// device fails; `Internal` when a weight was not loaded.
    pub async fn new(gpu: Arc<Gpu>, plan: Plan, weights: &Weights) -> Result<Self> {
        plan.check(&gpu.limits())?;
        gpu.check()?;
        let memory = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let program = Self::build(gpu.clone(), plan, weights);
        let validation = validation.pop().await;
        let memory = memory.pop().await;
        if let Some(e) = memory {
            return Err(error!(AdapterLimit, "the adapter has no memory for this plan").with_source(e));
        }
        if let Some(e) = validation {
            return Err(error!(Internal, "the device refused a plan").with_source(e));
        }
        program
    }

    fn build(gpu: Arc<Gpu>, plan: Plan, weights: &Weights) -> Result<Self> {
        let device = &gpu.device;
        let mut allocated_bytes = 0;
        let mut allocate = |label: &str, size: u64, usage: wgpu::BufferUsages| {
            allocated_bytes += size;
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
        };
        let storage = wgpu::BufferUsages::STORAGE;
        let (read, write) = (wgpu::BufferUsages::COPY_SRC, wgpu::BufferUsages::COPY_DST);
        let buffers: Vec<wgpu::Buffer> =
            plan.buffers.iter().map(|&bytes| allocate("activations", bytes, storage | read | write)).collect();

        // Weights share few large buffers, since hundreds of small ones cost the driver more than they hold.
        let largest = gpu.limits.storage_binding_bytes.min(gpu.limits.buffer_bytes);
        // Those that are read as textures have no place there.
        let dispatches = || plan.phases.iter().flat_map(|phase| &phase.dispatches);
        let mut textures: Vec<Option<wgpu::Texture>> = vec![None; plan.weights.len()];
        let mut scratch_bytes = Vec::new();
        let mut texture_bytes = 0;
        for dispatch in dispatches() {
            for (at, operand) in dispatch.texture_reads() {
                match operand {
                    Operand::Weight(id) if textures[id].is_none() => {
                        let (made, bytes) = texture::create(device, "weights", plan.weights[id].bytes);
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
        // One for each place among a dispatch's reads: a dispatch is done with them before the next copy.
        let mut scratch = Vec::with_capacity(scratch_bytes.len());
        for bytes in scratch_bytes {
            let (made, bytes) = texture::create(device, "activations", bytes);
            texture_bytes += bytes;
            scratch.push(made);
        }
        let shelved = plan.weights.iter().zip(&textures);
        let (slots, sizes) =
            shelve(shelved.map(|(weight, texture)| if texture.is_some() { 0 } else { weight.bytes }), largest);
        let shelves: Vec<wgpu::Buffer> =
            sizes.iter().map(|&bytes| allocate("weights", bytes, storage | write)).collect();
        for ((weight, slot), texture) in plan.weights.iter().zip(&slots).zip(&textures) {
            let packed = weight.pack(weights)?;
            match texture {
                Some(texture) => texture::write(&gpu.queue, texture, &packed),
                None => {
                    let bytes = bytemuck::cast_slice(&packed);
                    gpu.queue.write_buffer(&shelves[slot.buffer], slot.offset, bytes);
                }
            }
        }

        let uniforms: Vec<u8> = dispatches().flat_map(|dispatch| aligned(&dispatch.launch.params)).collect();
        let parameters = allocate("parameters", uniforms.len() as u64, wgpu::BufferUsages::UNIFORM | write);
        gpu.queue.write_buffer(&parameters, 0, &uniforms);

        let mut offset = 0;
        let mut steps = Vec::with_capacity(plan.phases.len());
        for phase in &plan.phases {
            let mut phase_steps = Vec::with_capacity(phase.dispatches.len());
            for dispatch in &phase.dispatches {
                let pipeline = gpu.pipelines.get(device, &dispatch.launch.key)?;
                let params = dispatch.launch.params.len() as u64;
                let mut resources = vec![binding(&parameters, offset, params)?];
                offset += params.next_multiple_of(ALIGNMENT);
                let mut staged = Vec::new();
                let mut views = Vec::new();
                for (at, operand) in dispatch.texture_reads() {
                    let texture = match operand {
                        Operand::Weight(id) => textures[id].as_ref(),
                        Operand::Value(id) => {
                            let (buffer, bytes) = (plan.values[id].buffer, plan.values[id].bytes());
                            staged.push(Staged { buffer, bytes, texture: scratch[at].clone() });
                            Some(&scratch[at])
                        }
                    };
                    let texture = texture.ok_or_else(|| error!(Internal, "a weight without its texture"))?;
                    views.push((at, texture.create_view(&Default::default())));
                }
                let output = Operand::Value(dispatch.output);
                for (at, operand) in dispatch.reads.iter().chain([&output]).enumerate() {
                    if let Some((_, view)) = views.iter().find(|(place, _)| *place == at) {
                        resources.push(wgpu::BindingResource::TextureView(view));
                        continue;
                    }
                    resources.push(match *operand {
                        Operand::Value(id) => {
                            let value = &plan.values[id];
                            binding(&buffers[value.buffer], 0, value.bytes())?
                        }
                        Operand::Weight(id) => {
                            let slot = &slots[id];
                            binding(&shelves[slot.buffer], slot.offset, slot.bytes)?
                        }
                    });
                }
                let entries: Vec<wgpu::BindGroupEntry<'_>> = resources
                    .into_iter()
                    .zip(0..)
                    .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
                    .collect();
                let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some(&dispatch.node),
                    layout: &pipeline.get_bind_group_layout(0),
                    entries: &entries,
                });
                phase_steps.push(Step { pipeline, bindings, workgroups: dispatch.launch.workgroups, staged });
            }
            steps.push(phase_steps);
        }
        let readbacks = plan
            .phases
            .iter()
            .map(|phase| {
                let bytes: u64 = phase.readbacks.iter().map(|&id| plan.values[id].bytes()).sum();
                (bytes > 0).then(|| allocate("readback", bytes, wgpu::BufferUsages::MAP_READ | write))
            })
            .collect();
        Ok(Self { buffers, steps, readbacks, allocated_bytes: allocated_bytes + texture_bytes, plan, gpu: gpu.clone() })
    }

    /// The plan that this runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Fills every activation buffer with NaN, so that a test sees whatever a kernel fails to write or
    /// reads without cause.
    pub fn poison(&self) {
        for buffer in &self.buffers {
            let nans = vec![f32::NAN; (buffer.size() / 4) as usize];
            self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&nans));
        }
    }

    /// Bytes of every buffer and texture made for it: activations, weights, parameters and readbacks.
    pub fn allocated_bytes(&self) -> u64 {
        self.allocated_bytes
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

fn aligned(params: &[u8]) -> Vec<u8> {
    let mut bytes = params.to_vec();
    bytes.resize(params.len().next_multiple_of(ALIGNMENT as usize), 0);
    bytes
}

fn binding(buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> Result<wgpu::BindingResource<'_>> {
    let size = std::num::NonZeroU64::new(bytes);
    if size.is_none() {
        bail!(Internal, "an empty binding");
    }
    Ok::<_, Error>(wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size }))
}
