// The model's bytes, wherever they are.

import { check, raced } from "./abort.js";
import { bad, shownValue } from "./arguments.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { ByteSource } from "./face.js";
import { PREFIX_BYTES, headerEnd } from "./header.js";
import { type HttpOptions, HttpSource } from "./http-source.js";
import { type Interval, sum } from "./intervals.js";
import { tag } from "./picture.js";
import type { ModelSource } from "./types.js";

/** How bytes are read. */
export interface Reading {
  signal?: AbortSignal | undefined;
  /** Called with how many bytes more have come; the sum over a list of ranges is their {@link ModelBytes.cost}. */
  onBytes?: ((count: number) => void) | undefined;
}

/** Where the bytes of a file's header and of some of its ranges are. */
export interface Price {
  /** All of them. */
  totalBytes: number;
  /** Of these, cached, in memory or on the disk. */
  cachedBytes: number;
  /** What would be fetched, also where that is more than the bytes that are missing. */
  downloadBytes: number;
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
  /** What reading the header and `ranges` takes, from a fresh start. */
  price(ranges: readonly Interval[]): Price;
  /** What of `ranges` is neither cached nor here. */
  uncached(ranges: readonly Interval[]): Interval[];
  /** Nothing is read for now: connections end, and what was read is kept. Reading on is possible. */
  close(): Promise<void>;
}

/**
 * Opens a model.
 *
 * @throws HeadwaterError as reading its header does.
 */
export async function openSource(model: LocatedModel, options: HttpOptions): Promise<ModelBytes> {
  return "href" in model ? HttpSource.open(model, options) : new BlobSource(model);
}

/** A model's absolute address, or its bytes. */
export type LocatedModel = URL | Blob | ArrayBuffer;

/**
 * Where a model is. `base` is what relative addresses are relative to.
 *
 * @throws HeadwaterError `bad-argument` when it is nothing that can be read.
 */
export function locate(model: ModelSource, base: string | undefined): LocatedModel {
  // By their names: they may come from another frame.
  const name = tag(model);
  if (name === "Blob" || name === "File") return model as Blob;
  if (name === "ArrayBuffer") return model as ArrayBuffer;
  if (typeof model !== "string" && name !== "URL") bad("model", model, "an address, a Blob or an ArrayBuffer");
  const url = resolve(model as string | URL, base, "model");
  if (!/^(https?|blob|data):$/.test(url.protocol)) {
    const help = "files cannot be read by address; a File from a file input is a model too";
    throw new HeadwaterError("bad-argument", `model ${shownValue(String(model))}: expected an http address (${help})`);
  }
  return url;
}

/** @throws HeadwaterError `bad-argument` when `address` is none; `what` says whose it is. */
export function resolve(address: string | URL, base: string | undefined, what: string): URL {
  try {
    return new URL(address, base);
  } catch (error) {
    const why =
      base === undefined ? "is not absolute, and there is no page that it could be relative to" : "is no address";
    throw new HeadwaterError("bad-argument", `${what} ${shownValue(String(address))} ${why}`, { cause: error });
  }
}

/** What relative addresses are relative to in this realm; undefined outside of pages and workers. */
export function baseAddress(): string | undefined {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

/** The face that the Wasm module reads through, for the time of one call. */
export function byteSource(bytes: ModelBytes, reading: Reading): ByteSource {
  return { size: bytes.size, read: (start, end) => bytes.read(start, end, reading) };
}

/** A model in memory or on the disk. */
class BlobSource implements ModelBytes {
  readonly #data: Blob | ArrayBuffer;
  #headerEnd = 0;
  readonly size: number;

  constructor(data: Blob | ArrayBuffer) {
    this.#data = data;
    this.size = "byteLength" in data ? data.byteLength : data.size;
  }

  async read(start: number, end: number, reading: Reading = {}): Promise<Uint8Array> {
    check(reading.signal);
    try {
      const part = this.#data.slice(start, end);
      const buffer = "byteLength" in part ? part : await raced(part.arrayBuffer(), reading.signal);
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
    this.#headerEnd = headerEnd(await this.read(0, Math.min(this.size, PREFIX_BYTES + 1)), "the model");
  }

  cost(ranges: readonly Interval[]): number {
    return sum(ranges);
  }

  price(ranges: readonly Interval[]): Price {
    const bytes = this.#headerEnd + sum(ranges);
    return { totalBytes: bytes, cachedBytes: bytes, downloadBytes: 0 };
  }

  uncached(): Interval[] {
    return [];
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
