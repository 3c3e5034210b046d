// A photograph: its file and what is known of it. Its pixels are decoded when they are needed, at the size needed.

import { bytes } from "./format.js";
import type { Pixels } from "./pixels.js";
import type { Size } from "./pixels/size.js";

export interface Photo {
  name: string;
  /** Upright; a file of more than 8192 pixels a side counts as scaled down to that. */
  width: number;
  height: number;
  file: Blob;
  /** Said to the user where the picture is not what the file was. */
  remark: string | undefined;
}

/** Reads the file once: its size, and a bitmap within `bound` to show at once, which is the caller's to close. */
export async function openPhoto(
  pixels: Pixels,
  file: Blob,
  name: string,
  bound: Size,
): Promise<{ photo: Photo; bitmap: ImageBitmap }> {
  const opened = await pixels.do("open", { file, name, bound });
  const { width, height } = opened.size;
  const scaled = width < opened.original.width;
  const photo: Photo = {
    name,
    width,
    height,
    file: opened.file,
    remark: scaled
      ? `${name} (${bytes(opened.file.size)}) was scaled from ${opened.original.width} × ${opened.original.height} to ${width} × ${height} pixels.`
      : undefined,
  };
  return { photo, bitmap: opened.bitmap };
}

/** A frame that never was a file, such as the camera's. */
export async function fileOf(frame: HTMLCanvasElement): Promise<Blob> {
  const file = await new Promise<Blob | null>((done) => frame.toBlob(done, "image/png"));
  if (!file) throw new Error("This browser gave no picture of the frame.");
  return file;
}
