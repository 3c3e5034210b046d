//! What a request takes of this machine, from the graph's shapes, before anything is stored or run.

use super::executor::Body;
use super::rates::Work;
use crate::codec::Codec;
use crate::error::Result;
use crate::graph::Graph;
use crate::tensor::value_count;
use crate::wire::{RequestHead, WantedOutput};

/// A value as JSON: a sign, 9 digits, a point, an exponent and a comma.
const JSON_VALUE_BYTES: usize = 16;

/// JSON around the tensors of an answer: for each output its name, type, shape and parameters.
const JSON_HEADER_BYTES: usize = 2 << 10;

/// What a request takes.
pub(super) struct Cost {
    pub(super) work: Work,
    /// Numbers in the JSON, once they are read.
    json_value_bytes: usize,
    /// The body's inputs in f32.
    input_bytes: usize,
    /// What the executor makes.
    output_bytes: usize,
    /// Beside that while the answer is encoded.
    encoding_bytes: usize,
    /// The answer. Outputs that travel as they are made are sent where they lie.
    pub(super) answer_bytes: usize,
}

impl Cost {
    /// # Errors
    /// `BadShape` when no memory could hold it.
    pub(super) fn new(body: &Body, outputs: &[WantedOutput], head: &RequestHead) -> Result<Self> {
        let Graph { tensors, inputs, .. } = &body.graph;
        let f32_bytes = |id: &usize| Codec::F32.byte_count(&tensors[*id].shape);
        let mut cost = Self {
            work: Work::new(&body.key, &body.graph),
            json_value_bytes: head.json_value_bytes()?,
            input_bytes: sum(inputs.iter().map(f32_bytes))?,
            output_bytes: sum(body.graph.outputs.iter().map(f32_bytes))?,
            encoding_bytes: 0,
            answer_bytes: JSON_HEADER_BYTES,
        };
        for (output, id) in outputs.iter().zip(&body.graph.outputs) {
            let shape = &tensors[*id].shape;
            let values = value_count(shape)?;
            let scales = output.codec.scale_count(shape).saturating_mul(size_of::<f32>());
            let coded = output.codec.byte_count(shape)?.saturating_add(scales);
            // At the peak of its encoding, and in the answer.
            let (encoding, answer) = match output.codec {
                Codec::F32 if output.binary => (0, coded),
                Codec::F32 => (values.saturating_mul(JSON_VALUE_BYTES), values.saturating_mul(JSON_VALUE_BYTES)),
                Codec::F16 | Codec::Int8 => (coded, coded),
                // The mask is made in f32 and copied, then written in bytes, and those are compressed.
                Codec::Alpha8 => (values.saturating_mul(2 * size_of::<f32>() + 3), coded),
            };
            cost.encoding_bytes = cost.encoding_bytes.saturating_add(encoding);
            cost.answer_bytes = cost.answer_bytes.saturating_add(answer).saturating_add(JSON_HEADER_BYTES);
        }
        Ok(cost)
    }

    /// The most that is in memory at a time for a request of `body_bytes`, a picture that is decoded not counted.
    pub(super) fn peak_bytes(&self, body_bytes: usize) -> usize {
        let reading = self.reading_bytes(body_bytes);
        let running = self.input_bytes.saturating_add(self.output_bytes);
        let encoding = self.output_bytes.saturating_add(self.encoding_bytes).saturating_add(JSON_HEADER_BYTES);
        reading.max(running).max(encoding).max(self.answer_bytes)
    }

    /// The same for the time in which the inputs are made: the request, the inputs, and a picture in bytes at the
    /// net's size.
    pub(super) fn reading_bytes(&self, body_bytes: usize) -> usize {
        let inputs = self.input_bytes.saturating_add(self.input_bytes / 4);
        body_bytes.saturating_add(self.json_value_bytes).saturating_add(inputs)
    }
}

/// A model may have outputs that no memory could hold together.
fn sum(mut bytes: impl Iterator<Item = Result<usize>>) -> Result<usize> {
    bytes.try_fold(0usize, |sum, bytes| Ok(sum.saturating_add(bytes?)))
}
