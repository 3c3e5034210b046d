//! The device, shared by a page's sessions.

use super::host::to_js;
use crate::gpu::{Choice, Gpu};
use serde::Serialize;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// An open GPU device.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Device {
    pub(super) gpu: Arc<Gpu>,
}

/// What a device can do.
#[derive(Serialize)]
struct Measured {
    f32_gflops: f64,
}

#[wasm_bindgen]
impl Device {
    /// Opens the browser's preferred adapter. Throws `no-adapter` where there is none, `device` where it
    /// does not open.
    pub async fn open() -> Result<Device, JsValue> {
        let mut gpu = Gpu::open(&Choice::default()).await?;
        gpu.name_after_browser();
        Ok(Self { gpu: Arc::new(gpu) })
    }

    /// `{ name, type, backend, driver, f16 }`
    pub fn info(&self) -> Result<JsValue, JsValue> {
        Ok(to_js(self.gpu.info())?)
    }

    /// The longest side, in pixels, of a picture that it takes.
    pub fn max_picture_side(&self) -> u32 {
        self.gpu.max_picture_side() as u32
    }

    /// `{ f32_gflops }`: its rate of multiply-adds, two operations each, in 10^9 a second.
    pub async fn measure(&self) -> Result<JsValue, JsValue> {
        let gpu = self.gpu.clone();
        let f32_gflops = gpu.measure().await?;
        Ok(to_js(&Measured { f32_gflops })?)
    }

    /// Why it is gone, once it is.
    pub fn lost(&self) -> Option<String> {
        self.gpu.lost()
    }

    /// Bytes of all buffers and textures that live on it.
    pub fn allocated_bytes(&self) -> f64 {
        self.gpu.allocated_bytes() as f64
    }

    /// Ends it; sessions on it then fail with `device`.
    pub fn destroy(&self) {
        self.gpu.destroy();
    }
}
