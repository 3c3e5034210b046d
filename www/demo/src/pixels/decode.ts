// Files to pixels.

import { decodeUpright } from "headwater";
import { kindOf, refusalOf, SNIFFED_BYTES, typeOf } from "../kinds.js";
import type { Size } from "./size.js";

/** A picture that cannot be had, said for people. */
export class PictureError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly help = "",
  ) {
    super(message);
  }
}

/** Canvases with a side of more than this are refused by most browsers, and masks by the package. */
export const LONGEST_SIDE = 8192;

/**
 * The file with the type that its bytes say.
 *
 * @throws PictureError `bad-image` where it has gone, or is a folder
 */
export async function typed(file: Blob, name: string): Promise<Blob> {
  const type = typeOf(kindOf(await firstBytes(file, name)));
  return !type || type === file.type ? file : file.slice(0, file.size, type);
}

/**
 * The whole picture, upright, at its own size.
 *
 * @throws PictureError `bad-image`, with what the file is
 */
export async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await decodeUpright(file);
  } catch (cause) {
    const first = await firstBytes(file, name);
    const { what, help } = refusalOf(kindOf(first));
    throw Object.assign(new PictureError("bad-image", `The file ${name} ${what}`, help), { cause });
  }
}

/** The picture at another size; `whole` is closed. */
export async function resized(whole: ImageBitmap, { width, height }: Size): Promise<ImageBitmap> {
  if (whole.width === width && whole.height === height) return whole;
  try {
    return await createImageBitmap(whole, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  } finally {
    whole.close();
  }
}

/** A file at the size that is asked for. */
export async function picture(file: Blob, name: string, size: Size): Promise<ImageBitmap> {
  return resized(await decode(file, name), size);
}

async function firstBytes(file: Blob, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(0, SNIFFED_BYTES).arrayBuffer());
  } catch (cause) {
    const help = "If it is a folder, choose the pictures in it; if it was moved or deleted, choose it again.";
    throw Object.assign(new PictureError("bad-image", `The file ${name} cannot be read`, help), { cause });
  }
}

export function newCanvas(width: number, height: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new PictureError("page", `This browser gives no canvas of ${width} × ${height} pixels`);
  context.imageSmoothingQuality = "high";
  return [canvas, context];
}
