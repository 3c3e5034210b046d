// Options, checked before anything is downloaded for them.

import { type Names, bad, checkNames, checkSignal, checkType, checkWord } from "./arguments.js";
import { MAX_SIDE } from "./limits.js";
import { tag } from "./picture.js";
import { type Carried, checkCarried } from "./requests.js";
import { Server } from "./server.js";
import type { Codec, LoadOptions, Precision, SegmentOptions } from "./types.js";

const CODECS: readonly string[] = ["f32", "f16", "int8"] satisfies Codec[];
const PRECISIONS: readonly string[] = ["f32", "f16"] satisfies Precision[];

/** Every option of `load`. */
export const LOAD_NAMES: Names<LoadOptions> = {
  server: true,
  headers: true,
  credentials: true,
  modelHeaders: true,
  modelCredentials: true,
  split: true,
  size: true,
  codec: true,
  precision: true,
  fallback: true,
  timeout: true,
  cache: true,
  wasm: true,
  signal: true,
  onProgress: true,
};

const SEGMENT_NAMES: Names<SegmentOptions> = {
  signal: true,
  maskSize: true,
  keepCrossing: true,
  onProgress: true,
};

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
  /** What requests for the model's file carry. */
  model: Carried;
}

/**
 * Checks the options of `load`. `names` are those that are allowed, `base` is what addresses are relative to.
 *
 * @throws HeadwaterError `bad-argument`, with what was expected and what was found.
 */
export function settingsOf(
  options: LoadOptions,
  base: string | undefined,
  names: Readonly<Record<string, true>> = LOAD_NAMES,
): Settings {
  checkNames("load", options, names);
  const { split = "auto", codec = "f16", precision = "f32", size, cache = true, wasm } = options;
  const { fallback = split === "local" ? "none" : "remote" } = options;
  if (typeof split !== "string" || split === "") bad("split", split, "auto, local, remote or a split's name");
  checkWord("codec", codec, CODECS);
  checkWord("precision", precision, PRECISIONS);
  checkWord("fallback", fallback, ["remote", "none"]);
  checkType("cache", cache, "boolean");
  checkType("onProgress", options.onProgress, "function");
  checkSignal(options.signal);
  if (!(wasm === undefined || typeof wasm === "string" || ["URL", "WebAssembly.Module"].includes(tag(wasm)))) {
    bad("wasm", wasm, "an address or a WebAssembly.Module");
  }
  const sides = typeof size === "number" ? ([size, size] as [number, number]) : size;
  if (sides !== undefined) checkSides("size", sides);
  const carried: Carried = { name: "headers", headers: options.headers, credentials: options.credentials };
  const model: Carried = {
    name: "modelHeaders",
    headers: options.modelHeaders,
    credentials: options.modelCredentials,
  };
  checkCarried(carried);
  checkCarried(model);
  const server = options.server === undefined ? undefined : new Server(options.server, base, options.timeout, carried);
  if (!server && split !== "auto" && split !== "local") {
    bad("server", undefined, `the address of one, for split ${split}`);
  }
  const postable = fallback === "remote";
  return {
    server,
    split,
    size: sides && [sides[0], sides[1]],
    codec,
    precision,
    postable,
    cache,
    wasm,
    model,
  };
}

/** @throws HeadwaterError `bad-argument` when an option of `segment` is unknown or none. */
export function checkSegmentOptions(options: SegmentOptions): void {
  checkNames("segment", options, SEGMENT_NAMES);
  checkSignal(options.signal);
  checkType("onProgress", options.onProgress, "function");
  checkType("keepCrossing", options.keepCrossing, "boolean");
  if (options.maskSize !== undefined) checkSides("maskSize", options.maskSize);
}

function checkSides(name: string, sides: unknown): void {
  const fits = (side: unknown): boolean =>
    Number.isInteger(side) && (side as number) >= 1 && (side as number) <= MAX_SIDE;
  if (!Array.isArray(sides) || sides.length !== 2 || !sides.every(fits)) {
    bad(name, sides, `whole pixels, 1 to ${MAX_SIDE} a side`);
  }
}
