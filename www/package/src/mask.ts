// What a segmentation gives: how much of each pixel belongs to the subject.

import { bad, checkNames } from "./arguments.js";
import { type LocalCanvas, newCanvas } from "./canvas.js";
import { type Edges, checkEdges } from "./edges.js";
import { wrap } from "./errors.js";
import { alphaCanvas, alphaRows, paintAlpha, paintCutout, stripes } from "./paint.js";
import { isTaint, TAINTED, tag } from "./picture.js";
import type { ImageSource } from "./types.js";

/** An array of bytes that an ImageData takes, in the words of any version of TypeScript. */
export type MaskBytes = ImageData["data"];

/** A mask. */
export class Mask {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** [height, width], row by row; 0 is background and 255 subject. */
  readonly alpha: MaskBytes;

  /**
   * A mask from its bytes, which are not copied.
   *
   * @throws HeadwaterError `bad-argument` unless there is one byte a pixel.
   */
  constructor(width: number, height: number, alpha: MaskBytes) {
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
    return alphaRows(this, 0, this.height);
  }

  /** The same on a new canvas: an element where there is a document, an OffscreenCanvas in workers. */
  toCanvas(): LocalCanvas {
    const [canvas, context] = newCanvas(this.width, this.height, false);
    for (const [from, to] of stripes(this)) paintAlpha(context, this, from, to);
    return canvas as LocalCanvas;
  }

  /** The same as a bitmap, made in steps that leave the page responsive. The caller closes it. */
  async toImageBitmap(): Promise<ImageBitmap> {
    const canvas = await alphaCanvas(this);
    return "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : createImageBitmap(canvas);
  }

  /**
   * `image`, of which this is the mask, without its background: a new canvas of the mask's size, transparent where
   * the mask is 0. Pass `maskSize` to `segment` to choose that size.
   *
   * @param options `edges`: `clean` (the default) takes the old background's colour out of half-transparent pixels,
   * `keep` leaves all colours as they are
   * @throws HeadwaterError `bad-image` when the image cannot be drawn, or can no longer be; `bad-argument`
   */
  async cutout(image: ImageSource, options: { edges?: Edges | undefined } = {}): Promise<LocalCanvas> {
    checkNames("cutout", options, { edges: true });
    const { edges = "clean" } = options;
    checkEdges(edges);
    try {
      const [canvas] = await paintCutout(image, this, { edges, offscreen: false });
      return canvas as LocalCanvas;
    } catch (error) {
      throw wrap(error, "bad-image", isTaint(error) ? TAINTED : "the cut-out cannot be made");
    }
  }
}
