// The model's bytes, wherever they are.

import { check, raced } from "./abort.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { ByteSource } from "./face.js";
import { type HttpOptions, HttpSource } from "./http-source.js";
import { type Interval, sum } from "./intervals.js";
import type { ModelSource } from "./types.js";

/** How bytes are read. */
export interface Reading {
  signal?: AbortSignal | undefined;
  /** Told how many bytes more have come; the sum over a list of ranges is their {@link ModelBytes.cost}. */
  onBytes?: ((count: number) => void) | undefined;
}

/** A model file that can be read by range. */
export interface ModelBytes {
  /** Of the whole file, bytes. */
  readonly size: number;
  /**
   * Exactly the bytes from `start` to before `end`.
   *
   * @throws HeadwaterError `download`, `bad-model`, `io`, `timeout`, `aborted`
   */
  read(start: number, end: number, reading?: Reading): Promise<Uint8Array>;
  /** Says which model it is: from now on its bytes are kept, and those that were kept are used. */
  identify(sha256: string): Promise<void>;
  /** How many bytes reading `ranges`, in order, will tell of. */
  cost(ranges: readonly Interval[]): number;
  /** Nothing is read for now: connections end, and what was read is kept. Reading on is possible. */
  close(): Promise<void>;
}

/**
 * Opens a model. `base` is what relative addresses are relative to.
 *
 * @throws HeadwaterError `bad-argument` when it is nothing that can be read; else as reading its header does.
 */
export async function openSource(model: ModelSource, base: string, options: HttpOptions): Promise<ModelBytes> {
  if (typeof Blob !== "undefined" && model instanceof Blob) return new BlobSource(model);
  if (model instanceof ArrayBuffer) return new BlobSource(model);
  if (typeof model !== "string" && !(model instanceof URL)) {
    throw new HeadwaterError("bad-argument", "model: expected an address, a Blob or an ArrayBuffer");
  }
  const url = resolve(model, base, "model");
  if (!/^(https?|blob|data):$/.test(url.protocol)) {
    const help = "pages cannot read files by address; a File from a file input is a model too";
    throw new HeadwaterError(
      "bad-argument",
      `model ${String(model).slice(0, 200)}: expected an http address (${help})`,
    );
  }
  return HttpSource.open(url, options);
}

/** @throws HeadwaterError `bad-argument` when `address` is none; `what` says whose it is. */
export function resolve(address: string | URL, base: string, what: string): URL {
  try {
    return new URL(address, base);
  } catch (error) {
    throw new HeadwaterError("bad-argument", `${what} ${String(address).slice(0, 200)} is no address`, {
      cause: error,
    });
  }
}

/** What relative addresses are relative to in this realm. */
export function baseAddress(): string {
  return typeof document !== "undefined" ? document.baseURI : location.href;
}

/** The face that the Wasm module reads through, for the time of one call. */
export function byteSource(bytes: ModelBytes, reading: Reading): ByteSource {
  return { size: bytes.size, read: (start, end) => bytes.read(start, end, reading) };
}

/** A model in memory or on the disk. */
class BlobSource implements ModelBytes {
  readonly #data: Blob | ArrayBuffer;
  readonly size: number;

  constructor(data: Blob | ArrayBuffer) {
    this.#data = data;
    this.size = data instanceof ArrayBuffer ? data.byteLength : data.size;
  }

  async read(start: number, end: number, reading: Reading = {}): Promise<Uint8Array> {
    check(reading.signal);
    try {
      const part = this.#data.slice(start, end);
      const buffer = part instanceof ArrayBuffer ? part : await raced(part.arrayBuffer(), reading.signal);
      if (buffer.byteLength !== end - start) {
        const found = `found ${buffer.byteLength}`;
        throw new HeadwaterError("bad-model", `bytes ${start} to ${end}: expected ${end - start}, ${found}`);
      }
      reading.onBytes?.(buffer.byteLength);
      return new Uint8Array(buffer);
    } catch (error) {
      throw wrap(error, "io", "the model cannot be read");
    }
  }

  async identify(): Promise<void> {
    // The bytes are here already.
  }

  cost(ranges: readonly Interval[]): number {
    return sum(ranges);
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
