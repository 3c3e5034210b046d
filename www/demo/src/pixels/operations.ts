// What the pixel worker does, by name.

import type { Crossing } from "headwater";
import { cropOf, resizeMask, type Rect } from "../masks.js";
import { paintBackdrop, type Backdrop } from "./backdrop.js";
import { boardPicture, type BoardJob } from "./board.js";
import { cutAt, shaded, type Cut } from "./cut.js";
import { decode, LONGEST_SIDE, newCanvas, picture, PictureError, resized, typed } from "./decode.js";
import { encode, type FileType } from "./encode.js";
import { picturesOf } from "./features.js";
import { turned, type Pose } from "./pose.js";
import { estimatePosting } from "./posting.js";
import { within, type Size } from "./size.js";

/** A photograph that was opened: its size, and itself as large as `bound` lets it be. */
export interface Opened {
  /** With the type that its bytes say. */
  file: Blob;
  /** Of the file. */
  original: Size;
  /** At most {@link LONGEST_SIDE} a side. */
  size: Size;
  bitmap: ImageBitmap;
}

/** What of a piece is written to a file. */
export interface PieceJob {
  cut: Cut;
  what: "cutout" | "mask";
  /** The photograph's own size and place, or only what is visible. */
  frame: "photo" | "trimmed";
  backdrop: Backdrop | undefined;
  pose: Pose;
  type: FileType;
}

export interface Written extends Size {
  blob: Blob;
}

export const operations = {
  async open({ file, name, bound }: { file: Blob; name: string; bound: Size }): Promise<Opened> {
    const known = await typed(file, name);
    const whole = await decode(known, name);
    const original = { width: whole.width, height: whole.height };
    const size = within(original, { width: LONGEST_SIDE, height: LONGEST_SIDE });
    return { file: known, original, size, bitmap: await resized(whole, within(size, bound)) };
  },

  photo: ({ file, name, size }: { file: Blob; name: string; size: Size }) => picture(file, name, size),

  /** The cut-out with its shadow, for the board. */
  shaded: ({ cut, crop, size, density, pose }: { cut: Cut; crop: Rect; size: Size; density: number; pose: Pose }) =>
    shaded(cut, crop, size, density, pose),

  /** The cut-out on the whole of its photograph's place, for the comparison. */
  cutout: async ({ cut, size }: { cut: Cut; size: Size }) =>
    (await cutAt(cut, { x: 0, y: 0, ...cut.photo }, size)).transferToImageBitmap(),

  features: async (crossing: Crossing) => picturesOf(crossing),

  posting: ({ file, name, cover }: { file: Blob; name: string; cover: readonly [number, number] }) =>
    estimatePosting(file, name, cover),

  async piece({ cut, what, frame, backdrop, pose, type }: PieceJob): Promise<Written> {
    const all = { x: 0, y: 0, ...cut.photo };
    const crop = frame === "trimmed" ? cropOf(cut.mask, cut.photo) : all;
    if (!crop) throw new PictureError("empty", `The mask of ${cut.name} is empty`);
    const subject = what === "mask" ? await maskPicture(cut, crop) : await cutAt(cut, crop, crop);
    const upright = turned(subject, pose);
    if (!backdrop) return { blob: await encode(upright, type), width: upright.width, height: upright.height };
    const [canvas, context] = newCanvas(upright.width, upright.height);
    await paintBackdrop(context, backdrop, canvas.width, canvas.height);
    context.drawImage(upright, 0, 0);
    return { blob: await encode(canvas, type), width: canvas.width, height: canvas.height };
  },

  async board(job: BoardJob): Promise<Written> {
    const canvas = await boardPicture(job);
    return { blob: await encode(canvas, job.type), width: canvas.width, height: canvas.height };
  },
};

export type Operations = typeof operations;

/** The mask in grey, black where nothing is. */
async function maskPicture({ mask, photo }: Cut, crop: Rect): Promise<OffscreenCanvas> {
  const [scaleX, scaleY] = [mask.width / photo.width, mask.height / photo.height];
  const part = { x: crop.x * scaleX, y: crop.y * scaleY, width: crop.width * scaleX, height: crop.height * scaleY };
  const { alpha } = resizeMask(mask, crop.width, crop.height, part);
  const image = new ImageData(crop.width, crop.height);
  const pixels = new Uint32Array(image.data.buffer);
  alpha.forEach((value, at) => (pixels[at] = 0xff000000 | (value * 0x010101)));
  const [canvas, context] = newCanvas(crop.width, crop.height);
  context.putImageData(image, 0, 0);
  return canvas;
}
