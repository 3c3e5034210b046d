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
    pub(in crate::gpu) fn begin(_: &wgpu::Device, _: &[(String, String)]) -> Result<Self> {
        Ok(Self)
    }

    pub(in crate::gpu) async fn ready(self) -> Result<Warm> {
        Ok(Warm)
    }
}
