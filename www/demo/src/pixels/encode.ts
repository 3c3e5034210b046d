// Canvases to files.

import { PictureError } from "./decode.js";

export type FileType = "image/png" | "image/jpeg" | "image/webp";

const QUALITY = 0.92;

/** @throws PictureError when the browser cannot write it: too many pixels, or a type that it does not know. */
export async function encode(canvas: OffscreenCanvas, type: FileType): Promise<Blob> {
  const size = `${canvas.width} × ${canvas.height}`;
  const blob = await canvas.convertToBlob({ type, quality: QUALITY }).catch((cause: unknown) => {
    const help = "Save it trimmed, or use a smaller photograph.";
    throw Object.assign(new PictureError("page", `${size} pixels are too many for this browser to save`, help), {
      cause,
    });
  });
  // Browsers that cannot write a type write PNG and say nothing.
  if (blob.type !== type) throw new PictureError("page", `This browser cannot write ${type}`, "Save it as a PNG.");
  return blob;
}
