// Masks as canvases, for the comparison.

import { canvasOf, context2d } from "./dom.js";
import type { Alpha } from "./masks.js";

/** The mask itself as a grey picture. */
export function maskPicture({ width, height, alpha }: Alpha): HTMLCanvasElement {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  alpha.forEach((value, at) => (pixels[at] = 0xff000000 | (value * 0x010101)));
  const canvas = canvasOf(width, height);
  context2d(canvas).putImageData(image, 0, 0);
  return canvas;
}
