// The generated Wasm module as this package sees it. What src/wasm.rs exports has to fit these types.

import type { Codec, ModelDescription, Precision, Report } from "./types.js";

/** A model's bytes by range. `size` is the file's; `read` resolves to exactly `end - start` bytes. */
export interface ByteSource {
  readonly size: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Carries one request of the Open Inference Protocol. */
export interface ServerFace {
  /** Without a slash at its end. */
  readonly address: string;
  /** `path` starts with a slash. Without `body` it is a GET. */
  send(
    path: string,
    jsonBytes: number | undefined,
    body: Uint8Array | undefined,
    maxAnswerBytes: number,
  ): Promise<ServerAnswer>;
}

/** A whole answer, whatever its status. */
export interface ServerAnswer {
  status: number;
  /** `Inference-Header-Content-Length`, as it came. */
  jsonBytes: string | undefined;
  /** Empty where none is given. */
  contentType: string;
  /** Seconds, of `Retry-After`. */
  retryAfter: number | undefined;
  body: Uint8Array;
  /** Bytes of the body as it travelled: fewer than it has where HTTP compressed it. */
  receivedBytes: number;
}

/** What drives the adapter. */
export interface DeviceInfo {
  name: string;
  type: "discrete" | "integrated" | "virtual" | "cpu" | "other";
  backend: string;
  driver: string;
  f16: boolean;
}

/** An open GPU device. */
export interface WasmDevice {
  info(): DeviceInfo;
  /** The longest side, in pixels, of a picture that it takes. */
  max_picture_side(): number;
  measure(): Promise<{ f32_gflops: number }>;
  /** Why it is gone, once it is. */
  lost(): string | undefined;
  allocated_bytes(): number;
  destroy(): void;
  free(): void;
}

/** A model's checked header. */
export interface WasmModel {
  describe(size: [number, number] | undefined): ModelDescription;
  weight_ranges(split: string): [number, number][];
  free(): void;
}

/** What a session gives for one picture. Its values are made anew each time that they are asked for. */
export interface WasmResult {
  /** [mask_height, mask_width], row by row. */
  readonly alpha: Uint8Array;
  readonly report: Report;
  readonly crossing: object | undefined;
  free(): void;
}

/** The kinds of image that every adapter takes. The module knows more, which only some do. */
export type Pixels = ImageBitmap | ImageData;

/** One model, one split, one size, ready to run. */
export interface WasmSession {
  segment(
    image: Pixels,
    width: number,
    height: number,
    mask_width: number,
    mask_height: number,
    keep_crossing: boolean,
  ): Promise<WasmResult>;
  segment_encoded(
    content_type: string,
    bytes: Uint8Array,
    mask_width: number,
    mask_height: number,
  ): Promise<WasmResult>;
  free(): void;
}

/** The module's exports. */
export interface WasmModule {
  /** `listener` hears of a bug that has ended the module; what is pending then never settles. */
  on_panic(listener: (message: string) => void): void;
  default(options: { module_or_path: Response | WebAssembly.Module }): Promise<unknown>;
  Device: { open(): Promise<WasmDevice> };
  Model: { open(source: ByteSource): Promise<WasmModel> };
  Session: {
    open(
      model: WasmModel,
      source: ByteSource,
      options: { split: string; size: [number, number]; codec: Codec; precision: Precision },
      device: WasmDevice,
      server: ServerFace | undefined,
      on_weight: (done: number, total: number) => void,
    ): Promise<WasmSession>;
    open_remote(
      model: WasmModel,
      source: ByteSource,
      options: { split: string; size: [number, number]; codec: Codec; precision: Precision },
      server: ServerFace,
    ): Promise<WasmSession>;
  };
}
