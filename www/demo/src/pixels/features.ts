// The tensors that crossed, as pictures: the channels that vary most, side by side.

import type { Crossing, CrossingTensor } from "headwater";
import { newCanvas } from "./decode.js";

const COLUMNS = 6;
const ROWS = 3;
const GAP = 1;

/** One tensor as a picture. */
export interface FeatureBitmap {
  direction: "up" | "down";
  tensor: string;
  shape: number[];
  /** Channels in the picture. */
  shown: number;
  bitmap: ImageBitmap;
}

export function picturesOf(crossing: Crossing): FeatureBitmap[] {
  return [
    ...crossing.up.map((tensor) => picture("up", tensor)),
    ...crossing.down.map((tensor) => picture("down", tensor)),
  ];
}

function picture(direction: "up" | "down", { tensor, shape, values }: CrossingTensor): FeatureBitmap {
  const [, channels = 1, height = 1, width = 1] = shape;
  const size = height * width;
  const chosen = liveliest(values, channels, size, COLUMNS * ROWS);
  const columns = Math.min(COLUMNS, chosen.length);
  const rows = Math.ceil(chosen.length / columns);
  const [canvas, context] = newCanvas(columns * (width + GAP) - GAP, rows * (height + GAP) - GAP);
  chosen.forEach((channel, place) => {
    const tile = shade(values.subarray(channel * size, (channel + 1) * size), width, height);
    context.putImageData(tile, (place % columns) * (width + GAP), Math.floor(place / columns) * (height + GAP));
  });
  return { direction, tensor, shape, shown: chosen.length, bitmap: canvas.transferToImageBitmap() };
}

/** Channels in their own order; those whose values vary most are kept, since flat ones show nothing. */
function liveliest(values: Float32Array, channels: number, size: number, keep: number): number[] {
  const spread = Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    let squares = 0;
    for (let at = channel * size; at < (channel + 1) * size; at++) {
      sum += values[at]!;
      squares += values[at]! ** 2;
    }
    return { channel, variance: squares / size - (sum / size) ** 2 };
  });
  spread.sort((a, b) => b.variance - a.variance);
  return spread
    .slice(0, keep)
    .map(({ channel }) => channel)
    .sort((a, b) => a - b);
}

// From deep water to foam: the channel's least value to its largest.
const DEEP = [13, 38, 48];
const WATER = [62, 148, 168];
const FOAM = [247, 243, 230];

function shade(values: Float32Array, width: number, height: number): ImageData {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const image = new ImageData(width, height);
  const range = high - low || 1;
  values.forEach((value, at) => {
    const t = ((value - low) / range) * 2;
    const [from, to, part] = t < 1 ? [DEEP, WATER, t] : [WATER, FOAM, t - 1];
    for (let c = 0; c < 3; c++) image.data[at * 4 + c] = from[c]! + (to[c]! - from[c]!) * part;
    image.data[at * 4 + 3] = 255;
  });
  return image;
}
