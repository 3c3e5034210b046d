// What a page and its worker say to each other over a segmenter's port.

import type { Code } from "./errors.js";
import type { SegmenterEventType } from "./events.js";
import type {
  Crossing,
  ImageSource,
  LoadOptions,
  ModelDescription,
  Progress,
  Report,
  SegmentOptions,
} from "./types.js";

/** Comes with the port. Other messages of the worker's own are left alone. */
export const CONNECT = "headwater-connect";

/** What of the options a message can carry. Addresses are absolute. */
export type PortableOptions = Omit<LoadOptions, "signal" | "onProgress" | "wasm"> & {
  wasm: string | WebAssembly.Module | undefined;
};

/** Images that a message can carry. */
export type PortableImage = Exclude<ImageSource, HTMLElement | OffscreenCanvas>;

/** From the page. */
export type ToWorker =
  | { type: "load"; id: number; model: string | Blob | ArrayBuffer; options: PortableOptions }
  | { type: "segment"; id: number; image: PortableImage; options: Omit<SegmentOptions, "signal"> }
  | { type: "abort"; id: number }
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
