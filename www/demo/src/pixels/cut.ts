// Photograph and mask to a cut-out, and its shadow.

import { Mask } from "headwater";
import { resizeMask, type Alpha, type Rect } from "../masks.js";
import { decode, newCanvas, resized } from "./decode.js";
import { SHADOW_ROOM } from "../shadow.js";
import type { Pose } from "./pose.js";
import type { Size } from "./size.js";

/** A photograph and its mask, which may be of any size. */
export interface Cut {
  file: Blob;
  name: string;
  /** Of the photograph, upright. */
  photo: Size;
  mask: Alpha;
}

/** A far shadow and a close one; lengths in CSS pixels. */
const SHADOWS = [
  { down: 10, blur: 18, opacity: 0.22 },
  { down: 2, blur: 3, opacity: 0.16 },
];

/** The part `crop` (photograph pixels) of the cut-out, `size` pixels large. The picture's own transparency stays. */
export async function cutAt(cut: Cut, crop: Rect, size: Size): Promise<OffscreenCanvas> {
  const { photo, mask } = cut;
  const [zoomX, zoomY] = [size.width / crop.width, size.height / crop.height];
  const whole = await decode(cut.file, cut.name);
  const [scaleX, scaleY] = [whole.width / photo.width, whole.height / photo.height];
  const part = await cropped(whole, {
    x: Math.round(crop.x * scaleX),
    y: Math.round(crop.y * scaleY),
    width: Math.max(1, Math.round(crop.width * scaleX)),
    height: Math.max(1, Math.round(crop.height * scaleY)),
  });
  const [acrossX, acrossY] = [mask.width / photo.width, mask.height / photo.height];
  const alpha = resizeMask(mask, size.width, size.height, {
    x: crop.x * acrossX,
    y: crop.y * acrossY,
    width: (size.width / zoomX) * acrossX,
    height: (size.height / zoomY) * acrossY,
  });
  const pixels = await resized(part, size);
  try {
    const bytes = alpha.alpha as Uint8ClampedArray<ArrayBuffer>;
    return (await new Mask(size.width, size.height, bytes).cutout(pixels)) as unknown as OffscreenCanvas;
  } finally {
    pixels.close();
  }
}

async function cropped(whole: ImageBitmap, { x, y, width, height }: Rect): Promise<ImageBitmap> {
  if (x === 0 && y === 0 && width === whole.width && height === whole.height) return whole;
  try {
    return await createImageBitmap(whole, x, y, width, height);
  } finally {
    whole.close();
  }
}

/**
 * Draws `picture` at a place, with its shadow below it. `density` is pixels a CSS pixel; the shadow falls along `fall`,
 * whatever the context's transform.
 */
export function drawShaded(
  context: OffscreenCanvasRenderingContext2D,
  picture: CanvasImageSource,
  { x, y, width, height }: Rect,
  density: number,
  fall = { x: 0, y: 1 },
): void {
  // The shadow alone: what throws it is drawn far outside. Offsets of shadows are not transformed, places are.
  const far = 20_000;
  const { a, b } = context.getTransform();
  for (const { down, blur, opacity } of SHADOWS) {
    context.shadowColor = `rgb(12 22 26 / ${opacity})`;
    context.shadowBlur = blur * density;
    context.shadowOffsetX = far * a + fall.x * down * density;
    context.shadowOffsetY = far * b + fall.y * down * density;
    context.drawImage(picture, x - far, y, width, height);
  }
  context.shadowColor = "transparent";
  context.drawImage(picture, x, y, width, height);
}

/** A cut-out as the board shows it: with its shadow and the room that this takes. */
export async function shaded(
  cut: Cut,
  crop: Rect,
  size: Size,
  density: number,
  { quarters }: Pose,
): Promise<ImageBitmap> {
  const room = Math.ceil(SHADOW_ROOM * density);
  const subject = await cutAt(cut, crop, size);
  const [canvas, context] = newCanvas(size.width + 2 * room, size.height + 2 * room);
  // Downwards once the piece is turned.
  const angle = (-quarters * Math.PI) / 2;
  const fall = { x: -Math.sin(angle), y: Math.cos(angle) };
  drawShaded(context, subject, { x: room, y: room, ...size }, density, fall);
  return canvas.transferToImageBitmap();
}
