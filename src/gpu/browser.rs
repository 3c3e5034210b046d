//! What only a browser has: images that its GPU takes as they are, mapped memory that its scripts read.

use super::{Alpha, Gpu, Intake};
use crate::error::{Result, bail, error};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type RawQueue;

    #[wasm_bindgen(method, catch, js_name = copyExternalImageToTexture)]
    fn copy_external_image_to_texture(
        this: &RawQueue,
        source: &JsValue,
        destination: &JsValue,
        size: &JsValue,
    ) -> std::result::Result<(), JsValue>;
}

impl Intake {
    /// Copies the picture from a browser's image of this size, red, green and blue in sRGB, not multiplied
    /// by alpha. Not by wgpu, which panics where the browser refuses an image.
    ///
    /// # Errors
    /// `BadImage` when the browser does not take it, in its words.
    pub(crate) fn copy(&self, gpu: &Gpu, image: &JsValue) -> Result<()> {
        let (Some(queue), Some(texture)) = (gpu.queue.as_webgpu(), self.texture.as_webgpu()) else {
            bail!(Internal, "a queue or a texture that is not the browser's");
        };
        let queue: &RawQueue = queue.unchecked_ref();
        let [width, height] = self.size().map(|side| JsValue::from(side as u32));
        let size = js_sys::Array::of(&[width, height]);
        let refused = queue.copy_external_image_to_texture(
            &object("source", image),
            &object("texture", texture.as_ref()),
            size.as_ref(),
        );
        refused.map_err(|thrown| {
            let why = js_sys::Reflect::get(&thrown, &"message".into()).ok().and_then(|message| message.as_string());
            error!(BadImage, "the browser's GPU does not take this image: {}", why.unwrap_or_default())
        })
    }
}

fn object(key: &str, value: &JsValue) -> JsValue {
    let object = js_sys::Object::new();
    // A fresh object takes any property.
    let _ = js_sys::Reflect::set(&object, &key.into(), value);
    object.into()
}

impl Alpha {
    /// A copy that belongs to the script, made without the way over Wasm's memory.
    pub(crate) fn to_js(&self) -> js_sys::Uint8Array {
        let view = self.view.as_ref();
        view.map_or_else(js_sys::Uint8Array::default, |view| view.as_uint8array().slice(0, self.pixels as u32))
    }
}

impl Gpu {
    /// Calls the adapter what the browser says of it, since browsers leave the description empty.
    pub(crate) fn name_after_browser(&mut self) {
        if !self.info.name.is_empty() {
            return;
        }
        let Some(device) = self.device.as_webgpu() else { return };
        let of = |object: &JsValue, key: &str| js_sys::Reflect::get(object, &key.into()).ok();
        let Some(info) = of(device.as_ref(), "adapterInfo") else { return };
        let words = ["vendor", "architecture", "device"].map(|key| of(&info, key).and_then(|word| word.as_string()));
        let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        self.info.name = if words.is_empty() { "unnamed".to_owned() } else { words.join(" ") };
    }
}
