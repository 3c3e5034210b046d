//! Bilinear resizing as Pillow does it: a triangle filter, as wide as one new pixel when shrinking.
//!
//! `Pillow/src/libImaging/Resample.c` is the definition: columns first, then rows, each pass
//! rounded to the sample type, bytes in fixed point of 22 bits. (Since version 13 Pillow swaps the
//! passes where the height shrinks much more than the width; results then differ by one level.) Here
//! rows are resized on demand and kept only while an output row needs them, so that memory does not
//! grow with the input's height. [`crate::gpu`] does the same with the same filters, in two passes.

use std::collections::VecDeque;

/// Bits after the point of a byte's weights, as in Pillow: 32 less 8 for the byte and 2 of room.
pub(crate) const PRECISION_BITS: u32 = 22;

/// A kind of pixel value, and the arithmetic that sums it.
pub(crate) trait Sample: Copy {
    type Sum: Copy;
    /// An empty sum.
    const START: Self::Sum;
    fn weight(weight: f64) -> Self::Sum;
    fn add(self, sum: Self::Sum, weight: Self::Sum) -> Self::Sum;
    fn finish(sum: Self::Sum) -> Self;
}

impl Sample for u8 {
    type Sum = i32;
    const START: i32 = 1 << (PRECISION_BITS - 1);

    fn weight(weight: f64) -> i32 {
        (weight * f64::from(1 << PRECISION_BITS)).round() as i32
    }

    fn add(self, sum: i32, weight: i32) -> i32 {
        sum + i32::from(self) * weight
    }

    fn finish(sum: i32) -> u8 {
        (sum >> PRECISION_BITS).clamp(0, 255) as u8
    }
}

impl Sample for f32 {
    type Sum = f32;
    const START: f32 = 0.0;

    fn weight(weight: f64) -> f32 {
        weight as f32
    }

    fn add(self, sum: f32, weight: f32) -> f32 {
        sum + self * weight
    }

    fn finish(sum: f32) -> f32 {
        sum
    }
}

/// For each output index, the first input index that it is made of and the weights from there on.
pub(crate) struct Filter<S: Sample> {
    pub(crate) starts: Vec<usize>,
    /// `[starts.len(), stride]`; only the first `counts[i]` of each row are meant.
    pub(crate) weights: Vec<S::Sum>,
    pub(crate) counts: Vec<usize>,
    pub(crate) stride: usize,
}

impl<S: Sample> Filter<S> {
    pub(crate) fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let support = scale.max(1.0);
        let stride = support.ceil() as usize * 2 + 1;
        let mut filter = Self {
            starts: Vec::with_capacity(to),
            weights: Vec::with_capacity(to * stride),
            counts: Vec::with_capacity(to),
            stride,
        };
        for index in 0..to {
            let centre = (index as f64 + 0.5) * scale;
            // `as usize` cuts the fraction off and stops at 0, as the definition does.
            let start = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let triangle = |input: usize| (1.0 - ((input as f64 - centre + 0.5) / support).abs()).max(0.0);
            let total: f64 = (start..end).map(triangle).sum();
            filter.weights.extend((start..end).map(|input| S::weight(triangle(input) / total)));
            filter.weights.resize((index + 1) * stride, S::weight(0.0));
            filter.starts.push(start);
            filter.counts.push(end - start);
        }
        filter
    }

    fn at(&self, index: usize) -> (usize, &[S::Sum]) {
        let first = index * self.stride;
        (self.starts[index], &self.weights[first..first + self.counts[index]])
    }
}

/// Rows of `N` samples a pixel, read one by one.
pub(super) trait Rows<S> {
    fn row(&mut self, index: usize) -> &[S];
}

/// Rows as they lie in memory, each of so many samples.
pub(super) struct Plain<'a, S>(pub(super) &'a [S], pub(super) usize);

impl<S> Rows<S> for Plain<'_, S> {
    fn row(&mut self, index: usize) -> &[S] {
        &self.0[index * self.1..(index + 1) * self.1]
    }
}

/// Resizes rows, `[height, width, N]`, from one size (width, height) to another.
///
/// The caller has checked that no side is 0 and that there are as many rows as `from` says, each as long.
pub(super) fn resize<S: Sample, const N: usize>(rows: &mut impl Rows<S>, from: [usize; 2], to: [usize; 2]) -> Vec<S> {
    let input = rows;
    let columns = Filter::<S>::new(from[0], to[0]);
    let rows = Filter::<S>::new(from[1], to[1]);
    let width = to[0] * N;
    let mut out = Vec::with_capacity(width * to[1]);
    // Resized input rows; the front one is input row `first`.
    let mut window: VecDeque<Vec<S>> = VecDeque::new();
    let mut first = 0;
    let mut sums = vec![S::START; width];
    for index in 0..to[1] {
        let (start, weights) = rows.at(index);
        let mut spare = Vec::new();
        while first < start && !window.is_empty() {
            spare.extend(window.pop_front());
            first += 1;
        }
        if window.is_empty() {
            first = start;
        }
        for row in first + window.len()..start + weights.len() {
            let mut resized = spare.pop().unwrap_or_default();
            resize_row::<S, N>(input.row(row), &columns, &mut resized);
            window.push_back(resized);
        }
        sums.fill(S::START);
        for (row, &weight) in window.iter().zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum = value.add(*sum, weight);
            }
        }
        out.extend(sums.iter().map(|&sum| S::finish(sum)));
    }
    out
}

fn resize_row<S: Sample, const N: usize>(row: &[S], columns: &Filter<S>, out: &mut Vec<S>) {
    out.clear();
    let (pixels, _) = row.as_chunks::<N>();
    for index in 0..columns.starts.len() {
        let (start, weights) = columns.at(index);
        let mut sums = [S::START; N];
        for (pixel, &weight) in pixels[start..].iter().zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum = value.add(*sum, weight);
            }
        }
        out.extend(sums.map(S::finish));
    }
}
