// A soft round brush on a mask, in plain bytes.

import type { Alpha, Rect } from "./masks.js";

export interface Brush {
  /** Mask pixels. */
  radius: number;
  /** Restores the photograph, or erases it. */
  restores: boolean;
}

export interface Point {
  x: number;
  y: number;
}

/** Within this share of the radius the brush is firm; from there it fades. */
const FIRM = 0.6;
/** Dabs of a line lie this share of the radius apart. */
const SPACING = 0.3;

/**
 * Paints from one point to another, both in mask pixels; the same point twice is one dab. Painting over what was
 * painted changes nothing, however often a slow hand passes. Returns what may have changed.
 */
export function paintLine(mask: Alpha, from: Point, to: Point, brush: Brush): Rect | undefined {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const steps = Math.max(1, Math.ceil(length / Math.max(0.5, brush.radius * SPACING)));
  let changed: Rect | undefined;
  for (let step = length === 0 ? steps : 0; step <= steps; step++) {
    const share = step / steps;
    const at = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
    changed = union(changed, dab(mask, at, brush));
  }
  return changed;
}

function dab({ width, height, alpha }: Alpha, { x, y }: Point, { radius, restores }: Brush): Rect | undefined {
  const left = Math.max(0, Math.floor(x - radius));
  const top = Math.max(0, Math.floor(y - radius));
  const right = Math.min(width, Math.ceil(x + radius));
  const bottom = Math.min(height, Math.ceil(y + radius));
  if (left >= right || top >= bottom) return undefined;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y) / radius;
      if (distance >= 1) continue;
      const fade = Math.min(1, (1 - distance) / (1 - FIRM));
      const strength = 255 * fade * fade * (3 - 2 * fade);
      const at = row * width + column;
      alpha[at] = restores ? Math.max(alpha[at]!, strength) : Math.min(alpha[at]!, 255 - strength);
    }
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

export function union(a: Rect | undefined, b: Rect | undefined): Rect | undefined {
  if (!a || !b) return a ?? b;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}

/** The bytes of a part, row by row: a stroke is undone by putting them back. */
export function copyPart({ width, alpha }: Alpha, part: Rect): Uint8ClampedArray {
  const copy = new Uint8ClampedArray(part.width * part.height);
  for (let row = 0; row < part.height; row++) {
    const start = (part.y + row) * width + part.x;
    copy.set(alpha.subarray(start, start + part.width), row * part.width);
  }
  return copy;
}

export function putPart({ width, alpha }: Alpha, part: Rect, bytes: Uint8ClampedArray): void {
  for (let row = 0; row < part.height; row++) {
    alpha.set(bytes.subarray(row * part.width, (row + 1) * part.width), (part.y + row) * width + part.x);
  }
}
