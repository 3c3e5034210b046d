//! Pipelines by key, each made once a device.

use crate::error::{Result, error};
use crate::kernels::{Key, source};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The pipelines of one device.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    made: Mutex<HashMap<Key, Arc<wgpu::ComputePipeline>>>,
}

impl Pipelines {
    /// The pipeline of `key`. Validation errors surface in the caller's error scope.
    pub(super) fn get(&self, device: &wgpu::Device, key: &Key) -> Result<Arc<wgpu::ComputePipeline>> {
        let mut made = self.made.lock().map_err(|_| error!(Internal, "a pipeline's making panicked"))?;
        if let Some(pipeline) = made.get(key) {
            return Ok(pipeline.clone());
        }
        let label = key.to_string();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(&label),
            source: wgpu::ShaderSource::Wgsl(source::wgsl(key)?.into()),
        });
        let pipeline = Arc::new(device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&label),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            // Kernels write every word of workgroup memory before they read it.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        }));
        made.insert(key.clone(), pipeline.clone());
        Ok(pipeline)
    }
}
