// What a segmentation gives: how much of each pixel belongs to the subject.

import { type Canvas, type Context, type LocalCanvas, breathe, newCanvas } from "./canvas.js";
import { bad } from "./arguments.js";
import { HeadwaterError } from "./errors.js";
import { draw, tag, toPicture } from "./picture.js";
import type { ImageSource } from "./types.js";

/** Pixels that are painted without a pause: a few milliseconds' work. */
const STRIPE_PIXELS = 2 ** 20;

/** A mask. */
export class Mask {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** [height, width], row by row; 0 is background and 255 subject. */
  readonly alpha: Uint8ClampedArray<ArrayBuffer>;

  /**
   * A mask from its bytes, which are not copied.
   *
   * @throws HeadwaterError `bad-argument` unless there is one byte a pixel.
   */
  constructor(width: number, height: number, alpha: Uint8ClampedArray<ArrayBuffer>) {
    const sides = [width, height].every((side) => Number.isInteger(side) && side > 0);
    if (!sides) bad("a mask's sides", [width, height], "whole pixels above 0");
    const length = tag(alpha) === "Uint8ClampedArray" ? alpha.length : -1;
    if (length !== width * height) {
      const found = length < 0 ? alpha : `${length} bytes`;
      bad(`a mask of ${width}x${height}`, found, `a Uint8ClampedArray of ${width * height} bytes`);
    }
    this.width = width;
    this.height = height;
    this.alpha = alpha;
  }

  /** White pixels whose alpha is the mask. Takes four bytes a pixel, at once: of large masks prefer a canvas. */
  toImageData(): ImageData {
    return this.#rows(0, this.height);
  }

  /** The same on a new canvas: an element where there is a document, an OffscreenCanvas in workers. */
  toCanvas(): LocalCanvas {
    const [canvas, context] = newCanvas(this.width, this.height, false);
    for (let row = 0; row < this.height; row += this.#stripe()) this.#paint(context, row);
    return canvas as LocalCanvas;
  }

  /** The same as a bitmap, made in steps that leave the page responsive. The caller closes it. */
  async toImageBitmap(): Promise<ImageBitmap> {
    const canvas = await this.#canvas();
    return "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : createImageBitmap(canvas);
  }

  /**
   * `image`, of which this is the mask, without its background: a new canvas of the mask's size, transparent where
   * the mask is 0. Pass `maskSize` to `segment` to choose that size.
   *
   * @throws HeadwaterError `bad-image` when the image cannot be drawn, or can no longer be.
   */
  async cutout(image: ImageSource): Promise<LocalCanvas> {
    const [canvas, context] = newCanvas(this.width, this.height, false);
    const picture = await toPicture(image, Infinity);
    try {
      context.imageSmoothingQuality = "high";
      await draw(context, picture.pixels, this.width, this.height);
    } finally {
      picture.close();
    }
    context.globalCompositeOperation = "destination-in";
    context.drawImage(await this.#canvas(), 0, 0);
    context.globalCompositeOperation = "source-over";
    return canvas as LocalCanvas;
  }

  async #canvas(): Promise<Canvas> {
    const [canvas, context] = newCanvas(this.width, this.height, true);
    for (let row = 0; row < this.height; row += this.#stripe()) {
      if (row > 0) await breathe();
      this.#paint(context, row);
    }
    return canvas;
  }

  /** Rows that are painted without a pause. */
  #stripe(): number {
    return Math.max(1, Math.floor(STRIPE_PIXELS / this.width));
  }

  #paint(context: Context, row: number): void {
    context.putImageData(this.#rows(row, Math.min(this.height, row + this.#stripe())), 0, row);
  }

  #rows(from: number, to: number): ImageData {
    if (typeof ImageData === "undefined") throw new HeadwaterError("unsupported", "this runtime has no ImageData");
    const image = new ImageData(this.width, to - from);
    const alpha = this.alpha.subarray(from * this.width, to * this.width);
    const pixels = new Uint32Array(image.data.buffer);
    // WebAssembly and so every browser that runs this is little-endian: alpha is the highest byte.
    for (let i = 0; i < alpha.length; i += 1) pixels[i] = (alpha[i]! << 24) | 0xffffff;
    return image;
  }
}
