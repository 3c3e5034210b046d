// What lies behind the pieces in a picture that is saved.

import { decode } from "./decode.js";
import type { Size } from "./size.js";

export type Backdrop = { kind: "colours"; top: string; bottom: string } | { kind: "picture"; file: Blob; name: string };

/** Fills a context; a picture covers it whole and keeps its proportions. */
export async function paintBackdrop(
  context: OffscreenCanvasRenderingContext2D,
  backdrop: Backdrop,
  width: number,
  height: number,
): Promise<void> {
  if (backdrop.kind === "colours") {
    const fill = context.createLinearGradient(0, 0, 0, height);
    fill.addColorStop(0, backdrop.top);
    fill.addColorStop(1, backdrop.bottom);
    context.fillStyle = fill;
    context.fillRect(0, 0, width, height);
    return;
  }
  const picture = await decode(backdrop.file, backdrop.name);
  const part = coverOf(picture, { width, height });
  context.drawImage(picture, part.x, part.y, part.width, part.height, 0, 0, width, height);
  picture.close();
}

/** The middle part of `picture` that has the proportions of `frame`, as CSS's `cover` shows it. */
function coverOf(picture: Size, frame: Size): Size & { x: number; y: number } {
  const factor = Math.max(frame.width / picture.width, frame.height / picture.height);
  const [width, height] = [frame.width / factor, frame.height / factor];
  return { x: (picture.width - width) / 2, y: (picture.height - height) / 2, width, height };
}
