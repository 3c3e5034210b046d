//! A mask that was read back, still in the device's mapped memory.

use super::{Gpu, Outlet};
use crate::error::{Result, bail, error};
use crate::kernels::resample_mask::ALPHA_OFFSET;

/// Alpha in bytes, `[height, width]`; 0 is background, 255 is what the picture shows. The next run of its
/// program has to wait until it is dropped.
#[derive(Debug)]
pub struct Alpha {
    /// Filled up to whole words. `None` only while it is dropped.
    pub(super) view: Option<wgpu::BufferView>,
    buffer: wgpu::Buffer,
    pub(super) pixels: usize,
}

impl Alpha {
    /// Maps what the outlet copied, once the device is done.
    pub(super) async fn map(gpu: &Gpu, outlet: &Outlet) -> Result<Self> {
        let buffer = outlet.readback.clone();
        gpu.map_async(&buffer, None).await?;
        let mapped = |from: u64, to: u64| {
            let view = buffer.slice(from..to).get_mapped_range();
            view.map_err(|e| error!(Device, "the mask could not be read").with_source(e))
        };
        let head = mapped(0, ALPHA_OFFSET)?;
        let flaws = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        drop(head);
        let view = mapped(ALPHA_OFFSET, buffer.size())?;
        let [width, height] = outlet.size();
        // From here on dropping it unmaps the buffer.
        let alpha = Self { view: Some(view), buffer, pixels: width * height };
        if flaws > 0 {
            bail!(Device, "the mask holds {flaws} pixels that are no number");
        }
        Ok(alpha)
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.view.as_ref().map_or_else(Vec::new, |view| view[..self.pixels].to_vec())
    }
}

impl Drop for Alpha {
    fn drop(&mut self) {
        self.view = None;
        self.buffer.unmap();
    }
}
