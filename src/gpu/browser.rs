//! What only a browser has: images that its GPU takes as they are, mapped memory that its scripts read.

use super::{Alpha, Gpu, Intake};

impl Intake {
    /// Copies the picture from a browser's image of this size, red, green and blue in sRGB, not multiplied
    /// by alpha.
    pub(crate) fn copy(&self, gpu: &Gpu, source: wgpu::ExternalImageSource) {
        let source = wgpu::CopyExternalImageSourceInfo { source, origin: wgpu::Origin2d::ZERO, flip_y: false };
        let dest = self.texture.as_image_copy().to_tagged(wgpu::PredefinedColorSpace::Srgb, false);
        gpu.queue.copy_external_image_to_texture(&source, dest, self.texture.size());
    }
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
        let of = |object: &wasm_bindgen::JsValue, key: &str| js_sys::Reflect::get(object, &key.into()).ok();
        let Some(info) = of(device.as_ref(), "adapterInfo") else { return };
        let words = ["vendor", "architecture", "device"].map(|key| of(&info, key).and_then(|word| word.as_string()));
        let words: Vec<String> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        self.info.name = if words.is_empty() { "unnamed".to_owned() } else { words.join(" ") };
    }
}
