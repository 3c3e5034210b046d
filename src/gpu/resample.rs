//! What resizing pictures and masks on the device has in common: filters as buffers, passes over pixels.

use super::Gpu;
use super::pipelines::Pipeline;
use crate::error::Result;
use crate::image::resample::{Filter, Sample};
use crate::kernels::Launch;
use bytemuck::Pod;
use std::sync::Arc;

/// A filter along one axis, on the device.
pub(super) struct DeviceFilter {
    /// `[to]` first input and how many.
    pub(super) spans: wgpu::Buffer,
    /// `[to, stride]`
    pub(super) weights: wgpu::Buffer,
    pub(super) stride: u32,
}

/// One dispatch.
#[derive(Debug)]
pub(super) struct Pass {
    pipeline: Arc<Pipeline>,
    bindings: wgpu::BindGroup,
    workgroups: [u32; 2],
}

impl Pass {
    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.bindings, &[]);
        pass.dispatch_workgroups(self.workgroups[0], self.workgroups[1], 1);
    }
}

/// Makes buffers and passes, and keeps the buffers to be given back together.
pub(super) struct Workshop<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) buffers: Vec<wgpu::Buffer>,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(gpu: &'a Gpu) -> Self {
        Self { gpu, buffers: Vec::new() }
    }

    pub(super) fn buffer(&mut self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        let buffer = self.gpu.device.create_buffer(&descriptor);
        self.buffers.push(buffer.clone());
        buffer
    }

    pub(super) fn table(&mut self, label: &str, values: &[impl Pod]) -> wgpu::Buffer {
        let bytes = bytemuck::cast_slice(values);
        let buffer = self.buffer(label, bytes.len() as u64, wgpu::BufferUsages::STORAGE);
        self.gpu.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    pub(super) fn filter<S: Sample<Sum: Pod>>(&mut self, from: usize, to: usize) -> DeviceFilter {
        let filter = Filter::<S>::new(from, to);
        let spans: Vec<[u32; 2]> =
            filter.starts.iter().zip(&filter.counts).map(|(&start, &count)| [start as u32, count as u32]).collect();
        let spans = self.table("spans", &spans);
        let weights = self.table("weights", &filter.weights);
        DeviceFilter { spans, weights, stride: filter.stride as u32 }
    }

    /// `bindings` follow the uniform, in the order of the shader.
    pub(super) fn pass(&mut self, launch: &Launch, bindings: Vec<wgpu::BindingResource<'_>>) -> Result<Pass> {
        let params = self.buffer("parameters", launch.params.len() as u64, wgpu::BufferUsages::UNIFORM);
        self.gpu.queue.write_buffer(&params, 0, &launch.params);
        let pipeline = self.gpu.pipelines.get(&self.gpu.device, &launch.key)?;
        let mut resources = vec![params.as_entire_binding()];
        resources.extend(bindings);
        let bindings = self.gpu.bind(launch.key.shader, &pipeline, resources);
        Ok(Pass { pipeline, bindings, workgroups: launch.workgroups })
    }
}

/// What was made for one size of picture or mask; gives its memory back when it goes.
#[derive(Debug)]
pub(super) struct Holdings {
    gpu: Arc<Gpu>,
    buffers: Vec<wgpu::Buffer>,
    texture: Option<wgpu::Texture>,
}

impl Holdings {
    pub(super) fn new(gpu: Arc<Gpu>, buffers: Vec<wgpu::Buffer>, texture: Option<wgpu::Texture>) -> Self {
        let holdings = Self { gpu, buffers, texture };
        holdings.gpu.count_allocated(holdings.bytes() as i64);
        holdings
    }

    pub(super) fn bytes(&self) -> u64 {
        let texture = self.texture.as_ref().map_or(0, |made| 4 * u64::from(made.width()) * u64::from(made.height()));
        self.buffers.iter().map(wgpu::Buffer::size).sum::<u64>() + texture
    }
}

impl Drop for Holdings {
    fn drop(&mut self) {
        self.gpu.count_allocated(-(self.bytes() as i64));
        self.buffers.iter().for_each(wgpu::Buffer::destroy);
        self.texture.iter().for_each(wgpu::Texture::destroy);
    }
}
