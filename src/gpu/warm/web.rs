//! `createComputePipelineAsync`, which wgpu does not speak. A browser that is then asked for the same pipeline
//! once more, by wgpu, finds it compiled: modules, layouts and pipelines are shared by what they say.

use crate::error::{Result, error};
use crate::kernels::Precision;
use crate::kernels::bindings::{Binding, bindings};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
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

/// How many pipelines the browser compiles at a time. What has begun cannot be stopped, so that fewer end sooner.
const AT_ONCE: usize = 8;

/// Pipelines that are being compiled, a promise each. Dropping it begins no more of them.
pub(in crate::gpu) struct Warming {
    pipelines: Vec<js_sys::Promise>,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    finished: Cell<usize>,
    stopped: Cell<bool>,
}

/// The compiled pipelines: what nobody holds, a browser may forget.
pub(in crate::gpu) struct Warm {
    _pipelines: Vec<JsValue>,
}

impl Warm {
    /// Wgpu has its own by now.
    pub(in crate::gpu) fn done(self) {}
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.state.stopped.set(true);
    }
}

impl Warming {
    /// Of shaders, `(label, text)` each.
    pub(in crate::gpu) fn begin(device: &wgpu::Device, texts: Vec<(String, String)>) -> Self {
        let state = Rc::new(State::default());
        let mut pipelines: Vec<js_sys::Promise> = Vec::new();
        if let Some(raw) = device.as_webgpu() {
            let raw: &RawDevice = raw.unchecked_ref();
            for (label, text) in texts {
                let before = pipelines.len().checked_sub(AT_ONCE).map(|at| pipelines[at].clone());
                let (raw, state) = (raw.clone(), state.clone());
                pipelines.push(future_to_promise(async move {
                    if let Some(before) = before {
                        let _ = JsFuture::from(before).await;
                    }
                    if state.stopped.get() {
                        return Ok(JsValue::UNDEFINED);
                    }
                    let pipeline = match compile(&raw, &label, &text) {
                        Ok(promise) => JsFuture::from(promise).await,
                        Err(error) => Err(error.into()),
                    };
                    state.finished.set(state.finished.get() + 1);
                    // A refusal is left for wgpu to hear, in whose error scope it gets its name.
                    Ok(pipeline.unwrap_or(JsValue::UNDEFINED))
                }));
            }
        }
        Self { pipelines, state }
    }

    /// How many there are.
    pub(in crate::gpu) fn len(&self) -> usize {
        self.pipelines.len()
    }

    /// How many are compiled, or refused.
    pub(in crate::gpu) fn finished(&self) -> usize {
        self.state.finished.get()
    }

    /// When all are compiled; `tell` is called with their number as it grows, and its error ends the waiting.
    pub(in crate::gpu) async fn ready(self, tell: &mut dyn FnMut(usize) -> Result<()>) -> Result<Warm> {
        let mut compiled = Vec::with_capacity(self.len());
        for pipeline in &self.pipelines {
            // These promises do not reject.
            compiled.extend(JsFuture::from(pipeline.clone()).await);
            tell(self.finished())?;
        }
        Ok(Warm { _pipelines: compiled })
    }
}

fn compile(raw: &RawDevice, label: &str, text: &str) -> Result<js_sys::Promise> {
    let label = JsValue::from_str(label);
    let described = |key: &str, value: &JsValue| {
        let descriptor: JsValue = js_sys::Object::new().into();
        set(&descriptor, "label", &label);
        set(&descriptor, key, value);
        descriptor
    };
    let module = raw.create_shader_module(&described("code", &text.into()));
    let entries: Vec<String> = bindings(text)?.into_iter().enumerate().map(entry).collect();
    let entries = js_sys::JSON::parse(&format!("[{}]", entries.join(",")))
        .map_err(|_| error!(Internal, "a layout is no JSON"))?;
    let group = raw.create_bind_group_layout(&described("entries", &entries));
    let layout = raw.create_pipeline_layout(&described("bindGroupLayouts", &js_sys::Array::of(&[group])));
    let descriptor = described("layout", &layout);
    let stage = described("module", &module);
    set(&stage, "entryPoint", &"main".into());
    set(&descriptor, "compute", &stage);
    Ok(raw.create_compute_pipeline_async(&descriptor))
}

/// As `gpu::layout` has it.
fn entry((binding, kind): (usize, Binding)) -> String {
    let what = match kind {
        Binding::Uniform => r#""buffer":{"type":"uniform"}"#,
        Binding::Read => r#""buffer":{"type":"read-only-storage"}"#,
        Binding::ReadWrite => r#""buffer":{"type":"storage"}"#,
        Binding::Texture => r#""texture":{"sampleType":"unfilterable-float"}"#,
        Binding::Image(Precision::F32) => r#""storageTexture":{"access":"read-only","format":"rgba32float"}"#,
        Binding::Image(Precision::F16) => r#""storageTexture":{"access":"read-only","format":"rgba16float"}"#,
    };
    // 4 is GPUShaderStage.COMPUTE.
    format!(r#"{{"binding":{binding},"visibility":4,{what}}}"#)
}

fn set(object: &JsValue, key: &str, value: &JsValue) {
    // A fresh object takes any property.
    let _ = js_sys::Reflect::set(object, &key.into(), value);
}
