// Masks and cut-outs on canvases, in steps that leave a page responsive.

import { check } from "./abort.js";
import { type Canvas, type Context, breathe, newCanvas } from "./canvas.js";
import type { Edges } from "./edges.js";
import { HeadwaterError } from "./errors.js";
import { estimateForeground } from "./foreground.js";
import type { Mask } from "./mask.js";
import { draw, toPicture } from "./picture.js";
import type { ImageSource } from "./types.js";

/** Pixels that are painted without a pause: a few milliseconds' work. */
const STRIPE_PIXELS = 2 ** 20;

/** How a picture and its mask are put together. */
export interface Painting {
  edges: Edges;
  /** Whether the subject is taken away instead of the background. Its edges keep their colours. */
  inverse?: boolean;
  /** Whether the canvas is never shown. */
  offscreen: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * `image` without its background, on a new canvas of the mask's size. Alpha is the mask's times the picture's own.
 *
 * @throws HeadwaterError `bad-image`, `aborted`
 */
export async function paintCutout(image: ImageSource, mask: Mask, painting: Painting): Promise<[Canvas, Context]> {
  const { width, height } = mask;
  const { inverse = false, offscreen, signal } = painting;
  const clean = painting.edges === "clean" && !inverse;
  const [canvas, context] = newCanvas(width, height, offscreen, clean);
  const picture = await toPicture(image, Infinity);
  try {
    check(signal);
    context.imageSmoothingQuality = "high";
    await draw(context, picture.pixels, width, height);
  } finally {
    picture.close();
  }
  if (clean) {
    await cleanEdges(context, mask, signal);
    return [canvas, context];
  }
  const alpha = await alphaCanvas(mask);
  context.globalCompositeOperation = inverse ? "destination-out" : "destination-in";
  context.drawImage(alpha, 0, 0);
  context.globalCompositeOperation = "source-over";
  return [canvas, context];
}

/** Gives half-transparent pixels the subject's own colour, and every pixel the mask's alpha times its own. */
async function cleanEdges(context: Context, mask: Mask, signal: AbortSignal | undefined): Promise<void> {
  const { width, height } = mask;
  const pixels = new Uint8ClampedArray(4 * width * height);
  for (const [from, to] of stripes(mask)) {
    if (from > 0) await breathe();
    check(signal);
    pixels.set(context.getImageData(0, from, width, to - from).data, 4 * width * from);
  }
  await estimateForeground(pixels, mask.alpha, width, height, signal);
  for (const [from, to] of stripes(mask)) {
    if (from > 0) await breathe();
    check(signal);
    const part = pixels.subarray(4 * width * from, 4 * width * to);
    const alpha = mask.alpha.subarray(width * from, width * to);
    for (let i = 0; i < alpha.length; i += 1) part[4 * i + 3] = Math.round((part[4 * i + 3]! * alpha[i]!) / 255);
    context.putImageData(new ImageData(part, width, to - from), 0, from);
  }
}

/** The mask as white pixels with its alpha, or as opaque grey ones, on a canvas that is never shown. */
export async function alphaCanvas(mask: Mask, grey = false): Promise<Canvas> {
  const [canvas, context] = newCanvas(mask.width, mask.height, true);
  for (const [from, to] of stripes(mask)) {
    if (from > 0) await breathe();
    paintAlpha(context, mask, from, to, grey);
  }
  return canvas;
}

/** Paints rows `from` to before `to` of the mask. */
export function paintAlpha(context: Context, mask: Mask, from: number, to: number, grey = false): void {
  context.putImageData(alphaRows(mask, from, to, grey), 0, from);
}

/** Rows `from` to before `to` as pixels. */
export function alphaRows(mask: Mask, from: number, to: number, grey = false): ImageData {
  if (typeof ImageData === "undefined") throw new HeadwaterError("unsupported", "this runtime has no ImageData");
  const image = new ImageData(mask.width, to - from);
  const alpha = mask.alpha.subarray(from * mask.width, to * mask.width);
  const pixels = new Uint32Array(image.data.buffer);
  // WebAssembly and so every browser that runs this is little-endian: alpha is the highest byte.
  if (grey) for (let i = 0; i < alpha.length; i += 1) pixels[i] = (alpha[i]! * 0x010101) | 0xff000000;
  else for (let i = 0; i < alpha.length; i += 1) pixels[i] = (alpha[i]! << 24) | 0xffffff;
  return image;
}

/** The rows of a picture in parts that are painted without a pause. */
export function* stripes({ width, height }: { width: number; height: number }): Generator<[number, number]> {
  const rows = Math.max(1, Math.floor(STRIPE_PIXELS / width));
  for (let from = 0; from < height; from += rows) yield [from, Math.min(height, from + rows)];
}
