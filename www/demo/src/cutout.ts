// Photograph and mask to a cut-out, trimmed to what is visible.

import { canvasOf, context2d } from "./dom.js";
import type { Alpha } from "./engine.js";

/** Pixels fainter than this count as empty when the edges are trimmed and when a finger looks for a piece. */
const FAINT = 24;

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Cutout {
  canvas: HTMLCanvasElement;
  /** Where the canvas lies in the photograph, pixels. */
  crop: Rect;
}

/** Undefined where the mask holds nothing to show. */
export function cutOut(pixels: HTMLCanvasElement, mask: Alpha): Cutout | undefined {
  const crop = extent(mask);
  if (!crop) return undefined;
  const image = context2d(pixels).getImageData(crop.x, crop.y, crop.width, crop.height);
  for (let y = 0; y < crop.height; y++) {
    const row = (crop.y + y) * mask.width + crop.x;
    for (let x = 0; x < crop.width; x++) image.data[(y * crop.width + x) * 4 + 3] = mask.alpha[row + x]!;
  }
  const canvas = canvasOf(crop.width, crop.height);
  context2d(canvas).putImageData(image, 0, 0);
  return { canvas, crop };
}

/** The mask itself as a grey picture. */
export function maskPicture({ width, height, alpha }: Alpha): HTMLCanvasElement {
  const image = new ImageData(width, height);
  alpha.forEach((value, at) => image.data.set([value, value, value, 255], at * 4));
  const canvas = canvasOf(width, height);
  context2d(canvas).putImageData(image, 0, 0);
  return canvas;
}

export function isVisible(mask: Alpha, x: number, y: number): boolean {
  const column = Math.floor(x);
  const row = Math.floor(y);
  if (column < 0 || row < 0 || column >= mask.width || row >= mask.height) return false;
  return mask.alpha[row * mask.width + column]! >= FAINT;
}

function extent({ width, height, alpha }: Alpha): Rect | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (alpha[y * width + x]! < FAINT) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return undefined;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
