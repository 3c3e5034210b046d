//! A picture's way into a program without the host: resized and normalised where it lies.

use super::resample::{Holdings, Pass, Workshop};
use super::{Gpu, Program};
use crate::error::{Result, bail, error};
use crate::image::Picture;
use crate::kernels::resample_picture;
use crate::model::Preprocess;

/// Turns pictures of one size into the input of one program, bit for bit as [`Picture::to_input`] does.
#[derive(Debug)]
pub struct Intake {
    pub(super) texture: wgpu::Texture,
    passes: [Pass; 2],
    size: [usize; 2],
    holdings: Holdings,
}

impl Program {
    /// For pictures of `size`: width, height. The plan's input must be [`crate::plan::Edge::Device`]'s.
    ///
    /// # Errors
    /// `BadImage` when a side is 0 or beyond what the device takes; `AdapterLimit` when there is no memory.
    pub async fn intake(&self, size: [usize; 2], preprocess: &Preprocess) -> Result<Intake> {
        let most = self.gpu.max_picture_side();
        if size.iter().any(|side| !(1..=most).contains(side)) {
            bail!(BadImage, "{}x{} pixels: expected 1 to {most} a side on this device", size[0], size[1]);
        }
        let Some(&[input]) = self.plan.phases.first().map(|phase| phase.given.as_slice()) else {
            bail!(Internal, "the plan takes no picture");
        };
        self.gpu.guarded(|| self.make_intake(size, input, preprocess)).await
    }

    fn make_intake(&self, size: [usize; 2], input: usize, preprocess: &Preprocess) -> Result<Intake> {
        let value = &self.plan.values[input];
        let (from, to) = (size.map(|side| side as u32), value.extent.xy());
        let texture = picture_texture(&self.gpu, from);
        let mut shop = Workshop::new(&self.gpu);
        let across = shop.filter::<u8>(size[0], value.extent.width);
        let down = shop.filter::<u8>(size[1], value.extent.height);
        let levels: Vec<[f32; 4]> = (0..=255)
            .map(|level| [0, 1, 2].map(|channel| preprocess.value(channel, level)))
            .map(|[red, green, blue]| [red, green, blue, 0.0])
            .collect();
        let levels = shop.table("levels", &levels);
        let narrow = shop.buffer("narrow", 4 * u64::from(to[0]) * u64::from(from[1]), wgpu::BufferUsages::STORAGE);
        let view = texture.create_view(&Default::default());
        let columns = shop.pass(
            &resample_picture::columns(from, to[0], across.stride),
            vec![
                wgpu::BindingResource::TextureView(&view),
                across.spans.as_entire_binding(),
                across.weights.as_entire_binding(),
                narrow.as_entire_binding(),
            ],
        )?;
        let output = wgpu::BufferBinding {
            buffer: self.buffer(value.buffer),
            offset: 0,
            size: Some(value.bytes().try_into().map_err(|_| error!(Internal, "an empty input"))?),
        };
        let rows = shop.pass(
            &resample_picture::rows(from[1], to, down.stride).storing(self.plan.precision),
            vec![
                narrow.as_entire_binding(),
                down.spans.as_entire_binding(),
                down.weights.as_entire_binding(),
                levels.as_entire_binding(),
                wgpu::BindingResource::Buffer(output),
            ],
        )?;
        let holdings = Holdings::new(self.gpu.clone(), shop.buffers, Some(texture.clone()));
        Ok(Intake { texture, passes: [columns, rows], size, holdings })
    }
}

impl Intake {
    /// Dispatches that it adds to a phase.
    pub const DISPATCHES: usize = 2;

    /// Width, height of the pictures that it takes.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Bytes on the device.
    pub fn allocated_bytes(&self) -> u64 {
        self.holdings.bytes()
    }

    /// Writes a picture from the host's memory.
    ///
    /// # Errors
    /// `BadShape` when it is not of this size.
    pub fn write(&self, gpu: &Gpu, picture: &Picture) -> Result<()> {
        let found = [picture.width(), picture.height()];
        if found != self.size {
            bail!(BadShape, "expected a picture of {:?} pixels, found {found:?}", self.size);
        }
        let pixels = picture.rgb().as_chunks::<3>().0;
        let rgba: Vec<u8> = match picture.alpha() {
            None => pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
            Some(alpha) => pixels.iter().zip(alpha).flat_map(|(&[r, g, b], &a)| [r, g, b, a]).collect(),
        };
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(4 * self.size[0] as u32),
            rows_per_image: None,
        };
        gpu.queue.write_texture(self.texture.as_image_copy(), &rgba, layout, self.texture.size());
        Ok(())
    }

    pub(super) fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        self.passes.iter().for_each(|step| step.record(&mut pass));
    }
}

fn picture_texture(gpu: &Gpu, [width, height]: [u32; 2]) -> wgpu::Texture {
    use wgpu::TextureUsages as Usages;
    gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba8Unorm,
        // A browser draws its own images into it, and so needs the attachment.
        usage: Usages::TEXTURE_BINDING | Usages::COPY_DST | Usages::RENDER_ATTACHMENT,
        view_formats: &[],
    })
}
