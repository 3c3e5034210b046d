// The whole board as one picture, each piece at the resolution that it has there.

import type { Rect } from "../masks.js";
import { paintBackdrop, type Backdrop } from "./backdrop.js";
import { cutAt, drawShaded, type Cut } from "./cut.js";
import { newCanvas, picture } from "./decode.js";
import type { FileType } from "./encode.js";
import type { Pose } from "./pose.js";
import type { Size } from "./size.js";

/** One piece: its unturned size and its centre, in pixels of the picture. */
export interface BoardPiece {
  centre: { x: number; y: number };
  size: Size;
  pose: Pose;
  look:
    | { kind: "cutout"; cut: Cut; crop: Rect }
    | { kind: "photo"; file: Blob; name: string }
    | { kind: "bitmap"; bitmap: ImageBitmap };
}

export interface BoardJob extends Size {
  backdrop: Backdrop | undefined;
  /** From the lowest to the highest. */
  pieces: BoardPiece[];
  /** Pixels of the picture for a CSS pixel of the board. */
  density: number;
  type: FileType;
}

export async function boardPicture(job: BoardJob): Promise<OffscreenCanvas> {
  const [canvas, context] = newCanvas(job.width, job.height);
  if (job.backdrop) await paintBackdrop(context, job.backdrop, job.width, job.height);
  for (const { centre, size, pose, look } of job.pieces) {
    const whole = { width: Math.max(1, Math.round(size.width)), height: Math.max(1, Math.round(size.height)) };
    const drawn = await pixelsOf(look, whole);
    context.save();
    context.translate(centre.x, centre.y);
    if (pose.flipped) context.scale(-1, 1);
    context.rotate((pose.quarters * Math.PI) / 2);
    drawShaded(context, drawn, { x: -size.width / 2, y: -size.height / 2, ...size }, job.density);
    context.restore();
    if ("close" in drawn) drawn.close();
  }
  return canvas;
}

async function pixelsOf(look: BoardPiece["look"], size: Size): Promise<OffscreenCanvas | ImageBitmap> {
  switch (look.kind) {
    case "cutout":
      return cutAt(look.cut, look.crop, size);
    case "photo":
      return picture(look.file, look.name, size);
    case "bitmap":
      return look.bitmap;
  }
}
