// How a cut-out is made into a file: the options, checked before anything is downloaded for them.

import { type Names, bad, checkNames, checkType, checkWord } from "./arguments.js";
import { newCanvas } from "./canvas.js";
import { type Edges, checkEdges } from "./edges.js";
import type { Mask } from "./mask.js";
import { checkSegmentOptions } from "./options.js";
import type { ImageSource, Report } from "./types.js";

/** A picture, or where one lies: an address relative to the page, or a file's bytes. */
export type PictureSource = ImageSource | string | URL | ArrayBuffer | ArrayBufferView;

/** Types of file that a cut-out can have. Browsers that cannot write WebP write PNG: the blob's `type` says which. */
export type CutoutType = "image/png" | "image/webp" | "image/jpeg";

/**
 * `cutout`: the subject, its background transparent. `background`: what lies behind the subject, the subject
 * transparent. `mask`: the mask as a grey picture, the subject white and the background black.
 */
export type CutoutOutput = "cutout" | "background" | "mask";

/** How a cut-out is made and written. */
export interface CutoutOptions {
  /** Aborts this call, whether it waits or runs. */
  signal?: AbortSignal | undefined;
  /** Width and height of the mask and the cut-out, pixels, at most 8192 a side; the upright picture's own by default. */
  maskSize?: [number, number] | undefined;
  /** What is shown; `cutout` by default. */
  output?: CutoutOutput | undefined;
  /** Type of the file; `image/png` by default. JPEG has no transparency and needs a `background`. */
  type?: CutoutType | undefined;
  /** Of WebP and JPEG, 0 to 1; 0.92 by default. */
  quality?: number | undefined;
  /** What is put behind it: a CSS colour, or a picture that is scaled to cover. An address has to be a `URL` object. */
  background?: string | Exclude<PictureSource, string> | undefined;
  /** What becomes of colours at soft edges; `clean` by default. */
  edges?: Edges | undefined;
  /** Whether the file is cropped to what is visible; false by default. */
  trim?: boolean | undefined;
}

/** A cut-out as a file. */
export interface CutoutResult {
  blob: Blob;
  /** Of the file's picture, pixels. */
  width: number;
  /** Of the file's picture, pixels. */
  height: number;
  /** Where the file's picture begins in the mask, pixels: 0 unless it was trimmed. */
  x: number;
  /** Where the file's picture begins in the mask, pixels: 0 unless it was trimmed. */
  y: number;
  /** The whole mask. */
  mask: Mask;
  report: Report;
}

/** Every option of a cut-out. */
export const CUTOUT_NAMES: Names<CutoutOptions> = {
  signal: true,
  maskSize: true,
  output: true,
  type: true,
  quality: true,
  background: true,
  edges: true,
  trim: true,
};

const OUTPUTS: readonly string[] = ["cutout", "background", "mask"] satisfies CutoutOutput[];
const TYPES: readonly string[] = ["image/png", "image/webp", "image/jpeg"] satisfies CutoutType[];

/** {@link CutoutOptions} with the defaults filled in. */
export interface CutoutSettings {
  output: CutoutOutput;
  type: CutoutType;
  quality: number;
  background: CutoutOptions["background"];
  edges: Edges;
  trim: boolean;
}

/** @throws HeadwaterError `bad-argument`, with what was expected and what was found. */
export function cutoutSettings(options: CutoutOptions): CutoutSettings {
  checkNames("cutout", options, CUTOUT_NAMES);
  checkSegmentOptions({ signal: options.signal, maskSize: options.maskSize });
  const { output = "cutout", type = "image/png", quality = 0.92, edges = "clean", trim = false, background } = options;
  checkWord("output", output, OUTPUTS);
  checkWord("type", type, TYPES);
  if (!(typeof quality === "number" && quality >= 0 && quality <= 1)) bad("quality", quality, "a number from 0 to 1");
  checkEdges(edges);
  checkType("trim", trim, "boolean");
  if (typeof background === "string") checkColour(background);
  else if (background !== undefined && (typeof background !== "object" || background === null)) {
    bad("background", background, "a CSS colour or a picture");
  }
  if (background !== undefined && output === "mask") bad("background", background, "none, for a mask has no colours");
  if (background === undefined && type === "image/jpeg" && output !== "mask") {
    bad("background", background, "a colour such as white, for image/jpeg has no transparency");
  }
  return { output, type, quality, background, edges, trim };
}

/** A context takes over what it can read as a colour and ignores everything else. */
function checkColour(colour: string): void {
  // Outside of browsers there is no canvas, and nothing that could be drawn.
  if (typeof OffscreenCanvas === "undefined" && typeof document === "undefined") return;
  const [, context] = newCanvas(1, 1, true);
  const taken = ["#010203", "#030201"].map((before) => {
    context.fillStyle = before;
    context.fillStyle = colour;
    return context.fillStyle;
  });
  if (taken[0] !== taken[1]) {
    bad("background", colour, "a CSS colour (a picture's address has to be a URL object)");
  }
}
