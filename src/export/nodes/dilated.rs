//! Pools whose windows have gaps: opset 17 has no such `AveragePool`, and `rten` no such `MaxPool`.

use super::super::Writer;
use super::{made, text};
use crate::error::{Result, bail};
use crate::graph::op::{Pool, PoolKind};
use rten_onnx::onnx::DataType;

/// Values of a window that are written as slices of their own.
const MOST_SLICES: usize = 1024;

/// One slice of the padded input for each value of the window, every stride-th row and column of it; then their
/// maximum or mean. Written for one size.
pub(super) fn write(
    writer: &mut Writer<'_>,
    pool: &Pool,
    input: &str,
    from: &[usize],
    to: &[usize],
    output: String,
) -> Result<()> {
    let [rows, columns] = pool.window;
    if rows.saturating_mul(columns) > MOST_SLICES {
        bail!(UnsupportedOperator, "a dilated window of {rows}x{columns}: expected at most {MOST_SLICES} values");
    }
    let padded = pad(writer, pool, input, from, to);
    let mut slices = Vec::with_capacity(rows * columns);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let starts = [row * pool.dilations[0], column * pool.dilations[1]];
        let ends = [0, 1].map(|axis| (starts[axis] + (to[axis + 2] - 1) * pool.strides[axis] + 1) as i64);
        let starts = writer.ints("starts", &starts.map(|start| start as i64));
        let ends = writer.ints("ends", &ends);
        let axes = writer.ints("axes", &[2, 3]);
        let steps = writer.ints("steps", &pool.strides.map(|stride| stride as i64));
        let slice = writer.names.fresh("slice");
        writer.nodes.push(made("Slice", vec![padded.clone(), starts, ends, axes, steps], slice.clone(), vec![]));
        slices.push(slice);
    }
    if pool.kind == PoolKind::Max {
        writer.nodes.push(made("Max", slices, output, vec![]));
        return Ok(());
    }
    let sum = writer.names.fresh("sum");
    writer.nodes.push(made("Sum", slices, sum.clone(), vec![]));
    let shares = shares(pool, from, to);
    let name = writer.names.fresh("shares");
    let bytes = shares.iter().flat_map(|share| share.to_le_bytes()).collect();
    writer.initializer(&name, &[1, 1, to[2], to[3]], DataType::FLOAT, bytes);
    writer.nodes.push(made("Mul", vec![sum, name], output, vec![]));
    Ok(())
}

/// The input with the pads, and at the end with what the last window reaches beyond.
fn pad(writer: &mut Writer<'_>, pool: &Pool, input: &str, from: &[usize], to: &[usize]) -> String {
    let beyond = |axis: usize| {
        let reached = (to[axis + 2] - 1) * pool.strides[axis] + pool.dilations[axis] * (pool.window[axis] - 1) + 1;
        reached.saturating_sub(from[axis + 2] + pool.pads[axis]) as i64
    };
    let [top, left, ..] = pool.pads.map(|pad| pad as i64);
    let pads = writer.ints("pads", &[0, 0, top, left, 0, 0, beyond(0), beyond(1)]);
    let fill = writer.floats("fill", &[], &[if pool.kind == PoolKind::Max { f32::MIN } else { 0.0 }]);
    let padded = writer.names.fresh("padded");
    let inputs = vec![input.to_owned(), pads, fill];
    writer.nodes.push(made("Pad", inputs, padded.clone(), vec![text("mode", "constant")]));
    padded
}

/// By what each window's sum is multiplied: one over the values that count.
fn shares(pool: &Pool, from: &[usize], to: &[usize]) -> Vec<f32> {
    let counts = [0, 1].map(|axis| {
        let (length, before, after) = (from[axis + 2], pool.pads[axis], pool.pads[axis + 2]);
        // Padding counts with AverageWithPads, though not what lies beyond it.
        let counted =
            if pool.kind == PoolKind::AverageWithPads { 0..before + length + after } else { before..before + length };
        let count = |at: usize| {
            let places = (0..pool.window[axis]).map(|step| at * pool.strides[axis] + step * pool.dilations[axis]);
            places.filter(|place| counted.contains(place)).count()
        };
        (0..to[axis + 2]).map(count).collect::<Vec<usize>>()
    });
    let [rows, columns] = &counts;
    rows.iter().flat_map(|row| columns.iter().map(move |column| 1.0 / (row * column).max(1) as f32)).collect()
}
