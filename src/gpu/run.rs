//! Running a phase: one submit, one readback.

use super::{Gpu, Program};
use crate::error::{Result, bail, error};
use std::time::Duration;

/// A software adapter takes tens of seconds for a large net; nothing healthy takes this long.
const PATIENCE: Duration = Duration::from_secs(600);

impl Program {
    /// Writes the phase's inputs, runs its dispatches and reads its outputs: planes, `[C, H, W]` each.
    ///
    /// # Errors
    /// `BadShape` when the inputs are not those of the plan; `Device` when the device fails; `Timeout`
    /// when it does not answer.
    pub async fn run(&self, phase: usize, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        self.upload(phase, inputs)?;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        // Copies cannot stand inside a pass; where there are none, one pass holds all.
        for steps in self.steps[phase].chunk_by(|_, next| next.staged.is_empty()) {
            self.stage(&steps[0].staged, &mut encoder);
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for step in steps {
                pass.set_pipeline(&step.pipeline);
                pass.set_bind_group(0, &step.bindings, &[]);
                pass.dispatch_workgroups(step.workgroups[0], step.workgroups[1], 1);
            }
        }
        self.collect(phase, encoder).await
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
            self.gpu.queue.write_buffer(&self.buffers[value.buffer], 0, bytemuck::cast_slice(input));
        }
        Ok(())
    }

    /// Adds the copies to the readback buffer, submits, waits and reads.
    pub(super) async fn collect(&self, phase: usize, mut encoder: wgpu::CommandEncoder) -> Result<Vec<Vec<f32>>> {
        let values = self.plan.phases[phase].readbacks.iter().map(|&id| &self.plan.values[id]);
        let Some(readback) = &self.readbacks[phase] else {
            self.gpu.queue.submit([encoder.finish()]);
            return self.gpu.wait(async { Ok(()) }).await.map(|()| Vec::new());
        };
        let mut offset = 0;
        for value in values.clone() {
            encoder.copy_buffer_to_buffer(&self.buffers[value.buffer], 0, readback, offset, value.bytes());
            offset += value.bytes();
        }
        self.gpu.queue.submit([encoder.finish()]);
        let bytes = self.gpu.map(readback).await?;
        let mut outputs = Vec::new();
        let mut rest: &[u8] = &bytes;
        for value in values {
            let (planes, after) = rest.split_at(value.bytes() as usize);
            outputs.push(bytemuck::pod_collect_to_vec(planes));
            rest = after;
        }
        drop(bytes);
        readback.unmap();
        Ok(outputs)
    }
}

impl Gpu {
    /// Maps a whole buffer for reading once the work submitted so far is done.
    pub(super) async fn map(&self, buffer: &wgpu::Buffer) -> Result<wgpu::BufferView> {
        let (send, receive) = futures_channel::oneshot::channel();
        buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            // A receiver that is gone no longer cares.
            let _ = send.send(result);
        });
        self.wait(async {
            match receive.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(e)) => Err(error!(Device, "the result could not be mapped").with_source(e)),
                Err(_) => Err(error!(Device, "the device went away before its result")),
            }
        })
        .await?;
        buffer.slice(..).get_mapped_range().map_err(|e| error!(Device, "the result could not be read").with_source(e))
    }

    async fn wait<T>(&self, done: impl Future<Output = Result<T>>) -> Result<T> {
        // In the browser polling does nothing and the event loop completes `done`.
        let waiting = wgpu::PollType::Wait { submission_index: None, timeout: Some(PATIENCE) };
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
