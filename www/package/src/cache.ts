// A model's bytes in the Cache API. Why not OPFS: cache entries are written whole or not at all and never change, so
// that two tabs can load at once without a lock; and they can be written from a page as well as from a worker.
// Nothing here throws: where the browser refuses (an insecure context, a private window, a full disk), nothing is kept.

import { headerEnd, statedHash } from "./header.js";
import type { Interval } from "./intervals.js";
import type { Version } from "./range.js";

/** Pieces end at multiples of this many bytes, so that an interrupted load loses one piece at most. */
export const PIECE_BYTES = 2 ** 20;

/** Begins the name of every cache; its number changes with the form of what is in them. */
const PREFIX = "headwater-1-";
const HEADERS = `${PREFIX}headers`;
/** The keys of the entries are addresses that lead nowhere. */
const NOWHERE = "https://headwater.invalid/";
/** Addresses with changing queries would pile headers up. */
const MAX_HEADERS = 8;
/** How many pieces may wait to be written, so that a slow disk does not fill the memory. */
const MAX_WAITING = 4;

/** Pieces of one model file. */
export class Pieces {
  readonly #name: string;
  readonly #cache: Cache;
  readonly #waiting = new Set<Promise<void>>();
  #known: Interval[];
  #refused = false;

  private constructor(name: string, cache: Cache, known: Interval[]) {
    this.#name = name;
    this.#cache = cache;
    this.#known = known;
  }

  /**
   * The pieces of the file whose model has the hash `sha256`. The hash is that of the graph and the weights and not
   * of the file, so the places where the weights begin and end are part of the key: bytes are kept by place.
   * Undefined where nothing can be kept.
   */
  static async open(sha256: string, weights: Interval): Promise<Pieces | undefined> {
    // The file states its hash itself; a stranger's could be anything.
    if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    const name = `${PREFIX}${sha256}-${weights[0]}-${weights[1]}`;
    try {
      const cache = await caches.open(name);
      const known = (await cache.keys()).flatMap((request) => interval(request.url));
      return new Pieces(
        name,
        cache,
        known.sort((a, b) => a[0] - b[0]),
      );
    } catch {
      return undefined;
    }
  }

  /** What is kept, by where it starts. Intervals may overlap. */
  get known(): readonly Interval[] {
    return this.#known;
  }

  /** The bytes of a known piece; undefined, and no longer known, when they are not there or not as many. */
  async take(piece: Interval): Promise<Uint8Array | undefined> {
    try {
      const entry = await this.#cache.match(address(piece));
      const bytes = entry && new Uint8Array(await entry.arrayBuffer());
      if (bytes?.length === piece[1] - piece[0]) return bytes;
      await this.#cache.delete(address(piece));
    } catch {
      // As if it were not there.
    }
    this.#known = this.#known.filter((known) => known !== piece);
    return undefined;
  }

  /** Keeps a copy of `bytes`, which start at `start` of the file. Resolves when there is room to give it more. */
  async put(start: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const piece: Interval = [start, start + bytes.length];
    if (this.#refused || bytes.length === 0) return;
    const write = this.#write(piece, bytes).finally(() => this.#waiting.delete(write));
    this.#waiting.add(write);
    if (this.#waiting.size >= MAX_WAITING) await Promise.race(this.#waiting);
  }

  /** Resolves when all that was put is kept, or has been refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting);
  }

  async #write(piece: Interval, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // A Response copies what it is made from at once.
    const kept = (): Promise<boolean> =>
      this.#cache.put(address(piece), new Response(bytes)).then(
        () => true,
        () => false,
      );
    // Most likely the disk is full: older models make room.
    if ((await kept()) || ((await this.#dropOthers()) && (await kept()))) {
      this.#known = [...this.#known, piece].sort((a, b) => a[0] - b[0]);
    } else {
      this.#refused = true;
    }
  }

  async #dropOthers(): Promise<boolean> {
    try {
      const names = await caches.keys();
      const others = names.filter((name) => name.startsWith(PREFIX) && name !== this.#name && name !== HEADERS);
      await Promise.all(others.map((name) => caches.delete(name)));
      return others.length > 0;
    } catch {
      return false;
    }
  }
}

/** A model file's header as it was last seen. */
export interface KeptHeader {
  /** The file up to where the weights begin. */
  header: Uint8Array;
  /** Of the whole file. */
  bytes: number;
  version: Version;
  /** Whether the server answered with a part of the file. */
  parts: boolean;
}

/** The header that was last seen at `url`, if it was kept. */
export async function recallHeader(url: URL): Promise<KeptHeader | undefined> {
  try {
    const entry = await (await caches.open(HEADERS)).match(headerAddress(url));
    if (!entry) return undefined;
    const header = new Uint8Array(await entry.arrayBuffer());
    const bytes = Number(entry.headers.get("x-file-bytes"));
    const version = { etag: entry.headers.get("etag"), modified: entry.headers.get("last-modified") };
    const parts = entry.headers.get("x-parts") !== "0";
    const whole = headerEnd(header, "") === header.length && Number.isSafeInteger(bytes) && bytes >= header.length;
    return whole ? { header, bytes, version, parts } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Keeps the header of the file at `url`, if the server says by what to recognise the same version again. Whether it is
 * kept.
 */
export async function keepHeader(url: URL, kept: KeptHeader): Promise<boolean> {
  const { etag, modified } = kept.version;
  if (!etag && !modified) return false;
  try {
    const headers: Record<string, string> = { "x-file-bytes": String(kept.bytes) };
    if (!kept.parts) headers["x-parts"] = "0";
    if (etag) headers["etag"] = etag;
    if (modified) headers["last-modified"] = modified;
    const cache = await caches.open(HEADERS);
    await cache.put(headerAddress(url), new Response(kept.header.slice(), { headers }));
    const old = (await cache.keys()).slice(0, -MAX_HEADERS);
    await Promise.all(old.map((request) => cache.delete(request)));
    return true;
  } catch {
    // Then it is asked for again next time.
    return false;
  }
}

/** Deletes everything that this package caches. */
export async function clearAll(): Promise<void> {
  await deleteCaches((name) => name.startsWith(PREFIX));
}

/** Deletes what is cached of the model at `url`: its header, and by the hash in it its pieces. */
export async function clearModel(url: URL): Promise<void> {
  const kept = await recallHeader(url);
  if (!kept) return;
  const sha256 = statedHash(kept.header);
  if (sha256) await deleteCaches((name) => name.startsWith(`${PREFIX}${sha256}-`));
  try {
    await (await caches.open(HEADERS)).delete(headerAddress(url));
  } catch {
    // Then there is nothing to delete.
  }
}

async function deleteCaches(which: (name: string) => boolean): Promise<void> {
  try {
    await Promise.all((await caches.keys()).filter(which).map((name) => caches.delete(name)));
  } catch {
    // Then there is nothing to delete.
  }
}

function address([start, end]: Interval): string {
  return `${NOWHERE}${start}-${end}`;
}

function headerAddress(url: URL): string {
  return `${NOWHERE}?of=${encodeURIComponent(url.href)}`;
}

function interval(url: string): Interval[] {
  const parts = /^(\d{1,15})-(\d{1,15})$/.exec(url.slice(NOWHERE.length));
  const [start, end] = [Number(parts?.[1]), Number(parts?.[2])];
  return start < end ? [[start, end]] : [];
}
