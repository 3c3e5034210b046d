// How far two masks of one photograph lie apart, in numbers and as a picture.

import { canvasOf, context2d } from "./dom.js";
import type { Alpha } from "./engine.js";

/** Differences are mostly of a level or two; the picture shows them that many times as strong. */
export const EXAGGERATION = 16;

export interface Difference {
  picture: HTMLCanvasElement;
  /** Levels of 255. */
  mean: number;
  largest: number;
  /** Intersection over union of the shapes at half opacity; 1 where both are empty. */
  iou: number;
}

export function difference(a: Alpha, b: Alpha): Difference {
  const { width, height } = a;
  if (b.width !== width || b.height !== height) {
    throw new Error(`masks of ${width} × ${height} and ${b.width} × ${b.height} pixels cannot be compared`);
  }
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  let [sum, largest, both, either] = [0, 0, 0, 0];
  a.alpha.forEach((value, at) => {
    const other = b.alpha[at]!;
    const apart = Math.abs(value - other);
    sum += apart;
    if (apart > largest) largest = apart;
    if (value >= 128 && other >= 128) both++;
    if (value >= 128 || other >= 128) either++;
    const strong = Math.min(255, apart * EXAGGERATION);
    // Opaque, blue, green, red: the bytes of a pixel as a little-endian number.
    pixels[at] = 0xff000000 | (Math.round(strong * 0.4) << 16) | (Math.round(strong * 0.62) << 8) | strong;
  });
  const picture = canvasOf(width, height);
  context2d(picture).putImageData(image, 0, 0);
  return { picture, mean: sum / a.alpha.length, largest, iou: either === 0 ? 1 : both / either };
}
