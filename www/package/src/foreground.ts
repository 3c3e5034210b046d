// The subject's own colours in half-transparent pixels: src/image/foreground.rs in TypeScript, which says where the
// method comes from and why. Both give the same bytes, and tests/golden/edges holds both to it.

import { check } from "./abort.js";
import { breathe } from "./canvas.js";

const SMOOTHNESS = 0.001;
const EDGE_SMOOTHNESS = 0.1;
const SMALL_SIDE = 32;
const SMALL_SWEEPS = 10;
const SWEEPS = 2;
const SUBJECT_ALPHA = 230;
const BACKGROUND_ALPHA = 25;
const BAND_ROWS = 256;
const BAND_MARGIN_ROWS = 8;

/** How long is computed without a pause, in milliseconds: half of what a page takes as a delay. */
const STEP_MILLIS = 20;

/** Alpha from 0 to 1, by its byte. */
const UNIT = /* @__PURE__ */ Float64Array.from({ length: 256 }, (_, alpha) => alpha / 255);
/** How strongly neighbours are bound, by the difference of their alpha. */
const BOND = /* @__PURE__ */ UNIT.map((change) => SMOOTHNESS + EDGE_SMOOTHNESS * change);

/**
 * Takes the background's part out of the colours of all pixels whose `alpha` is neither 0 nor 255. Pixels that are
 * transparent by themselves keep their colours, and count as what they are over white.
 *
 * @param rgba `[height, width, 4]`, changed in place; its own alpha stays
 * @param alpha `[height, width]`, the mask
 * @throws HeadwaterError `aborted`
 */
export async function estimateForeground(
  rgba: Uint8ClampedArray,
  alpha: Uint8ClampedArray,
  width: number,
  height: number,
  signal?: AbortSignal,
): Promise<void> {
  const picture = new Picture(rgba, alpha, width, height, signal);
  if (!(await picture.isMixed(0, height))) return;
  let coarse = await picture.firstGuess();
  for (let level = 31 - Math.clz32(Math.max(width, height) - 1); level > 0; level -= 1) {
    coarse = await picture.solve(level, 0, picture.heightAt(level), coarse);
  }
  // The colours that later bands see are the photograph's: those of one band are written when the next is solved.
  let write = (): void => undefined;
  for (let first = 0; first < height; first += BAND_ROWS) {
    const end = Math.min(height, first + BAND_ROWS);
    if (!(await picture.isMixed(first, end))) continue;
    const top = Math.max(0, first - BAND_MARGIN_ROWS);
    const { colours } = await picture.solve(0, top, Math.min(height, end + BAND_MARGIN_ROWS), coarse);
    write();
    write = () => {
      for (let pixel = first * width; pixel < end * width; pixel += 1) {
        if (!isMixed(alpha[pixel]!) || rgba[4 * pixel + 3] !== 255) continue;
        const from = 6 * (pixel - top * width);
        for (let channel = 0; channel < 3; channel += 1) rgba[4 * pixel + channel] = colours[from + channel]!;
      }
    };
  }
  write();
}

function isMixed(alpha: number): boolean {
  return alpha !== 0 && alpha !== 255;
}

/** F and B of a level, or of some of its rows. */
interface Colours {
  width: number;
  height: number;
  /** [height, width, 6]: red, green and blue of F, then of B. */
  colours: Uint8Array;
}

class Picture {
  readonly #rgba: Uint8ClampedArray;
  readonly #alpha: Uint8ClampedArray;
  readonly #width: number;
  readonly #height: number;
  readonly #signal: AbortSignal | undefined;
  #paused = performance.now();

  constructor(
    rgba: Uint8ClampedArray,
    alpha: Uint8ClampedArray,
    width: number,
    height: number,
    signal: AbortSignal | undefined,
  ) {
    this.#rgba = rgba;
    this.#alpha = alpha;
    this.#width = width;
    this.#height = height;
    this.#signal = signal;
  }

  widthAt(level: number): number {
    return ((this.#width - 1) >> level) + 1;
  }

  heightAt(level: number): number {
    return ((this.#height - 1) >> level) + 1;
  }

  /** Whether a pixel of rows `first` to before `end` is half-transparent. */
  async isMixed(first: number, end: number): Promise<boolean> {
    const width = this.#width;
    for (let y = first; y < end; y += 1) {
      if (this.#due()) await this.#pause();
      if (this.#alpha.subarray(y * width, (y + 1) * width).some(isMixed)) return true;
    }
    return false;
  }

  /** A level of one pixel: the mean colours of subject and background, or of all where there is none of it. */
  async firstGuess(): Promise<Colours> {
    // Three colours and a count, of the subject, of the background and of all.
    const sums = [0, 1, 2].map(() => new Float64Array(4));
    const seen = new Uint8Array(4 * this.#width);
    for (let y = 0; y < this.#height; y += 1) {
      if (this.#due()) await this.#pause();
      this.#read(0, y, seen, 0);
      for (let at = 0; at < seen.length; at += 4) {
        const alpha = seen[at + 3]!;
        add(sums[2]!, seen, at);
        if (alpha >= SUBJECT_ALPHA) add(sums[0]!, seen, at);
        else if (alpha <= BACKGROUND_ALPHA) add(sums[1]!, seen, at);
      }
    }
    const means = [0, 1].flatMap((kind) => {
      const [r, g, b, count] = (sums[kind]![3]! > 0 ? sums[kind]! : sums[2]!) as unknown as number[];
      return [r!, g!, b!].map((sum) => Math.floor(sum / count! + 0.5));
    });
    return { width: 1, height: 1, colours: Uint8Array.from(means) };
  }

  /** F and B of rows `first` to before `end` of a level, starting from the next coarser one. */
  async solve(level: number, first: number, end: number, coarse: Colours): Promise<Colours> {
    const width = this.widthAt(level);
    const rows = end - first;
    const seen = new Uint8Array(4 * width * rows);
    const colours = new Uint8Array(6 * width * rows);
    for (let y = 0; y < rows; y += 1) {
      if (this.#due()) await this.#pause();
      this.#read(level, first + y, seen, 4 * width * y);
      start(seen, colours, width, y, first + y, coarse);
    }
    const sweeps = Math.max(width, this.heightAt(level)) <= SMALL_SIDE ? SMALL_SWEEPS : SWEEPS;
    for (let sweep = 0; sweep < sweeps; sweep += 1) {
      for (let y = 0; y < rows; y += 1) {
        if (this.#due()) await this.#pause();
        sweepRow(seen, colours, width, rows, y);
      }
    }
    return { width, height: rows, colours };
  }

  /** Red, green, blue and the mask of one row of a level, every `2^level`th pixel of the picture. */
  #read(level: number, y: number, seen: Uint8Array, to: number): void {
    const [rgba, width] = [this.#rgba, this.#width];
    const row = (y << level) * width;
    for (let x = 0; x < width; x += 1 << level, to += 4) {
      const from = 4 * (row + x);
      const own = rgba[from + 3]!;
      for (let channel = 0; channel < 3; channel += 1) {
        const value = rgba[from + channel]!;
        seen[to + channel] = own === 255 ? value : (value * own + 255 * (255 - own) + 127) / 255;
      }
      seen[to + 3] = this.#alpha[row + x]!;
    }
  }

  #due(): boolean {
    return performance.now() - this.#paused > STEP_MILLIS;
  }

  async #pause(): Promise<void> {
    await breathe();
    check(this.#signal);
    this.#paused = performance.now();
  }
}

function add(sums: Float64Array, seen: Uint8Array, at: number): void {
  for (let channel = 0; channel < 3; channel += 1) sums[channel]! += seen[at + channel]!;
  sums[3]! += 1;
}

/** Where a row starts from: the coarser level's colours, and what is seen where only one of F and B is. */
function start(
  seen: Uint8Array,
  colours: Uint8Array,
  width: number,
  row: number,
  y: number,
  { colours: from, width: coarseWidth, height: coarseHeight }: Colours,
): void {
  const top = 6 * coarseWidth * (y >> 1);
  const bottom = 6 * coarseWidth * Math.min((y >> 1) + (y & 1), coarseHeight - 1);
  for (let x = 0; x < width; x += 1) {
    const left = 6 * (x >> 1);
    const right = 6 * Math.min((x >> 1) + (x & 1), coarseWidth - 1);
    const pixel = row * width + x;
    const to = 6 * pixel;
    for (let channel = 0; channel < 6; channel += 1) {
      const sum =
        from[top + left + channel]! +
        from[top + right + channel]! +
        from[bottom + left + channel]! +
        from[bottom + right + channel]!;
      colours[to + channel] = (sum + 2) >> 2;
    }
    const alpha = seen[4 * pixel + 3]!;
    if (isMixed(alpha)) continue;
    const known = alpha === 255 ? to : to + 3;
    for (let channel = 0; channel < 3; channel += 1) colours[known + channel] = seen[4 * pixel + channel]!;
  }
}

/** Solves for each pixel of a row that is mixed, or next to one that is, from its neighbours as they are now. */
function sweepRow(seen: Uint8Array, colours: Uint8Array, width: number, height: number, y: number): void {
  const up = y > 0 ? -width : 0;
  const down = y + 1 < height ? width : 0;
  for (let x = 0, here = y * width; x < width; x += 1, here += 1) {
    const [left, right, above, below] = [
      here - (x > 0 ? 1 : 0),
      here + (x + 1 < width ? 1 : 0),
      here + up,
      here + down,
    ];
    const alpha = seen[4 * here + 3]!;
    const leftAlpha = seen[4 * left + 3]!;
    const rightAlpha = seen[4 * right + 3]!;
    const aboveAlpha = seen[4 * above + 3]!;
    const belowAlpha = seen[4 * below + 3]!;
    const near = isMixed(leftAlpha) || isMixed(rightAlpha) || isMixed(aboveAlpha) || isMixed(belowAlpha);
    if (!near && !isMixed(alpha)) continue;
    const front = UNIT[alpha]!;
    const back = 1 - front;
    const leftBond = BOND[Math.abs(alpha - leftAlpha)]!;
    const rightBond = BOND[Math.abs(alpha - rightAlpha)]!;
    const aboveBond = BOND[Math.abs(alpha - aboveAlpha)]!;
    const belowBond = BOND[Math.abs(alpha - belowAlpha)]!;
    const bound = leftBond + rightBond + aboveBond + belowBond;
    const frontFront = front * front + bound;
    const frontBack = front * back;
    const backBack = back * back + bound;
    const scale = 1 / (frontFront * backBack - frontBack * frontBack);
    for (let channel = 0; channel < 3; channel += 1) {
      const value = seen[4 * here + channel]!;
      let forFront = front * value;
      let forBack = back * value;
      forFront += leftBond * colours[6 * left + channel]!;
      forBack += leftBond * colours[6 * left + channel + 3]!;
      forFront += rightBond * colours[6 * right + channel]!;
      forBack += rightBond * colours[6 * right + channel + 3]!;
      forFront += aboveBond * colours[6 * above + channel]!;
      forBack += aboveBond * colours[6 * above + channel + 3]!;
      forFront += belowBond * colours[6 * below + channel]!;
      forBack += belowBond * colours[6 * below + channel + 3]!;
      const solvedFront = scale * (backBack * forFront - frontBack * forBack);
      const solvedBack = scale * (frontFront * forBack - frontBack * forFront);
      // In Rust both are solved from the neighbours before either is written, and a pixel at the rim is its own.
      colours[6 * here + channel] = toByte(solvedFront);
      colours[6 * here + channel + 3] = toByte(solvedBack);
    }
  }
}

function toByte(value: number): number {
  return Math.floor(Math.min(255, Math.max(0, value)) + 0.5);
}
