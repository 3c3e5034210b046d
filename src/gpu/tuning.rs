//! What suits this device, as far as its kind tells.

use super::Gpu;
use crate::graph::fuse::MAX_PARTS;
use crate::kernels::{Loads, TEXTURE_ROWS, Tuning};

impl Gpu {
    /// What [`crate::plan::lower`] has to know of the device: what a trial has found, or what its kind is known
    /// for.
    pub fn tuning(&self) -> Tuning {
        Tuning { matrices: self.matrices, ..self.tuning.unwrap_or_else(|| self.known_tuning()) }
    }

    /// Takes a tuning, from a trial for instance, in place of the known one.
    pub fn tune(&mut self, tuning: Tuning) {
        self.tuning = Some(tuning);
    }

    /// What is known of devices of this kind.
    pub fn known_tuning(&self) -> Tuning {
        match self.info.kind {
            // A program loads and stores slowly and multiplies slowly: llvmpipe multiplies five times as fast as
            // SwiftShader, and moves numbers no faster. Strips of a few megabytes stay in its caches.
            "cpu" => Tuning {
                loads: self.loads(),
                product_rows: 16,
                transform_macs: if self.info.name.contains("llvmpipe") { 30 } else { 9 },
                strip_bytes: 3 << 20,
                ..Tuning::default()
            },
            _ => Tuning::default(),
        }
    }

    /// How its driver best reads what heavy kernels read.
    fn loads(&self) -> Loads {
        let limits = self.device.limits();
        let textures = limits.max_texture_dimension_2d as usize >= TEXTURE_ROWS;
        // A convolution reads up to its parts and its weights at once.
        let images = limits.max_storage_textures_per_shader_stage as usize > MAX_PARTS;
        match self.info.kind {
            "cpu" if textures && images && self.info.name.contains("llvmpipe") => Loads::Images,
            // In a browser SwiftShader reads buffers faster: IS-Net's U3 head takes 2.0 s there and not 3.6.
            "cpu" if textures && self.info.backend != "webgpu" => Loads::Textures,
            _ => Loads::Buffers,
        }
    }
}
