// What a page and its worker say to each other over a segmenter's port.

import type { Code } from "./errors.js";
import type { SegmenterEventType } from "./events.js";
import type { Probe } from "./probe-result.js";
import type {
  Crossing,
  HeaderValues,
  ImageSource,
  LoadOptions,
  ModelDescription,
  Progress,
  Report,
  SegmentOptions,
} from "./types.js";

/** Comes with the port. Other messages of the worker's own are left alone. */
export const CONNECT = "headwater-connect";

/** The options that may be functions, which no message carries: the worker asks for their values when it needs them. */
export type HeaderOption = "headers" | "modelHeaders";

/** What of the options a message can carry. Addresses are absolute. */
export type PortableOptions = Omit<LoadOptions, "signal" | "onProgress" | "wasm" | "server" | HeaderOption> & {
  server: string | undefined;
  wasm: string | WebAssembly.Module | undefined;
} & Record<HeaderOption, HeaderValues | undefined>;

/** Images that a message can carry. */
export type PortableImage = Exclude<ImageSource, HTMLElement | OffscreenCanvas>;

/** From the page. */
export type ToWorker =
  | { type: "load"; id: number; model: string | Blob | ArrayBuffer; options: PortableOptions; asked: HeaderOption[] }
  | { type: "probe"; id: number; wasm: string | WebAssembly.Module | undefined }
  | { type: "segment"; id: number; image: PortableImage; options: Omit<SegmentOptions, "signal"> }
  | { type: "abort"; id: number }
  | { type: "headers"; id: number; headers: HeaderValues }
  | { type: "headers"; id: number; code: Code; message: string }
  | { type: "release" };

/** What can change while a segmenter lives. */
export interface State {
  split: string;
  reasons: readonly string[];
}

/** From the worker. */
export type FromWorker =
  | { type: "progress"; progress: Progress }
  | { type: "loaded"; id: number; model: ModelDescription; state: State }
  | { type: "probed"; id: number; probe: Probe }
  | { type: "ask"; id: number; option: HeaderOption }
  | { type: "result"; id: number; result: PortableResult; state: State }
  | { type: "failed"; id: number; code: Code; message: string; state: State | undefined }
  | { type: "event"; name: SegmenterEventType; reason: string; state: State };

/** A result whose mask is bare: [height, width] bytes. */
export interface PortableResult {
  alpha: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  report: Report;
  crossing: Crossing | undefined;
}
