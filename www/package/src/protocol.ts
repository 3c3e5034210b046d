// What a page and its worker say to each other over a segmenter's port.

import type { CutoutOptions, CutoutResult } from "./cutout-options.js";
import type { Code } from "./errors.js";
import type { SegmenterEventType } from "./events.js";
import type { MaskBytes } from "./mask.js";
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
  SegmentStage,
} from "./types.js";

/** The options that may be functions, which no message carries: the worker asks for their values when it needs them. */
export type HeaderOption = "headers" | "modelHeaders";

/** What of the options a message can carry. Addresses are absolute. */
export type PortableOptions = Omit<LoadOptions, "signal" | "onProgress" | "wasm" | "server" | HeaderOption> & {
  server: string | undefined;
  wasm: string | WebAssembly.Module | undefined;
} & Record<HeaderOption, HeaderValues | undefined>;

/** Images that a message can carry. */
export type PortableImage = Exclude<ImageSource, HTMLElement | OffscreenCanvas>;

/** A model and its options; `asked` are those that are functions. */
export interface PortableLoad {
  model: string | Blob | ArrayBuffer;
  options: PortableOptions;
  asked: HeaderOption[];
}

/** What is asked about a model by itself. */
export type SurveyName = "estimate" | "isCached" | "preload";

/** From the page. */
export type ToWorker =
  | ({ type: "load"; id: number } & PortableLoad)
  | ({ type: "survey"; id: number; what: SurveyName } & PortableLoad)
  | { type: "probe"; id: number; wasm: string | WebAssembly.Module | undefined }
  | { type: "segment"; id: number; image: PortableImage; options: Omit<SegmentOptions, "signal" | "onProgress"> }
  | { type: "cutout"; id: number; image: PortableImage; options: PortableCutoutOptions }
  | { type: "abort"; id: number }
  | { type: "headers"; id: number; headers: HeaderValues }
  | { type: "headers"; id: number; code: Code; message: string }
  | { type: "release" };

/** Options of a cut-out as a message carries them; the background's picture is fetched. */
export type PortableCutoutOptions = Omit<CutoutOptions, "signal" | "background"> & {
  background: string | PortableImage | undefined;
};

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
  | { type: "stage"; id: number; stage: SegmentStage }
  | { type: "result"; id: number; result: PortableResult; state: State }
  | { type: "cut"; id: number; result: PortableCutout; state: State }
  | { type: "value"; id: number; value: unknown }
  | { type: "failed"; id: number; code: Code; message: string; state: State | undefined }
  | { type: "event"; name: SegmenterEventType; reason: string; state: State };

/** A mask that is bare: [height, width] bytes. */
export interface PortableMask {
  alpha: MaskBytes;
  width: number;
  height: number;
}

/** A cut-out's file and its bare mask. */
export type PortableCutout = Omit<CutoutResult, "mask"> & { mask: PortableMask };

/** A result whose mask is bare. */
export interface PortableResult extends PortableMask {
  report: Report;
  crossing: Crossing | undefined;
}
