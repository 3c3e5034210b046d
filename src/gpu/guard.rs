//! What a device says of the things that it was asked to make.

use super::Gpu;
use super::pipelines::Pipeline;
use crate::error::{Result, error};

impl Gpu {
    /// Runs `build`, in which things are made on the device, and turns the device's complaints into errors.
    /// Nothing else runs in between: error scopes belong to the device, and sessions share it.
    ///
    /// # Errors
    /// `AdapterLimit` when there is no memory; `Internal` when the device refuses what is asked of it; those of
    /// `build`.
    pub(super) async fn guarded<T>(&self, build: impl FnOnce() -> Result<T>) -> Result<T> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let built = build();
        let validation = validation.pop();
        let memory = memory.pop();
        if let Some(e) = memory.await {
            return Err(error!(AdapterLimit, "the adapter has no memory for this").with_source(e));
        }
        if let Some(e) = validation.await {
            // A lost device refuses everything, and that is no fault of what it was asked.
            self.check()?;
            return Err(error!(Internal, "the device refused a plan").with_source(e));
        }
        built
    }

    /// Binds `resources` in the order of a shader's bindings.
    pub(super) fn bind(
        &self,
        label: &str,
        pipeline: &Pipeline,
        resources: Vec<wgpu::BindingResource<'_>>,
    ) -> wgpu::BindGroup {
        let entries: Vec<wgpu::BindGroupEntry<'_>> = resources
            .into_iter()
            .zip(0..)
            .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(label),
            layout: &pipeline.layout,
            entries: &entries,
        })
    }
}
