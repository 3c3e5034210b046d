// From a picture and its mask to a file.

import { check, linked, raced } from "./abort.js";
import { type Canvas, type Context, breathe, newCanvas, toBlob } from "./canvas.js";
import {
  type CutoutOptions,
  type CutoutResult,
  type CutoutSettings,
  type PictureSource,
  cutoutSettings,
} from "./cutout-options.js";
import { wrap } from "./errors.js";
import { toImage } from "./fetch-picture.js";
import type { Mask } from "./mask.js";
import { alphaCanvas, paintCutout, stripes } from "./paint.js";
import { BITMAP, isTaint, TAINTED, tag, toPicture } from "./picture.js";
import type { SegmenterCore } from "./segmenter.js";
import type { ImageSource } from "./types.js";

/** Where `trim` crops, fainter pixels count as empty: masks have traces all over the picture. */
const FAINT = 24;

/** A file, and where its picture lies in the mask. */
type Made = Omit<CutoutResult, "mask" | "report">;

/**
 * Segments a picture and makes a file of the result. `ending` aborts it as the options' signal does.
 *
 * @throws HeadwaterError as `segmenter.cutout` does
 */
export async function cutoutOf(
  segmenter: SegmenterCore,
  source: PictureSource,
  options: CutoutOptions,
  ending: AbortSignal | undefined,
): Promise<CutoutResult> {
  const settings = cutoutSettings(options);
  const { signal, unlink } = linked(ending, options.signal);
  try {
    const { background } = settings;
    const [image, behind] = await Promise.all([
      toImage(source, signal),
      typeof background === "object" ? toImage(background, signal) : background,
    ]);
    const { mask, report } = await segmenter.segment(image, { maskSize: options.maskSize, signal });
    return { ...(await raced(cutOut(image, mask, settings, behind, signal), signal)), mask, report };
  } finally {
    unlink();
  }
}

/**
 * `image`, of which `mask` is the mask, as the settings want it. `background` is drawn behind it.
 *
 * @throws HeadwaterError `bad-image`, `aborted`
 */
async function cutOut(
  image: ImageSource,
  mask: Mask,
  settings: CutoutSettings,
  background: string | ImageSource | undefined,
  signal: AbortSignal | undefined,
): Promise<Made> {
  const { output, edges, type, quality } = settings;
  try {
    const inverse = output === "background";
    const whole =
      output === "mask"
        ? await alphaCanvas(mask, true)
        : (await paintCutout(image, mask, { edges, inverse, offscreen: true, signal }))[0];
    check(signal);
    const frame = (settings.trim && (await extent(mask, inverse))) || {
      x: 0,
      y: 0,
      width: mask.width,
      height: mask.height,
    };
    const [canvas, context] = cropped(whole, frame);
    if (background !== undefined) await putBehind(context, background, frame);
    check(signal);
    // JPEG drops alpha; what a background leaves transparent is white, as everywhere else.
    if (type === "image/jpeg") fillBehind(context, "white", frame);
    const blob = await toBlob(canvas, type, quality);
    check(signal);
    return { blob, ...frame };
  } catch (error) {
    throw wrap(error, "bad-image", isTaint(error) ? TAINTED : "the cut-out cannot be made");
  }
}

interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What is visible of a mask, or of its inverse; undefined where nothing is. */
async function extent(mask: Mask, inverse: boolean): Promise<Frame | undefined> {
  const { width, height, alpha } = mask;
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (const [from, to] of stripes(mask)) {
    if (from > 0) await breathe();
    for (let y = from, at = from * width; y < to; y += 1) {
      for (let x = 0; x < width; x += 1, at += 1) {
        if ((inverse ? 255 - alpha[at]! : alpha[at]!) < FAINT) continue;
        if (x < left) left = x;
        if (x > right) right = x;
        if (y < top) top = y;
        bottom = y;
      }
    }
  }
  return right < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

function cropped(whole: Canvas, { x, y, width, height }: Frame): [Canvas, Context] {
  if (width === whole.width && height === whole.height) return [whole, whole.getContext("2d") as Context];
  const [canvas, context] = newCanvas(width, height, true);
  context.drawImage(whole, -x, -y);
  return [canvas, context];
}

async function putBehind(context: Context, background: string | ImageSource, size: Frame): Promise<void> {
  if (typeof background === "string") return fillBehind(context, background, size);
  const { pixels, width, height, close } = await toPicture(background, Infinity);
  try {
    const drawable = tag(pixels) === "ImageData" ? await createImageBitmap(pixels, BITMAP) : (pixels as ImageBitmap);
    const scale = Math.max(size.width / width, size.height / height);
    const [drawnWidth, drawnHeight] = [width * scale, height * scale];
    context.globalCompositeOperation = "destination-over";
    context.imageSmoothingQuality = "high";
    const [x, y] = [(size.width - drawnWidth) / 2, (size.height - drawnHeight) / 2];
    context.drawImage(drawable, x, y, drawnWidth, drawnHeight);
    if (drawable !== pixels) drawable.close();
  } finally {
    close();
  }
}

function fillBehind(context: Context, colour: string, { width, height }: Frame): void {
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
}
