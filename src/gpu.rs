//! The graphics device: the only part of the crate that speaks to wgpu.
//!
//! Futures here are driven by the browser's event loop there and may simply be blocked on natively:
//! every wait polls the device itself.

mod adapter;
mod alpha;
#[cfg(target_arch = "wasm32")]
mod browser;
mod guard;
mod intake;
mod layout;
mod matrices;
mod measure;
mod outlet;
mod pipelines;
mod program;
mod readback;
mod resample;
mod run;
mod texture;
mod timing;
mod tuning;
mod warm;

pub use adapter::{AdapterInfo, Choice, adapters};
pub use alpha::Alpha;
pub use intake::Intake;
pub use outlet::Outlet;
pub use program::{Program, Tell};
pub use run::Made;
pub use timing::DispatchTime;

use crate::error::{Result, error};
use crate::kernels::{Matrices, Tuning};
use crate::plan::Limits;
use pipelines::Pipelines;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// The environment variable that names an adapter where the caller does not.
pub const ADAPTER_VARIABLE: &str = "HEADWATER_ADAPTER";

/// An open device with its queue and the pipelines made so far.
#[derive(Debug)]
pub struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    limits: Limits,
    tuning: Option<Tuning>,
    matrices: Option<Matrices>,
    pipelines: Pipelines,
    lost: Arc<Mutex<Option<String>>>,
    allocated_bytes: AtomicI64,
    half: OnceLock<bool>,
}

impl Gpu {
    /// Opens the adapter of `choice`.
    ///
    /// # Errors
    /// `NoAdapter` when there is none, or none of that name, listing those there are; `Device` when it
    /// refuses to open.
    pub async fn open(choice: &Choice) -> Result<Self> {
        let adapter = adapter::choose(choice).await?;
        let adapter_limits = adapter.limits();
        let features = adapter.features() & (wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16);
        let mut descriptor = wgpu::DeviceDescriptor {
            label: Some("headwater"),
            required_features: features,
            required_limits: adapter_limits.clone(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let matrices = matrices::request(&adapter, &mut descriptor);
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| error!(Device, "the adapter {:?} did not open", adapter.get_info().name).with_source(e))?;
        let lost = Arc::new(Mutex::new(None));
        let slot = lost.clone();
        device.set_device_lost_callback(move |reason, message| {
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(format!("{reason:?}: {message}"));
            }
        });
        // Errors outside a scope are recorded instead of ending the process.
        let slot = lost.clone();
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            if let Ok(mut slot) = slot.lock() {
                slot.get_or_insert(e.to_string());
            }
        }));
        let limits = Limits {
            storage_binding_bytes: adapter_limits.max_storage_buffer_binding_size,
            buffer_bytes: adapter_limits.max_buffer_size,
            storage_buffers: adapter_limits.max_storage_buffers_per_shader_stage,
        };
        let info = AdapterInfo::of(&adapter);
        let (pipelines, allocated_bytes) = (Pipelines::default(), AtomicI64::new(0));
        Ok(Self {
            device,
            queue,
            info,
            limits,
            tuning: None,
            matrices,
            pipelines,
            lost,
            allocated_bytes,
            half: OnceLock::new(),
        })
    }

    /// Why the device is gone or no longer to be trusted; `None` while it is well.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().map_or_else(|_| Some("a callback panicked".to_owned()), |lost| lost.clone())
    }

    /// Ends the device; whatever still uses it fails with `Device`.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Bytes of all buffers and textures that live on it, as this crate asked for them.
    pub fn allocated_bytes(&self) -> u64 {
        self.allocated_bytes.load(Ordering::Relaxed).max(0) as u64
    }

    /// What the driver's allocator holds for buffers and textures by its own count, those of uploads on their way
    /// included; `None` where there is no such count, as in browsers.
    pub fn allocator_bytes(&self) -> Option<u64> {
        self.device.generate_allocator_report().map(|report| report.total_allocated_bytes)
    }

    fn count_allocated(&self, bytes: i64) {
        self.allocated_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What the adapter says of itself.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// The longest side of a picture that the device takes, in pixels.
    pub fn max_picture_side(&self) -> usize {
        self.device.limits().max_texture_dimension_2d as usize
    }

    /// The limits that plans have to respect.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether f16 was found to be right on it, once a session has tried.
    pub(crate) fn half(&self) -> &OnceLock<bool> {
        &self.half
    }

    /// # Errors
    /// `Device` when the device was lost or an earlier call failed.
    fn check(&self) -> Result<()> {
        match self.lost() {
            None => Ok(()),
            Some(reason) => Err(error!(Device, "the graphics device failed: {reason}")),
        }
    }
}
