// Masks as plain bytes: resized, trimmed, looked at. Nothing here needs a document, so workers use it too.

export interface Alpha {
  width: number;
  height: number;
  /** [height, width], 0 to 255 */
  alpha: Uint8ClampedArray;
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Pixels fainter than this count as empty when edges are trimmed and when a finger looks for a piece. */
const FAINT = 24;
/** The longer side of a mask in memory: a panorama's shorter side may then be less than the net gave. */
const LONGEST_MASK = 4096;

/**
 * The size of the mask to ask for: in the photograph's proportions, with all that a net of `netSide` pixels can say,
 * and not more. Full-size masks are made from it when a file is written.
 */
export function maskSizeOf(photo: { width: number; height: number }, netSide: number): [number, number] {
  const { width, height } = photo;
  const factor = Math.min(1, netSide / Math.min(width, height), LONGEST_MASK / Math.max(width, height));
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
}

/** The mask's part that shows something, in mask pixels; undefined where nothing does. */
export function extent({ width, height, alpha }: Alpha): Rect | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (alpha[y * width + x]! < FAINT) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  if (right < 0) return undefined;
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** The same in pixels of a photograph of that size, rounded outwards. */
export function cropOf(mask: Alpha, photo: { width: number; height: number }): Rect | undefined {
  const found = extent(mask);
  if (!found) return undefined;
  const [scaleX, scaleY] = [photo.width / mask.width, photo.height / mask.height];
  const x = Math.floor(found.x * scaleX);
  const y = Math.floor(found.y * scaleY);
  const right = Math.min(photo.width, Math.ceil((found.x + found.width) * scaleX));
  const bottom = Math.min(photo.height, Math.ceil((found.y + found.height) * scaleY));
  return { x, y, width: right - x, height: bottom - y };
}

/** Whether something is seen at a point in shares of the photograph's width and height. */
export function isVisible(mask: Alpha, shareX: number, shareY: number): boolean {
  const column = Math.floor(shareX * mask.width);
  const row = Math.floor(shareY * mask.height);
  if (column < 0 || row < 0 || column >= mask.width || row >= mask.height) return false;
  return mask.alpha[row * mask.width + column]! >= FAINT;
}

/** The part `from` of a mask (mask pixels, fractions allowed) at another size: a triangle filter, bilinear upwards. */
export function resizeMask(mask: Alpha, width: number, height: number, from?: Rect): Alpha {
  const part = from ?? { x: 0, y: 0, width: mask.width, height: mask.height };
  const whole = part.x === 0 && part.y === 0 && part.width === mask.width && part.height === mask.height;
  if (whole && width === mask.width && height === mask.height) return mask;
  const across = taps(mask.width, part.x, part.width, width);
  const down = taps(mask.height, part.y, part.height, height);
  // Only the rows that the second pass reads.
  const first = down.starts[0]!;
  const last = Math.max(...down.starts.map((start, at) => start + down.weights[at]!.length));
  const rows = new Float32Array((last - first) * width);
  for (let y = first; y < last; y++) {
    const row = y * mask.width;
    for (let x = 0; x < width; x++) {
      const start = row + across.starts[x]!;
      const weights = across.weights[x]!;
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * mask.alpha[start + tap]!;
      rows[(y - first) * width + x] = sum;
    }
  }
  const alpha = new Uint8ClampedArray(width * height);
  for (let y = 0; y < height; y++) {
    const start = (down.starts[y]! - first) * width;
    const weights = down.weights[y]!;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * rows[start + tap * width + x]!;
      alpha[y * width + x] = sum;
    }
  }
  return { width, height, alpha };
}

/** For each of `count` outputs: its first input and the weights from there on. */
function taps(inputs: number, from: number, length: number, count: number): { starts: number[]; weights: number[][] } {
  const scale = length / count;
  const reach = Math.max(1, scale);
  const starts: number[] = [];
  const weights: number[][] = [];
  for (let at = 0; at < count; at++) {
    const centre = from + (at + 0.5) * scale - 0.5;
    const first = Math.max(0, Math.min(inputs - 1, Math.floor(centre - reach) + 1));
    const last = Math.max(first, Math.min(inputs - 1, Math.ceil(centre + reach) - 1));
    const raw = Array.from({ length: last - first + 1 }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap - centre) / reach),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    starts.push(first);
    weights.push(sum > 0 ? raw.map((weight) => weight / sum) : [1]);
  }
  return { starts, weights };
}
