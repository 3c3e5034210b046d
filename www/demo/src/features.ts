// The tensors that crossed, as canvases that the panel shows. The pixel worker draws them.

import type { Crossing } from "headwater";
import { canvasOf, context2d } from "./dom.js";
import type { Pixels } from "./pixels.js";

export interface FeaturePicture {
  direction: "up" | "down";
  tensor: string;
  shape: number[];
  shown: number;
  canvas: HTMLCanvasElement;
}

export async function picturesOf(crossing: Crossing, pixels: Pixels): Promise<FeaturePicture[]> {
  const transfer = [...crossing.up, ...crossing.down].map(({ values }) => values.buffer);
  const drawn = await pixels.do("features", crossing, transfer);
  return drawn.map(({ bitmap, ...about }) => {
    const canvas = canvasOf(bitmap.width, bitmap.height);
    context2d(canvas).drawImage(bitmap, 0, 0);
    bitmap.close();
    return { ...about, canvas };
  });
}
