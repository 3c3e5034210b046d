// Whether contenders computed the same, and what then is said of each.
import { compare } from "../../www/tests/support/masks.mjs";

/** Masks further apart than this are not the same computation. */
const MOST_MAE = 0.01;
const LEAST_IOU = 0.98;
/** Nor are tensors that cross: their mean difference over their mean size. */
const MOST_UP_ERROR = 0.01;

/** What the others are compared with: the plainest way to run the net. */
const REFERENCE = "onnxruntime-web wasm, 1 thread";

/** Writes down how far each contender is from the reference. Throws where that is far: wrong is not slow or fast. */
export function assertAlike(contenders, size) {
  const reference = contenders.find(({ name }) => name === REFERENCE);
  const mask = ({ alpha }) => ({ width: size, height: size, values: alpha.map((value) => value / 255) });
  for (const contender of contenders) {
    const { mae, iou } = compare(mask(contender), mask(reference));
    if (!(mae <= MOST_MAE && iou >= LEAST_IOU)) {
      throw new Error(`${contender.name}: another mask than ${REFERENCE}: MAE ${mae}, IoU ${iou}`);
    }
    Object.assign(contender, { mae, iou });
    if (!reference.up) continue;
    contender.up_error = Math.max(...reference.up.map((tensor, i) => apart(contender.up[i], tensor)));
    if (!(contender.up_error <= MOST_UP_ERROR)) {
      throw new Error(`${contender.name}: another head than ${REFERENCE}: ${contender.up_error} apart`);
    }
  }
}

function apart(found, expected) {
  if (found?.tensor !== expected.tensor || found.values.length !== expected.values.length) return Infinity;
  let [difference, scale] = [0, 0];
  expected.values.forEach((value, i) => {
    difference += Math.abs(found.values[i] - value);
    scale += Math.abs(value);
  });
  return difference / scale;
}

/** A contender's figures. What is shown is the run in the middle of the later ones, or the first if there is none. */
export function summary({ times, alpha, up, down, ...rest }) {
  const [first, ...later] = times;
  const middle = later.toSorted((a, b) => a.millis - b.millis)[later.length >> 1] ?? first;
  const { head_millis, tail_millis } = middle;
  return {
    ...rest,
    first_millis: first.millis,
    median_millis: middle.millis,
    ...(head_millis === undefined ? {} : { head_millis, tail_millis }),
    later_runs: later.length,
  };
}
