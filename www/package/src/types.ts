// The public types that are plain data. They cross to the worker as they are.

import type { Mask } from "./mask.js";

/** How tensors travel: 4 bytes, 2 bytes, or 1 byte a value with one scale a channel. */
export type Codec = "f32" | "f16" | "int8";

/** How the layers on this device keep numbers in its memory; sums are f32 either way. */
export type Precision = "f32" | "f16";

/** Where a model comes from. Strings are addresses, relative to the page. */
export type ModelSource = string | URL | Blob | ArrayBuffer;

/** The instances of a global class; `never` where the TypeScript library in use lacks it, as a worker's lacks elements. */
export type Global<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : never;

/** Anything that can be segmented. */
export type ImageSource =
  | ImageBitmap
  | ImageData
  | Global<"HTMLCanvasElement">
  | OffscreenCanvas
  | Global<"HTMLImageElement">
  | Global<"HTMLVideoElement">
  | VideoFrame
  | Blob;

/** Headers of a request, by their names. */
export type HeaderValues = Readonly<Record<string, string>>;

/** The same, or a function that is called before each request, such as one that renews a token. */
export type RequestHeaders = HeaderValues | (() => HeaderValues | Promise<HeaderValues>);

/**
 * A step of loading. `runtime`: the Wasm module, `loaded` of `total` 1. `model`: the file's header, bytes.
 * `weights`: this client's part of the file, bytes from the network or the cache. `prepare`: weights packed and
 * pipelines made, pieces of work. `total` is null while nobody knows it.
 */
export interface Progress {
  stage: "runtime" | "model" | "weights" | "prepare";
  loaded: number;
  total: number | null;
}

/** How a segmenter is loaded. */
export interface LoadOptions {
  /**
   * `http` or `https` address that goes before `/v2`; may be relative to the page, and then begins with `/` or `.`.
   * `load` asks the server for its description of the model, unless `split` is `local`.
   */
  server?: string | URL | undefined;
  /** Headers of every request to `server`, such as `Authorization`. */
  headers?: RequestHeaders | undefined;
  /** Whether requests to `server` carry cookies; `same-origin` by default, as with `fetch`. */
  credentials?: RequestCredentials | undefined;
  /** Headers of every request for the model's file, if that has an address. */
  modelHeaders?: RequestHeaders | undefined;
  /** Whether requests for the model's file carry cookies; `same-origin` by default. */
  modelCredentials?: RequestCredentials | undefined;
  /** `auto` (the default), `local`, `remote`, or a split of the model such as `U3`. */
  split?: string | undefined;
  /** Pixels that the net runs at: one side, or width and height. Without it the size the model was made for. */
  size?: number | [number, number] | undefined;
  /** How tensors cross to the server; `f16` by default. */
  codec?: Codec | undefined;
  /**
   * `f32` (the default), or `f16`: half the memory of the GPU, and masks that differ by fractions of a level. Where
   * the GPU's shaders have no f16, or it computes wrongly in it, it is f32 all the same and a report's `fallback`
   * says why.
   */
  precision?: Precision | undefined;
  /**
   * `remote`: where this device cannot run its part, the picture itself is posted to `server`. `none`: it is not; the
   * call rejects, and `auto` does not choose `remote` either. The default is `none` for split `local` and `remote`
   * for all others.
   */
  fallback?: "remote" | "none" | undefined;
  /** Milliseconds that one post may take, from its start to the answer's last byte; 120,000 by default. */
  timeout?: number | undefined;
  /** Whether the model's bytes are kept in the browser's Cache API; true by default. */
  cache?: boolean | undefined;
  /** Where headwater_bg.wasm lies, for bundlers that do not follow `new URL(…, import.meta.url)`. */
  wasm?: URL | string | WebAssembly.Module | undefined;
  /** Aborts the loading. */
  signal?: AbortSignal | undefined;
  /** Called as loading goes on, and no more once `load` has settled or `signal` is aborted. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * What is at work on a picture: `picture`, the browser decodes or encodes it; `device`, layers run here; `server`, they
 * run there. In a split net `device` comes before and after `server`.
 */
export type SegmentStage = "picture" | "device" | "server";

/** How one picture is segmented. */
export interface SegmentOptions {
  /** Called as work on the picture goes on, and no more once `segment` has settled or `signal` is aborted. */
  onProgress?: ((progress: { stage: SegmentStage }) => void) | undefined;
  /** Aborts this call, whether it waits or runs. */
  signal?: AbortSignal | undefined;
  /** Width and height of the mask, pixels, at most 8192 a side; the upright picture's own by default. */
  maskSize?: [number, number] | undefined;
  /** Whether the tensors that crossed to the server come back with the result. */
  keepCrossing?: boolean | undefined;
}

/** A mask and what it cost. */
export interface SegmentResult {
  mask: Mask;
  report: Report;
  /** Undefined unless `keepCrossing` was asked for and something crossed. */
  crossing: Crossing | undefined;
}

/** The tensors that crossed, as the other end sees them: after the codec. */
export interface Crossing {
  up: CrossingTensor[];
  down: CrossingTensor[];
}

/** One tensor that crossed. */
export interface CrossingTensor {
  /** Its name in the model. */
  tensor: string;
  /** [1, channels, height, width] */
  shape: number[];
  /** Row-major. */
  values: Float32Array;
}

/** A model, at the size that the segmenter runs it at. */
export interface ModelDescription {
  name: string;
  /** What client and server compare; 64 hexadecimal digits. */
  sha256: string;
  /** SPDX expression of the weights' licence, or `unknown`. */
  licence: string;
  /** Where the weights come from. */
  origin: string;
  /** Width, height that the net runs at. */
  size: [number, number];
  /** Multiples of this number are the widths and heights that the net can run at; null: it runs at `size` only. */
  sizeMultiple: number | null;
  /** How many. */
  weights: number;
  weight_bytes: number;
  /** Multiply-adds of one picture. */
  macs: number;
  file_bytes: number;
  /** The named splits, `local` and `remote`. */
  splits: SplitDescription[];
  /** The net in the order in which it runs, in groups; their `sides` stand in the order of `splits`. */
  stages: { name: string; macs: number; sides: ("head" | "body" | "tail")[] }[];
}

/** What one split leaves to whom. */
export interface SplitDescription {
  name: string;
  client_macs: number;
  server_macs: number;
  /** Of the model file, that this client reads. */
  client_weight_bytes: number;
  /** Values that cross, both ways together. */
  cut_values: number;
  up: { tensor: string; shape: number[] }[];
  down: { tensor: string; shape: number[] }[];
}

/** What one picture cost. The keys are those of `headwater segment --json`. */
export interface Report {
  model: string;
  model_sha256: string;
  /** Width, height that the net ran at. */
  size: [number, number];
  split: string;
  codec: string;
  /** What ran the client's layers; null where there were none. */
  adapter: { name: string; type: string; backend: string; f16: boolean } | null;
  client_macs: number;
  server_macs: number;
  client_weight_bytes: number;
  /** HTTP body of the request. */
  up_bytes: number;
  /** HTTP body of the answer. */
  down_bytes: number;
  /** From the picture to the crossing tensors; of a local run, to the mask. */
  head_millis: number;
  encode_millis: number;
  /** From the first byte sent to the last received, less the server's work. */
  network_millis: number;
  server_millis: number;
  queue_millis: number;
  decode_millis: number;
  tail_millis: number;
  total_millis: number;
  /** Once a session, not in the total. */
  setup_millis: number;
  gpu_dispatches: number;
  gpu_submits: number;
  gpu_readbacks: number;
  gpu_peak_bytes: number;
  /** What ran the server's layers, by its own account. */
  executor: string;
  /** Why the run was not as asked for; null when it was. */
  fallback: string | null;
}
