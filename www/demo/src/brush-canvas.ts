// What is seen of a piece while it is brushed: the whole photograph, faint where the mask leaves it out.

import { canvasOf, context2d } from "./dom.js";
import type { Alpha, Rect } from "./masks.js";

/** How much of the photograph shines through where nothing is left of it. */
const FAINT = 0.25;

export class BrushCanvas {
  readonly element: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #photo: ImageData;

  /** Takes the bitmap: the whole photograph. */
  constructor(bitmap: ImageBitmap) {
    this.element = canvasOf(bitmap.width, bitmap.height);
    this.element.className = "piece-brush";
    // Read once and written at every stroke: on the processor's side both are quick.
    this.#context = context2d(this.element, { willReadFrequently: true });
    this.#context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.#photo = this.#context.getImageData(0, 0, this.element.width, this.element.height);
  }

  /** Draws the part of the mask that has changed (mask pixels), or all. */
  draw(mask: Alpha, changed: Rect = { x: 0, y: 0, width: mask.width, height: mask.height }): void {
    const { width, height } = this.element;
    const [scaleX, scaleY] = [width / mask.width, height / mask.height];
    const left = Math.max(0, Math.floor((changed.x - 1) * scaleX));
    const top = Math.max(0, Math.floor((changed.y - 1) * scaleY));
    const right = Math.min(width, Math.ceil((changed.x + changed.width + 1) * scaleX));
    const bottom = Math.min(height, Math.ceil((changed.y + changed.height + 1) * scaleY));
    if (left >= right || top >= bottom) return;
    const part = new ImageData(right - left, bottom - top);
    const pixels = new Uint32Array(part.data.buffer);
    const photo = new Uint32Array(this.#photo.data.buffer);
    for (let y = top; y < bottom; y++) {
      const maskRow = Math.min(mask.height - 1, Math.floor((y + 0.5) / scaleY)) * mask.width;
      for (let x = left; x < right; x++) {
        const level = mask.alpha[maskRow + Math.min(mask.width - 1, Math.floor((x + 0.5) / scaleX))]! / 255;
        const pixel = photo[y * width + x]!;
        const alpha = (pixel >>> 24) * (FAINT + (1 - FAINT) * level);
        pixels[(y - top) * part.width + x - left] = (pixel & 0xffffff) | (Math.round(alpha) << 24);
      }
    }
    this.#context.putImageData(part, left, top);
  }

  free(): void {
    this.element.remove();
    this.element.width = 0;
    this.element.height = 0;
  }
}
