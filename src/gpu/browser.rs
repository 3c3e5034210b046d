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
