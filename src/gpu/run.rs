//! Running a phase: one submit, one readback.

use super::{Alpha, Gpu, Intake, Outlet, Program};
use crate::error::{Result, bail, error};
use crate::plan::Value;
use std::time::Duration;

/// A software adapter takes tens of seconds for a large net; nothing healthy takes this long.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a run made.
#[derive(Debug)]
pub struct Made {
    /// The phase's readbacks: planes, `[C, H, W]` each.
    pub planes: Vec<Vec<f32>>,
    /// Where an outlet was given.
    pub alpha: Option<Alpha>,
}

impl Program {
    /// Writes the phase's inputs, runs its dispatches and reads its outputs: planes, `[C, H, W]` each.
    ///
    /// Of a plan with one phase, a run may be begun, in another thread, before an earlier one has ended: its inputs
    /// are brought to the device while that one computes. What lies between phases belongs to one run at a time.
    ///
    /// # Errors
    /// `BadShape` when the inputs are not those of the plan; `Device` when the device fails; `Timeout`
    /// when it does not answer.
    pub async fn run(&self, phase: usize, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        self.run_between(None, phase, inputs, None).await.map(|made| made.planes)
    }

    /// As [`Self::run`], with the picture that lies in `before` and the mask taken by `behind`, both in the
    /// same submit. Each intake and each outlet serves one run at a time.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub async fn run_between(
        &self,
        before: Option<&Intake>,
        phase: usize,
        inputs: &[&[f32]],
        behind: Option<&Outlet>,
    ) -> Result<Made> {
        let submitted = {
            let _turn = self.turn.lock();
            self.upload(phase, inputs)?;
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            if let Some(intake) = before {
                intake.record(&mut encoder);
            }
            // Copies cannot stand inside a pass; where there are none, one pass holds all.
            for steps in self.steps[phase].chunk_by(|_, next| next.staged.is_empty()) {
                self.stage(&steps[0].staged, &mut encoder);
                let mut pass = encoder.begin_compute_pass(&Default::default());
                for step in steps {
                    pass.set_pipeline(&step.pipeline.pipeline);
                    pass.set_bind_group(0, &step.bindings, &[]);
                    pass.dispatch_workgroups(step.workgroups[0], step.workgroups[1], 1);
                }
            }
            self.submit(phase, encoder, behind)
        };
        self.collect(phase, submitted, behind).await
    }

    pub(super) fn upload(&self, phase: usize, inputs: &[&[f32]]) -> Result<()> {
        self.gpu.check()?;
        let uploads = &self.plan.phases[phase].uploads;
        if uploads.len() != inputs.len() {
            bail!(BadShape, "expected {} inputs, found {}", uploads.len(), inputs.len());
        }
        for (&id, input) in uploads.iter().zip(inputs) {
            let value = &self.plan.values[id];
            if value.bytes() != size_of_val(*input) as u64 {
                let found = input.len();
                bail!(BadShape, "input {:?}: expected {} values, found {found}", value.name, value.bytes() / 4);
            }
            self.gpu.queue.write_buffer(self.buffer(value.buffer), 0, bytemuck::cast_slice(input));
        }
        Ok(())
    }

    /// Adds the copies to a readback buffer and submits.
    pub(super) fn submit(&self, phase: usize, mut encoder: wgpu::CommandEncoder, behind: Option<&Outlet>) -> Submitted {
        let readback = self.readbacks[phase].take(&self.gpu);
        if let Some(readback) = &readback {
            let mut offset = 0;
            for value in self.read_values(phase) {
                encoder.copy_buffer_to_buffer(self.buffer(value.buffer), 0, readback, offset, value.bytes());
                offset += value.bytes();
            }
        }
        if let Some(outlet) = behind {
            outlet.record(&mut encoder);
        }
        Submitted { readback, index: self.gpu.queue.submit([encoder.finish()]) }
    }

    fn read_values(&self, phase: usize) -> impl Iterator<Item = &Value> {
        self.plan.phases[phase].readbacks.iter().map(|&id| &self.plan.values[id])
    }

    /// Waits and reads.
    pub(super) async fn collect(
        &self,
        phase: usize,
        Submitted { readback, index }: Submitted,
        behind: Option<&Outlet>,
    ) -> Result<Made> {
        let nothing = readback.is_none() && behind.is_none();
        let mut planes = Vec::new();
        if let Some(readback) = readback {
            let bytes = self.gpu.map(&readback, Some(index)).await?;
            let mut rest: &[u8] = &bytes;
            for value in self.read_values(phase) {
                let (own, after) = rest.split_at(value.bytes() as usize);
                planes.push(bytemuck::pod_collect_to_vec(own));
                rest = after;
            }
            drop(bytes);
            readback.unmap();
            self.readbacks[phase].give_back(readback);
        }
        let alpha = match behind {
            Some(outlet) => Some(Alpha::map(&self.gpu, outlet).await?),
            None => None,
        };
        if nothing {
            self.gpu.idle().await?;
        }
        Ok(Made { planes, alpha })
    }
}

/// What [`Program::collect`] waits for.
pub(super) struct Submitted {
    readback: Option<wgpu::Buffer>,
    index: wgpu::SubmissionIndex,
}

impl Gpu {
    /// Maps a whole buffer for reading once a submit, or all work submitted so far, is done.
    pub(super) async fn map(
        &self,
        buffer: &wgpu::Buffer,
        behind: Option<wgpu::SubmissionIndex>,
    ) -> Result<wgpu::BufferView> {
        self.map_async(buffer, behind).await?;
        buffer.slice(..).get_mapped_range().map_err(|e| error!(Device, "the result could not be read").with_source(e))
    }

    pub(super) async fn map_async(&self, buffer: &wgpu::Buffer, behind: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let (send, receive) = futures_channel::oneshot::channel();
        buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            // A receiver that is gone no longer cares.
            let _ = send.send(result);
        });
        self.wait(behind, async {
            match receive.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(e)) => Err(error!(Device, "the result could not be mapped").with_source(e)),
                Err(_) => Err(error!(Device, "the device went away before its result")),
            }
        })
        .await
    }

    /// Carries out the writes so far, so that the memory they take on their way is free again.
    pub(super) fn flush(&self) {
        self.queue.submit([]);
        // A device that fails here says so at the next check.
        let _ = self.device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) });
    }

    /// Waits for the work submitted so far.
    async fn idle(&self) -> Result<()> {
        let (send, receive) = futures_channel::oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = send.send(());
        });
        let gone = |e| error!(Device, "the device went away before its work was done").with_source(e);
        self.wait(None, async { receive.await.map_err(gone) }).await
    }

    async fn wait<T>(&self, behind: Option<wgpu::SubmissionIndex>, done: impl Future<Output = Result<T>>) -> Result<T> {
        // In the browser polling does nothing and the event loop completes `done`.
        let waiting = wgpu::PollType::Wait { submission_index: behind, timeout: Some(PATIENCE) };
        if let Err(e) = self.device.poll(waiting) {
            self.check()?;
            return Err(match e {
                wgpu::PollError::Timeout => error!(Timeout, "the device did not answer within {PATIENCE:?}"),
                e => error!(Device, "waiting for the device failed").with_source(e),
            });
        }
        let result = done.await;
        self.check()?;
        result
    }
}
