//! Pictures that never were in the host's memory, and masks that reach it as bytes.

use super::{Client, Report, Session};
use crate::error::{Result, bail};
use crate::gpu::{Alpha, Gpu, Intake, Outlet};
use crate::image::Mask;
use crate::platform::now_millis;
use crate::split::Placement;
use crate::tensor::Tensor;
use crate::wire::Upload;
use crate::wire::client::Transport;
use std::sync::Mutex;

/// Alpha at the size that was asked for, `[height, width]`: 0 is background, 255 is what the picture shows.
#[derive(Debug)]
pub enum AlphaBytes {
    /// Mapped memory of the device; the session's next run has to wait until it is dropped.
    Device(Alpha),
    /// Where the server finished.
    Host(Vec<u8>),
}

impl AlphaBytes {
    /// The bytes, copied where they lie on the device.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Device(alpha) => alpha.to_vec(),
            Self::Host(bytes) => bytes,
        }
    }
}

/// What crossed the cut, by the graph's tensors; empty where nothing did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crossing {
    /// To the server: names and values.
    pub up: Vec<(String, Tensor)>,
    /// From it.
    pub down: Vec<(String, Tensor)>,
}

/// What became of a picture.
#[derive(Debug)]
pub struct Segmented {
    /// The mask.
    pub alpha: AlphaBytes,
    /// How it came about.
    pub report: Report,
    /// What travelled, as the two ends saw it: after the head, before the tail.
    pub crossing: Crossing,
}

impl<T: Transport> Session<T> {
    /// Segments a picture of `size` (width, height) that `fill` puts into the intake, and gives its mask
    /// at `mask_size`. For sessions opened with [`crate::plan::Edge::Device`]; one call at a time.
    ///
    /// # Errors
    /// `BadImage` for a size that the device cannot take; `BadArgument` for a remote session; those of
    /// [`Self::run`] and of `fill`.
    pub async fn segment_on_device(
        &self,
        size: [usize; 2],
        fill: impl FnOnce(&Gpu, &Intake) -> Result<()>,
        mask_size: [usize; 2],
    ) -> Result<Segmented> {
        let start = now_millis();
        let client = self.client()?;
        let intake = match take(&client.intake).filter(|intake| intake.size() == size) {
            Some(intake) => intake,
            None => client.program.intake(size, &self.model.manifest.preprocess).await?,
        };
        fill(client.program.gpu(), &intake)?;
        let outlet = if self.ends_here() {
            match take(&client.outlet).filter(|outlet| outlet.size() == mask_size) {
                Some(outlet) => Some(outlet),
                None => Some(client.program.outlet(mask_size, self.model.manifest.postprocess).await?),
            }
        } else {
            None
        };
        let mut report = self.report.clone();
        report.gpu_dispatches += Intake::DISPATCHES + outlet.as_ref().map_or(0, |_| Outlet::DISPATCHES);
        report.gpu_readbacks += usize::from(outlet.is_some());
        report.gpu_peak_bytes += intake.allocated_bytes() + outlet.as_ref().map_or(0, Outlet::allocated_bytes);
        let segmented = self.between(client, &intake, outlet.as_ref(), mask_size, report).await;
        keep(&client.intake, Some(intake));
        keep(&client.outlet, outlet);
        let mut segmented = segmented?;
        segmented.report.total_millis = now_millis() - start;
        Ok(segmented)
    }

    async fn between(
        &self,
        client: &Client,
        intake: &Intake,
        outlet: Option<&Outlet>,
        mask_size: [usize; 2],
        mut report: Report,
    ) -> Result<Segmented> {
        let start = now_millis();
        let Placement::Cut { name, cut } = &self.options.placement else {
            let made = client.program.run_between(Some(intake), 0, &[], outlet).await?;
            report.head_millis = now_millis() - start;
            return finished(made.alpha, report, Crossing::default());
        };
        let made = client.program.run_between(Some(intake), 0, &[], None).await?;
        report.head_millis = now_millis() - start;
        let up = self.crossing_up(cut, None, made.planes)?;
        let down = self.post(name, cut, &up, &mut report).await?;
        let named = |ids: &[usize], tensors: Vec<Tensor>| {
            ids.iter().map(|&id| self.graph.tensors[id].name.clone()).zip(tensors).collect()
        };
        if outlet.is_none() {
            let alpha = AlphaBytes::Host(self.to_bytes(&down[0], mask_size)?);
            let crossing = Crossing { up: named(&cut.up, up), down: named(&cut.down, down) };
            return Ok(Segmented { alpha, report, crossing });
        }
        let tail_start = now_millis();
        let inputs: Vec<&[f32]> = down.iter().map(Tensor::data).collect();
        let made = client.program.run_between(None, 1, &inputs, outlet).await?;
        report.tail_millis = now_millis() - tail_start;
        finished(made.alpha, report, Crossing { up: named(&cut.up, up), down: named(&cut.down, down) })
    }

    /// Has the server do everything for an encoded picture, and gives its mask at `mask_size`.
    ///
    /// # Errors
    /// Those of [`Self::run_remote`].
    pub async fn segment_encoded(&self, picture: Upload<'_>, mask_size: [usize; 2]) -> Result<Segmented> {
        let start = now_millis();
        let (mask, mut report) = self.run_remote(picture).await?;
        let alpha = AlphaBytes::Host(mask.resized(mask_size[0], mask_size[1])?.to_bytes());
        report.total_millis = now_millis() - start;
        Ok(Segmented { alpha, report, crossing: Crossing::default() })
    }

    fn to_bytes(&self, output: &Tensor, [width, height]: [usize; 2]) -> Result<Vec<u8>> {
        let mask = Mask::from_output(output, self.model.manifest.postprocess)?;
        Ok(mask.resized(width, height)?.to_bytes())
    }

    /// Whether the last layers run here.
    fn ends_here(&self) -> bool {
        match &self.options.placement {
            Placement::Local => true,
            Placement::Remote => false,
            Placement::Cut { cut, .. } => cut.down != self.graph.outputs,
        }
    }
}

fn finished(alpha: Option<Alpha>, report: Report, crossing: Crossing) -> Result<Segmented> {
    match alpha {
        Some(alpha) => Ok(Segmented { alpha: AlphaBytes::Device(alpha), report, crossing }),
        None => bail!(Internal, "the device made no mask"),
    }
}

/// What is kept for the next picture is out of its place while it is used: a panic leaves nothing behind.
fn take<V>(place: &Mutex<Option<V>>) -> Option<V> {
    place.lock().ok().and_then(|mut kept| kept.take())
}

fn keep<V>(place: &Mutex<Option<V>>, value: Option<V>) {
    if let Ok(mut kept) = place.lock() {
        *kept = value;
    }
}
