//! A plan's dispatches with their pipelines and bind groups.

use super::super::Gpu;
use super::super::texture::Staged;
use super::memory::{Memory, binding};
use super::{ALIGNMENT, Step};
use crate::error::{Result, error};
use crate::plan::{Dispatch, Operand, Plan};
use crate::platform::Pauses;

/// A buffer with the uniforms of all dispatches.
pub(super) fn parameters(gpu: &Gpu, plan: &Plan) -> wgpu::Buffer {
    let dispatches = plan.phases.iter().flat_map(|phase| &phase.dispatches);
    let uniforms: Vec<u8> = dispatches.flat_map(|dispatch| aligned(&dispatch.launch.params)).collect();
    let parameters = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        // A phase may have nothing to dispatch, a buffer may not be empty.
        size: (uniforms.len() as u64).max(ALIGNMENT),
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&parameters, 0, &uniforms);
    parameters
}

/// The steps of each phase; `tell` is called with their number as it grows.
pub(super) async fn make(
    gpu: &Gpu,
    plan: &Plan,
    memory: &Memory,
    parameters: &wgpu::Buffer,
    pauses: &mut Pauses,
    tell: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<Vec<Step>>> {
    let phases = plan.phases.iter().enumerate();
    let mut left =
        phases.flat_map(|(at, phase)| phase.dispatches.iter().map(move |dispatch| (at, dispatch))).peekable();
    let mut steps: Vec<Vec<Step>> = plan.phases.iter().map(|_| Vec::new()).collect();
    let (mut offset, mut made) = (0, 0);
    // A slice at a time: nothing else of the device's may run inside a guard.
    while left.peek().is_some() {
        gpu.guarded(|| {
            for (phase, dispatch) in left.by_ref() {
                let bytes = dispatch.launch.params.len() as u64;
                steps[phase].push(step(gpu, plan, memory, dispatch, binding(parameters, offset, bytes)?)?);
                offset += bytes.next_multiple_of(ALIGNMENT);
                made += 1;
                if pauses.due() {
                    break;
                }
            }
            Ok(())
        })
        .await?;
        tell(made)?;
        pauses.offer().await;
    }
    Ok(steps)
}

fn step(
    gpu: &Gpu,
    plan: &Plan,
    memory: &Memory,
    dispatch: &Dispatch,
    params: wgpu::BindingResource<'_>,
) -> Result<Step> {
    let pipeline = gpu.pipelines.get(&gpu.device, &dispatch.launch.key)?;
    let mut staged = Vec::new();
    let mut views = Vec::new();
    for (at, operand) in dispatch.texture_reads() {
        let texture = match operand {
            Operand::Weight(id) => memory.textures[id].as_ref(),
            Operand::Value(id) => {
                let (buffer, bytes) = (plan.values[id].buffer, plan.values[id].bytes());
                staged.push(Staged { buffer, bytes, texture: memory.scratch[at].clone() });
                Some(&memory.scratch[at])
            }
        };
        let texture = texture.ok_or_else(|| error!(Internal, "a weight without its texture"))?;
        views.push((at, texture.create_view(&Default::default())));
    }
    let output = Operand::Value(dispatch.output);
    let mut resources = vec![params];
    for (at, operand) in dispatch.reads.iter().chain([&output]).enumerate() {
        resources.push(match views.iter().find(|(place, _)| *place == at) {
            Some((_, view)) => wgpu::BindingResource::TextureView(view),
            None => memory.binding(plan, *operand)?,
        });
    }
    let bindings = gpu.bind(&dispatch.node, &pipeline, resources);
    Ok(Step { pipeline, bindings, workgroups: dispatch.launch.workgroups, staged })
}

fn aligned(params: &[u8]) -> Vec<u8> {
    let mut bytes = params.to_vec();
    bytes.resize(params.len().next_multiple_of(ALIGNMENT as usize), 0);
    bytes
}
