//! How long each dispatch takes, by the device's own clock.

use super::Program;
use crate::error::{Result, bail};

/// The most queries that WebGPU allows a set.
const QUERIES: usize = 4096;

/// One dispatch's share of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct DispatchTime {
    /// The plan's node.
    pub node: String,
    /// The pipeline.
    pub kernel: String,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes of what it reads and writes, each counted once.
    pub bytes: u64,
    /// Microseconds between the device's timestamps around it.
    pub micros: f64,
    /// Microseconds from its phase's first timestamp to its own.
    pub start_micros: f64,
}

impl Program {
    /// Whether the device has a clock.
    pub fn can_time(&self) -> bool {
        self.gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Runs a phase with a timestamp before and after every dispatch, each in a pass of its own. What it
    /// reads as textures is copied before the first of the two.
    ///
    /// # Errors
    /// Those of [`Program::run`]; `AdapterLimit` where the device has no clock.
    pub async fn time(&self, phase: usize, inputs: &[&[f32]]) -> Result<Vec<DispatchTime>> {
        if !self.can_time() {
            bail!(AdapterLimit, "this adapter has no timestamp queries");
        }
        self.upload(phase, inputs)?;
        let device = &self.gpu.device;
        let count = self.steps[phase].len() as u32 * 2;
        let size = u64::from(count) * 8;
        let buffer = |usage| {
            let label = Some("timestamps");
            device.create_buffer(&wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let mapped = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
        let mut encoder = device.create_command_encoder(&Default::default());
        for (steps, set) in self.steps[phase].chunks(QUERIES / 2).zip(0..) {
            let count = steps.len() as u32 * 2;
            let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            for (step, first) in steps.iter().zip((0..).step_by(2)) {
                self.stage(&step.staged, &mut encoder);
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: None,
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: &queries,
                        beginning_of_pass_write_index: Some(first),
                        end_of_pass_write_index: Some(first + 1),
                    }),
                });
                pass.set_pipeline(&step.pipeline.pipeline);
                pass.set_bind_group(0, &step.bindings, &[]);
                pass.dispatch_workgroups(step.workgroups[0], step.workgroups[1], 1);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, set * QUERIES as u64 * 8);
        }
        encoder.copy_buffer_to_buffer(&resolved, 0, &mapped, 0, size);
        let submitted = self.submit(phase, encoder, None);
        self.collect(phase, submitted, None).await?;
        let view = self.gpu.map(&mapped, None).await?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        let micros_a_tick = f64::from(self.gpu.queue.get_timestamp_period()) / 1000.0;
        let times = self.plan.phases[phase].dispatches.iter().zip(ticks.as_chunks::<2>().0);
        Ok(times
            .map(|(dispatch, [start, end])| DispatchTime {
                node: dispatch.node.clone(),
                kernel: dispatch.launch.key.to_string(),
                macs: dispatch.macs,
                bytes: self.plan.dispatch_bytes(dispatch),
                micros: end.saturating_sub(*start) as f64 * micros_a_tick,
                start_micros: start.saturating_sub(ticks[0]) as f64 * micros_a_tick,
            })
            .collect())
    }
}
