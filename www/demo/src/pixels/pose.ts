// How a piece is turned: quarters clockwise, and then mirrored left to right or not.

import { newCanvas } from "./decode.js";

export interface Pose {
  quarters: 0 | 1 | 2 | 3;
  flipped: boolean;
}

export const UPRIGHT: Pose = { quarters: 0, flipped: false };

/** A picture in that pose. */
export function turned(picture: OffscreenCanvas, { quarters, flipped }: Pose): OffscreenCanvas {
  if (quarters === 0 && !flipped) return picture;
  const { width, height } = picture;
  const [canvas, context] = quarters % 2 ? newCanvas(height, width) : newCanvas(width, height);
  context.translate(canvas.width / 2, canvas.height / 2);
  if (flipped) context.scale(-1, 1);
  context.rotate((quarters * Math.PI) / 2);
  context.drawImage(picture, -width / 2, -height / 2);
  return canvas;
}
