//! Pipelines by key, each made once a device.

use super::layout::layout;
use super::warm::Warming;
use crate::error::{Result, error};
use crate::kernels::bindings::bindings;
use crate::kernels::{Key, source};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The pipelines of one device.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
}

/// A pipeline and what it wants bound.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Pipelines {
    /// Lets the driver begin to compile those of `keys` that are not there, side by side where it can. What
    /// it gives has to be kept until [`Self::get`] has asked for each of them.
    pub(super) fn warm<'a>(&self, device: &wgpu::Device, keys: impl Iterator<Item = &'a Key>) -> Result<Warming> {
        let mut texts: Vec<(String, String)> = Vec::new();
        for key in keys {
            let label = key.to_string();
            let known = self.made.lock().is_ok_and(|made| made.contains_key(key));
            if !known && texts.iter().all(|(other, _)| *other != label) {
                texts.push((label, source::wgsl(key)?));
            }
        }
        Ok(Warming::begin(device, texts))
    }

    /// The pipeline of `key`. Validation errors surface in the caller's error scope.
    pub(super) fn get(&self, device: &wgpu::Device, key: &Key) -> Result<Arc<Pipeline>> {
        let mut made = self.made.lock().map_err(|_| error!(Internal, "a pipeline's making panicked"))?;
        if let Some(pipeline) = made.get(key) {
            return Ok(pipeline.clone());
        }
        let label = key.to_string();
        let text = source::wgsl(key)?;
        let layout = layout(device, &label, &bindings(&text)?);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(&label),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&label),
            layout: Some(&device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(&label),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            })),
            module: &module,
            entry_point: Some("main"),
            // Kernels write every word of workgroup memory before they read it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        let pipeline = Arc::new(Pipeline { pipeline, layout });
        made.insert(key.clone(), pipeline.clone());
        Ok(pipeline)
    }
}
