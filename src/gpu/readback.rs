//! What the host maps after a phase.

use super::Gpu;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buffers of one size. One is enough for runs of which each is waited for; where the next is begun before, the device
/// writes into another while the host reads.
#[derive(Debug)]
pub(super) struct Readbacks {
    bytes: u64,
    made: AtomicU64,
    spare: Mutex<Vec<wgpu::Buffer>>,
}

impl Readbacks {
    /// With the first buffer, unless there is nothing to read. Errors of the device surface in the caller's error scope.
    pub(super) fn new(gpu: &Gpu, bytes: u64) -> Self {
        let first = if bytes > 0 { vec![create(gpu, bytes)] } else { Vec::new() };
        Self { bytes, made: AtomicU64::new(first.len() as u64), spare: Mutex::new(first) }
    }

    /// A buffer that no run uses; `None` where there is nothing to read.
    pub(super) fn take(&self, gpu: &Gpu) -> Option<wgpu::Buffer> {
        if self.bytes == 0 {
            return None;
        }
        let spare = self.spare.lock().ok().and_then(|mut spare| spare.pop());
        Some(spare.unwrap_or_else(|| {
            self.made.fetch_add(1, Ordering::Relaxed);
            gpu.count_allocated(self.bytes as i64);
            create(gpu, self.bytes)
        }))
    }

    /// For the next run, once unmapped.
    pub(super) fn give_back(&self, buffer: wgpu::Buffer) {
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(buffer);
        }
    }

    /// Bytes of all that were made.
    pub(super) fn allocated_bytes(&self) -> u64 {
        self.bytes * self.made.load(Ordering::Relaxed)
    }

    pub(super) fn destroy(&self) {
        if let Ok(spare) = self.spare.lock() {
            spare.iter().for_each(wgpu::Buffer::destroy);
        }
    }
}

fn create(gpu: &Gpu, size: u64) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}
