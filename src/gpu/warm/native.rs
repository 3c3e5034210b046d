//! Nothing to do ahead.

use crate::error::Result;

/// Nothing under way.
pub(in crate::gpu) struct Warming;

/// Nothing to keep.
pub(in crate::gpu) struct Warm;

impl Warm {
    pub(in crate::gpu) fn done(self) {}
}

impl Warming {
    pub(in crate::gpu) fn begin(_: &wgpu::Device, _: Vec<(String, String)>) -> Self {
        Self
    }

    pub(in crate::gpu) fn len(&self) -> usize {
        0
    }

    pub(in crate::gpu) fn finished(&self) -> usize {
        0
    }

    pub(in crate::gpu) async fn ready(self, _: &mut dyn FnMut(usize) -> Result<()>) -> Result<Warm> {
        Ok(Warm)
    }
}
