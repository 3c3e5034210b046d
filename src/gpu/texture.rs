//! Textures that stand in for buffers, where the driver reads them faster ([`crate::kernels::Loads`]).

use super::Program;
use crate::kernels::{Precision, TEXTURE_COLUMNS};

/// Bytes of a row of texels, a vec4 each.
fn row(precision: Precision) -> u64 {
    (TEXTURE_COLUMNS * 4 * precision.bytes()) as u64
}

/// A vec4 of that precision.
pub(super) fn texel(precision: Precision) -> wgpu::TextureFormat {
    match precision {
        Precision::F32 => wgpu::TextureFormat::Rgba32Float,
        Precision::F16 => wgpu::TextureFormat::Rgba16Float,
    }
}

/// A buffer's first `bytes` to be copied into a texture before a dispatch.
#[derive(Debug)]
pub(super) struct Staged {
    /// Index into the program's buffers.
    pub(super) buffer: usize,
    pub(super) bytes: u64,
    pub(super) texture: wgpu::Texture,
}

/// A texture with room for `bytes` of vec4s, and what it takes itself.
pub(super) fn create(device: &wgpu::Device, label: &str, bytes: u64, precision: Precision) -> (wgpu::Texture, u64) {
    use wgpu::TextureUsages as Usages;
    let rows = bytes.div_ceil(row(precision)).max(1);
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: extent(TEXTURE_COLUMNS as u64, rows),
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texel(precision),
        usage: Usages::COPY_DST | Usages::TEXTURE_BINDING | Usages::STORAGE_BINDING,
        view_formats: &[],
    });
    (texture, rows * row(precision))
}

/// Writes vec4s row by row.
pub(super) fn write(queue: &wgpu::Queue, texture: &wgpu::Texture, bytes: &[u8], precision: Precision) {
    for (first, columns, rows) in rectangles(bytes.len() as u64, precision) {
        let from = &bytes[(u64::from(first) * row(precision)) as usize..];
        queue.write_texture(place(texture, first), from, layout(0, precision), extent(columns, rows));
    }
}

impl Program {
    /// Copies what the next dispatch reads as textures.
    pub(super) fn stage(&self, staged: &[Staged], encoder: &mut wgpu::CommandEncoder) {
        let precision = self.plan.precision;
        for Staged { buffer, bytes, texture } in staged {
            for (first, columns, rows) in rectangles(*bytes, precision) {
                let layout = layout(u64::from(first) * row(precision), precision);
                let from = wgpu::TexelCopyBufferInfo { buffer: self.buffer(*buffer), layout };
                encoder.copy_buffer_to_texture(from, place(texture, first), extent(columns, rows));
            }
        }
    }
}

/// What `bytes` cover: the whole rows, then what is left. First row, columns, rows.
fn rectangles(bytes: u64, precision: Precision) -> impl Iterator<Item = (u32, u64, u64)> {
    let row = row(precision);
    let (whole, rest) = (bytes / row, bytes % row / (4 * precision.bytes() as u64));
    [(0, TEXTURE_COLUMNS as u64, whole), (whole as u32, rest, 1)]
        .into_iter()
        .filter(|&(_, columns, rows)| columns * rows > 0)
}

fn extent(columns: u64, rows: u64) -> wgpu::Extent3d {
    wgpu::Extent3d { width: columns as u32, height: rows as u32, depth_or_array_layers: 1 }
}

fn layout(offset: u64, precision: Precision) -> wgpu::TexelCopyBufferLayout {
    wgpu::TexelCopyBufferLayout { offset, bytes_per_row: Some(row(precision) as u32), rows_per_image: None }
}

fn place(texture: &wgpu::Texture, row: u32) -> wgpu::TexelCopyTextureInfo<'_> {
    wgpu::TexelCopyTextureInfo {
        texture,
        mip_level: 0,
        origin: wgpu::Origin3d { x: 0, y: row, z: 0 },
        aspect: wgpu::TextureAspect::All,
    }
}
