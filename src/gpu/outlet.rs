//! A mask's way out of a program: brought to the picture's size where it was made, read back as bytes.

use super::Program;
use super::resample::{Holdings, Pass, Workshop};
use crate::error::{Result, bail, error};
use crate::image::check_size;
use crate::kernels::resample_mask::{self, alpha_bytes};
use crate::model::Postprocess;

/// Turns the output of one program into masks of one size, as [`crate::image::Mask::resized`] does.
#[derive(Debug)]
pub struct Outlet {
    passes: [Pass; 2],
    alpha: wgpu::Buffer,
    pub(super) readback: wgpu::Buffer,
    size: [usize; 2],
    holdings: Holdings,
}

impl Program {
    /// For masks of `size`: width, height. The plan's output must be [`crate::plan::Edge::Device`]'s.
    ///
    /// # Errors
    /// `BadArgument` when a side is 0 or above [`crate::image::MAX_SIDE`]; `AdapterLimit` when the device
    /// has no room for it.
    pub async fn outlet(&self, size: [usize; 2], postprocess: Postprocess) -> Result<Outlet> {
        check_size(size)?;
        let to = size.map(|side| side as u32);
        let limits = self.gpu.limits();
        let most = limits.storage_binding_bytes.min(limits.buffer_bytes);
        if alpha_bytes(to) > most {
            bail!(AdapterLimit, "a mask of {}x{} pixels: this adapter binds at most {most} bytes", size[0], size[1]);
        }
        let Some(&[output]) = self.plan.phases.last().map(|phase| phase.results.as_slice()) else {
            bail!(Internal, "the plan leaves no mask on the device");
        };
        self.gpu.guarded(|| self.make_outlet(to, output, postprocess)).await
    }

    fn make_outlet(&self, to: [u32; 2], output: usize, postprocess: Postprocess) -> Result<Outlet> {
        use wgpu::BufferUsages as Usages;
        let value = &self.plan.values[output];
        if value.extent.channels != 1 {
            bail!(BadShape, "expected a mask of one channel, found {:?}", value.extent);
        }
        let (from, size) = (value.extent.xy(), to.map(|side| side as usize));
        let mut shop = Workshop::new(&self.gpu);
        let across = shop.filter::<f32>(value.extent.width, size[0]);
        let down = shop.filter::<f32>(value.extent.height, size[1]);
        let wide = shop.buffer("wide", 4 * u64::from(to[0]) * u64::from(from[1]), Usages::STORAGE);
        let alpha = shop.buffer("alpha", alpha_bytes(to), Usages::STORAGE | Usages::COPY_SRC);
        let readback = shop.buffer("readback", alpha_bytes(to), Usages::MAP_READ);
        let input = wgpu::BufferBinding {
            buffer: self.buffer(value.buffer),
            offset: 0,
            size: Some(value.bytes().try_into().map_err(|_| error!(Internal, "an empty output"))?),
        };
        let columns = shop.pass(
            &resample_mask::columns(from, to[0], across.stride, postprocess == Postprocess::Logit)
                .storing(self.plan.precision),
            vec![
                wgpu::BindingResource::Buffer(input),
                across.spans.as_entire_binding(),
                across.weights.as_entire_binding(),
                wide.as_entire_binding(),
            ],
        )?;
        let rows = shop.pass(
            &resample_mask::rows(from[1], to, down.stride),
            vec![
                wide.as_entire_binding(),
                down.spans.as_entire_binding(),
                down.weights.as_entire_binding(),
                alpha.as_entire_binding(),
            ],
        )?;
        let holdings = Holdings::new(self.gpu.clone(), shop.buffers, None);
        Ok(Outlet { passes: [columns, rows], alpha, readback, size, holdings })
    }
}

impl Outlet {
    /// Dispatches that it adds to a phase.
    pub const DISPATCHES: usize = 2;

    /// Width, height of the masks that it makes.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Bytes on the device.
    pub fn allocated_bytes(&self) -> u64 {
        self.holdings.bytes()
    }

    pub(super) fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        // Rows only count flaws up.
        encoder.clear_buffer(&self.alpha, 0, Some(resample_mask::ALPHA_OFFSET));
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            self.passes.iter().for_each(|step| step.record(&mut pass));
        }
        encoder.copy_buffer_to_buffer(&self.alpha, 0, &self.readback, 0, self.readback.size());
    }
}
