//! A plan on a device: buffers, weights and bind groups, all made once.

mod memory;
mod steps;

use super::Gpu;
use super::pipelines::Pipeline;
use super::readback::Readbacks;
use super::texture::Staged;
use crate::error::{Result, bail};
use crate::kernels::Precision;
use crate::model::Weights;
use crate::plan::Plan;
use crate::platform::Pauses;
use memory::Memory;
use std::sync::{Arc, Mutex};

/// Offsets of bindings within a buffer, on every adapter: the greatest alignment that WebGPU allows
/// them to ask for.
const ALIGNMENT: u64 = 256;

/// Bytes of weights whose second copy, on the way to the device, may still be there when the next ones are written.
const MOST_ON_ITS_WAY: u64 = 8 << 20;

/// Called with the pieces of work that are done, and with their number. Its error ends the work.
pub type Tell<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;

/// A plan whose buffers are allocated and whose weights are on the device. Dropping it gives its memory
/// back at once.
#[derive(Debug)]
pub struct Program {
    pub(super) gpu: Arc<Gpu>,
    pub(super) plan: Plan,
    memory: Memory,
    /// For each phase, for each dispatch.
    pub(super) steps: Vec<Vec<Step>>,
    /// For each phase.
    pub(super) readbacks: Vec<Readbacks>,
    /// Held from a run's first write to its submit: writes go before whatever is submitted next.
    pub(super) turn: Mutex<()>,
    parameters: wgpu::Buffer,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) bindings: wgpu::BindGroup,
    pub(super) workgroups: [u32; 2],
    /// Copied before it.
    pub(super) staged: Vec<Staged>,
}

impl Program {
    /// Allocates, uploads and compiles everything that running `plan` needs.
    ///
    /// # Errors
    /// `AdapterLimit` when the plan does not fit the device's limits or its memory, or is in f16 and its shaders
    /// have none; `Device` when the device fails; `Internal` when a weight was not loaded.
    pub async fn new(gpu: Arc<Gpu>, plan: Plan, weights: &Weights) -> Result<Self> {
        Self::new_telling(gpu, plan, weights, &mut |_, _| Ok(())).await
    }

    /// As [`Self::new`]; `tell` is called with the pieces of work that are done, and with their number. Weights, and
    /// pipelines and bind groups where they are made one by one, are pieces.
    ///
    /// # Errors
    /// Those of [`Self::new`], and those of `tell`, after which nothing more is begun.
    pub async fn new_telling(gpu: Arc<Gpu>, plan: Plan, weights: &Weights, tell: Tell<'_>) -> Result<Self> {
        plan.check(&gpu.limits())?;
        if plan.precision == Precision::F16 && !gpu.info.f16 {
            bail!(AdapterLimit, "the shaders of {:?} have no f16", gpu.info.name);
        }
        gpu.check()?;
        let memory = gpu.guarded(|| Memory::allocate(&gpu, &plan)).await?;
        let dispatches = plan.phases.iter().flat_map(|phase| &phase.dispatches);
        let keys = dispatches.map(|dispatch| &dispatch.launch.key);
        // Compiled while the weights are packed, where that is possible.
        let warming = gpu.pipelines.warm(&gpu.device, keys)?;
        let steps_count: usize = plan.phases.iter().map(|phase| phase.dispatches.len()).sum();
        let total = plan.weights.len() + warming.len() + steps_count;
        let mut pauses = Pauses::begin();
        let written = &mut |weights| tell(weights + warming.finished(), total);
        write(&gpu, &plan, &memory, weights, &mut pauses, written).await?;
        let done = plan.weights.len();
        let warm = warming.ready(&mut |pipelines| tell(done + pipelines, total)).await?;
        let done = total - steps_count;
        let (parameters, readbacks) =
            gpu.guarded(|| Ok((steps::parameters(&gpu, &plan), readbacks(&gpu, &plan)))).await?;
        let made = &mut |steps| tell(done + steps, total);
        let steps = steps::make(&gpu, &plan, &memory, &parameters, &mut pauses, made).await?;
        warm.done();
        let program = Self { plan, memory, steps, readbacks, turn: Mutex::default(), parameters, gpu: gpu.clone() };
        gpu.count_allocated(program.allocated_bytes() as i64);
        Ok(program)
    }

    /// The plan that this runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The device that this runs on.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// Fills every activation buffer with NaN, so that a test sees whatever a kernel fails to write or
    /// reads without cause.
    pub fn poison(&self) {
        for buffer in &self.memory.buffers {
            // NaN in f32, and in f16 twice.
            self.gpu.queue.write_buffer(buffer, 0, &vec![0x7f; buffer.size() as usize]);
        }
    }

    /// Bytes of every buffer and texture made for it: activations, weights, parameters and readbacks.
    pub fn allocated_bytes(&self) -> u64 {
        let readbacks: u64 = self.readbacks.iter().map(Readbacks::allocated_bytes).sum();
        self.memory.allocated_bytes + readbacks + self.parameters.size()
    }

    /// One of the plan's activation buffers.
    pub(super) fn buffer(&self, index: usize) -> &wgpu::Buffer {
        &self.memory.buffers[index]
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.gpu.count_allocated(-(self.allocated_bytes() as i64));
        // For the same reason as [`Memory`].
        self.readbacks.iter().for_each(Readbacks::destroy);
        self.parameters.destroy();
    }
}

/// Packs the weights and writes them to their places; `tell` is called with their number as it grows.
async fn write(
    gpu: &Gpu,
    plan: &Plan,
    memory: &Memory,
    weights: &Weights,
    pauses: &mut Pauses,
    tell: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<()> {
    let mut on_its_way = 0;
    for (index, weight) in plan.weights.iter().enumerate() {
        on_its_way += weight.bytes;
        if on_its_way > MOST_ON_ITS_WAY {
            gpu.flush();
            on_its_way = weight.bytes;
        }
        memory.write(&gpu.queue, index, weight, weights, pauses).await?;
        tell(index + 1)?;
        pauses.offer().await;
    }
    Ok(())
}

fn readbacks(gpu: &Gpu, plan: &Plan) -> Vec<Readbacks> {
    let bytes = plan.phases.iter().map(|phase| phase.readbacks.iter().map(|&id| plan.values[id].bytes()).sum());
    bytes.map(|bytes| Readbacks::new(gpu, bytes)).collect()
}
