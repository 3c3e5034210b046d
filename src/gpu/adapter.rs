//! Which graphics adapter.

use crate::error::{Result, error};
use serde::Serialize;

/// How to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// A part of the adapter's name or of its backend's, in any case. Without one, the first real GPU
    /// there is, else the first adapter.
    pub name: Option<String>,
}

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdapterInfo {
    /// For instance `llvmpipe (LLVM 15.0.6, 256 bits)`.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `other`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `vulkan`, `metal`, `dx12`, `webgpu` ...
    pub backend: String,
    /// The driver's name and version; empty in browsers.
    pub driver: String,
    /// Whether shaders may use f16.
    pub f16: bool,
}

impl AdapterInfo {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete",
            wgpu::DeviceType::IntegratedGpu => "integrated",
            wgpu::DeviceType::VirtualGpu => "virtual",
            wgpu::DeviceType::Cpu => "cpu",
            wgpu::DeviceType::Other => "other",
        };
        Self {
            f16: adapter.features().contains(wgpu::Features::SHADER_F16),
            kind,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            name: info.name,
        }
    }
}

/// Every adapter that can compute, the most capable kind first.
pub async fn adapters() -> Vec<AdapterInfo> {
    found().await.iter().map(AdapterInfo::of).collect()
}

async fn found() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let mut found = instance.enumerate_adapters(wgpu::Backends::all()).await;
    let compute = wgpu::DownlevelFlags::COMPUTE_SHADERS;
    found.retain(|adapter| adapter.get_downlevel_capabilities().flags.contains(compute));
    let rank = |adapter: &&wgpu::Adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu | wgpu::DeviceType::Other => 2,
        wgpu::DeviceType::Cpu => 3,
    };
    // Of a kind, as the system lists them.
    (0..4).flat_map(|kind| found.iter().filter(move |adapter| rank(adapter) == kind).cloned()).collect()
}

pub(super) async fn choose(choice: &Choice) -> Result<wgpu::Adapter> {
    let mut found = found().await;
    let wanted = choice.name.as_deref().map(str::to_ascii_lowercase);
    let fits = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        let name = format!("{} {}", info.name, info.backend).to_ascii_lowercase();
        wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
    };
    match found.iter().position(fits) {
        Some(index) => Ok(found.swap_remove(index)),
        None if found.is_empty() => {
            Err(error!(NoAdapter, "no graphics adapter was found (Vulkan, Metal or DirectX 12 with its driver)"))
        }
        None => {
            let names: Vec<String> = found.iter().map(|adapter| adapter.get_info().name).collect();
            let wanted = choice.name.as_deref().unwrap_or_default();
            Err(error!(NoAdapter, "no graphics adapter is called {wanted:?}; found {}", names.join(", ")))
        }
    }
}
