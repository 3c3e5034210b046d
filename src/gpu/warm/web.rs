//! `createComputePipelineAsync`, which wgpu does not speak. A browser that is then asked for the same pipeline
//! once more, by wgpu, finds it compiled: modules, layouts and pipelines are shared by what they say.

use crate::error::{Result, error};
use crate::kernels::Precision;
use crate::kernels::bindings::{Binding, bindings};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    type RawDevice;

    #[wasm_bindgen(method, js_name = createShaderModule)]
    fn create_shader_module(this: &RawDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createBindGroupLayout)]
    fn create_bind_group_layout(this: &RawDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createPipelineLayout)]
    fn create_pipeline_layout(this: &RawDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createComputePipelineAsync)]
    fn create_compute_pipeline_async(this: &RawDevice, descriptor: &JsValue) -> js_sys::Promise;
}

/// Pipelines that are being compiled.
pub(in crate::gpu) struct Warming {
    pipelines: js_sys::Promise,
}

/// The compiled pipelines: what nobody holds, a browser may forget.
pub(in crate::gpu) struct Warm {
    _pipelines: JsValue,
}

impl Warm {
    /// Wgpu has its own by now.
    pub(in crate::gpu) fn done(self) {}
}

impl Warming {
    /// Of shaders, `(label, text)` each.
    pub(in crate::gpu) fn begin(device: &wgpu::Device, texts: &[(String, String)]) -> Result<Self> {
        let promises = js_sys::Array::new();
        if let Some(raw) = device.as_webgpu() {
            for (label, text) in texts {
                promises.push(compile(raw.unchecked_ref(), label, text)?.as_ref());
            }
        }
        Ok(Self { pipelines: js_sys::Promise::all_settled(&promises) })
    }

    /// When all are compiled. A refusal is left for wgpu to hear, in whose error scope it gets its name.
    pub(in crate::gpu) async fn ready(self) -> Result<Warm> {
        let all = JsFuture::from(self.pipelines).await;
        Ok(Warm { _pipelines: all.map_err(|_| error!(Device, "the device went away while it compiled"))? })
    }
}

fn compile(raw: &RawDevice, label: &str, text: &str) -> Result<js_sys::Promise> {
    let module = raw.create_shader_module(&object(&json!({ "label": label, "code": text }))?);
    let entries: Vec<Value> = bindings(text)?.into_iter().enumerate().map(entry).collect();
    let group = raw.create_bind_group_layout(&object(&json!({ "label": label, "entries": entries }))?);
    let layout = object(&json!({ "label": label }))?;
    set(&layout, "bindGroupLayouts", &js_sys::Array::of(&[group]));
    let stage = object(&json!({ "entryPoint": "main" }))?;
    set(&stage, "module", &module);
    let descriptor = object(&json!({ "label": label }))?;
    set(&descriptor, "layout", &raw.create_pipeline_layout(&layout));
    set(&descriptor, "compute", &stage);
    Ok(raw.create_compute_pipeline_async(&descriptor))
}

/// As `gpu::layout` has it.
fn entry((binding, kind): (usize, Binding)) -> Value {
    let (key, what) = match kind {
        Binding::Uniform => ("buffer", json!({ "type": "uniform" })),
        Binding::Read => ("buffer", json!({ "type": "read-only-storage" })),
        Binding::ReadWrite => ("buffer", json!({ "type": "storage" })),
        Binding::Texture => ("texture", json!({ "sampleType": "unfilterable-float" })),
        Binding::Image(precision) => {
            let format = match precision {
                Precision::F32 => "rgba32float",
                Precision::F16 => "rgba16float",
            };
            ("storageTexture", json!({ "access": "read-only", "format": format }))
        }
    };
    // 4 is GPUShaderStage.COMPUTE.
    json!({ "binding": binding, "visibility": 4, key: what })
}

fn object(value: &Value) -> Result<JsValue> {
    js_sys::JSON::parse(&value.to_string()).map_err(|_| error!(Internal, "a descriptor is no JSON"))
}

fn set(object: &JsValue, key: &str, value: &JsValue) {
    // A fresh object takes any property.
    let _ = js_sys::Reflect::set(object, &key.into(), value);
}
