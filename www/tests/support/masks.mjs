// Masks as numbers: read, compared, and refused where they say nothing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { decode } from "fast-png";

/** A grey PNG as values of 0 to 1. `full` is the number that stands for 1. */
export function readMask(path, full) {
  const { width, height, data, channels } = decode(readFileSync(path));
  assert.equal(channels, 1, `${path}: expected a grey PNG`);
  return { width, height, values: Float64Array.from(data, (value) => value / full) };
}

/** A mask from the page (`hw.packed`). */
export function unpackMask({ width, height, alpha }) {
  const bytes = Buffer.from(alpha, "base64");
  assert.equal(bytes.length, width * height, "a byte a pixel");
  return { width, height, values: Float64Array.from(bytes, (value) => value / 255) };
}

/**
 * Mean absolute error, greatest one, and how far the shapes (alpha above one half) overlap.
 * Fails where either mask is flat: two masks of nothing agree on everything.
 */
export function compare(found, expected) {
  assert.deepEqual([found.width, found.height], [expected.width, expected.height], "size of the masks");
  for (const [name, mask] of Object.entries({ found, expected })) assertSubject(mask, name);
  let [sum, most, both, either] = [0, 0, 0, 0];
  for (let i = 0; i < found.values.length; i += 1) {
    const [a, b] = [found.values[i], expected.values[i]];
    const apart = Math.abs(a - b);
    sum += apart;
    most = Math.max(most, apart);
    both += a > 0.5 && b > 0.5 ? 1 : 0;
    either += a > 0.5 || b > 0.5 ? 1 : 0;
  }
  return { mae: sum / found.values.length, most, iou: both / either };
}

/** Fails unless the mask has a subject and a background. */
export function assertSubject({ values }, name) {
  let inside = 0;
  let [least, most] = [1, 0];
  for (const value of values) {
    inside += value > 0.5 ? 1 : 0;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const share = inside / values.length;
  assert.ok(
    most > 0.95 && least < 0.05 && share > 0.01 && share < 0.99,
    `the ${name} mask is flat: ${least.toFixed(3)} to ${most.toFixed(3)}, ${(100 * share).toFixed(1)}% subject`,
  );
}

/** The figures as a line to print. */
export function shownFigures({ mae, most, iou }) {
  return `MAE ${mae.toExponential(2)}  max ${most.toFixed(4)}  IoU ${iou.toFixed(6)}`;
}
