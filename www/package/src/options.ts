// Options, checked before anything is downloaded for them.

import { HeadwaterError } from "./errors.js";
import { MAX_SIDE } from "./limits.js";
import { Server } from "./server.js";
import type { Codec, LoadOptions, Precision, Progress, SegmentOptions } from "./types.js";

const CODECS: readonly string[] = ["f32", "f16", "int8"] satisfies Codec[];
const PRECISIONS: readonly string[] = ["f32", "f16"] satisfies Precision[];

/** {@link LoadOptions} with the defaults filled in. */
export interface Settings {
  server: Server | undefined;
  split: string;
  size: [number, number] | undefined;
  codec: Codec;
  precision: Precision;
  /** Whether the picture may be posted where nobody asked for `remote`. */
  postable: boolean;
  cache: boolean;
  wasm: LoadOptions["wasm"];
  tell: (progress: Progress) => void;
}

/** @throws HeadwaterError `bad-argument`, with what was expected and what was found. */
export function settingsOf(options: LoadOptions, base: string): Settings {
  const { split = "auto", codec = "f16", precision = "f32", fallback = "remote", size } = options;
  if (typeof split !== "string" || split === "") bad("split", split, "auto, local, remote or a split's name");
  if (!CODECS.includes(codec)) bad("codec", codec, "f32, f16 or int8");
  if (!PRECISIONS.includes(precision)) bad("precision", precision, "f32 or f16");
  if (fallback !== "remote" && fallback !== "none") bad("fallback", fallback, "remote or none");
  const sides = typeof size === "number" ? ([size, size] as [number, number]) : size;
  if (sides !== undefined) checkSides("size", sides);
  const server = options.server === undefined ? undefined : new Server(options.server, base, options.timeout);
  if (!server && split !== "auto" && split !== "local")
    bad("server", undefined, `the address of one, for split ${split}`);
  return {
    server,
    split,
    size: sides && [sides[0], sides[1]],
    codec,
    precision,
    postable: fallback === "remote",
    cache: options.cache ?? true,
    wasm: options.wasm,
    tell: options.onProgress ?? (() => undefined),
  };
}

/** @throws HeadwaterError `bad-argument` when the mask's size is none. */
export function checkSegmentOptions({ maskSize }: SegmentOptions): void {
  if (maskSize !== undefined) checkSides("maskSize", maskSize);
}

function checkSides(name: string, sides: [number, number]): void {
  const fits = (side: unknown): boolean =>
    Number.isInteger(side) && (side as number) >= 1 && (side as number) <= MAX_SIDE;
  if (!Array.isArray(sides) || sides.length !== 2 || !sides.every(fits)) {
    bad(name, sides, `whole pixels, 1 to ${MAX_SIDE} a side`);
  }
}

function bad(name: string, found: unknown, expected: string): never {
  throw new HeadwaterError("bad-argument", `${name} ${JSON.stringify(found) ?? "is missing"}: expected ${expected}`);
}
