// What a placement costs to load, what of it is cached, and caching it beforehand: without a session and without weights
// in the memory of the GPU.

import { check, raced } from "./abort.js";
import { alive } from "./alive.js";
import { recallHeader } from "./cache.js";
import { addressOf } from "./clear.js";
import { callBack } from "./callback.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { Interval } from "./intervals.js";
import { checkRunnable, chooseSplit, lease } from "./load.js";
import { type Settings, settingsOf } from "./options.js";
import { runtime } from "./runtime.js";
import { serverTrouble } from "./server-check.js";
import { type LocatedModel, type ModelBytes, baseAddress, byteSource, locate, openSource } from "./source.js";
import type { LoadOptions, ModelDescription, ModelSource } from "./types.js";

/** What loading a model with the same options would take. */
export interface Estimate {
  /** What the model's header says, at the size that was asked for. */
  model: ModelDescription;
  /** `local`, `remote` or the split's name: what `auto` chooses on this device. */
  split: string;
  /** Why this split, in sentences. */
  reasons: readonly string[];
  /** Of the model file, that this split reads: its header and this client's weights. */
  totalBytes: number;
  /** Of {@link totalBytes}, already in the browser's cache, in memory or on the disk. */
  cachedBytes: number;
  /** What a load would fetch of the model file, in bytes; bodies only, without HTTP's own headers. */
  downloadBytes: number;
}

/** Bytes that {@link preload} holds at once. */
const CHUNK_BYTES = 8 * 2 ** 20;

/**
 * Reads the model's header, where it is not cached, and nothing else.
 *
 * @throws HeadwaterError as `Segmenter.load` does until weights are read
 */
export function estimate(model: ModelSource, options: LoadOptions = {}): Promise<Estimate> {
  return surveyed(model, options, false, async ({ bytes, ranges, model, split, reasons }) => {
    // What came behind the header is cached by now.
    await bytes.close();
    return { model, split, reasons, ...bytes.price(ranges) };
  });
}

/**
 * Whether all that a load needs of the model file is in the browser's cache (or the model is in memory or on the disk),
 * in the version that was seen last. Nothing is fetched of the file.
 *
 * @throws HeadwaterError as {@link estimate}
 */
export async function isCached(model: ModelSource, options: LoadOptions = {}): Promise<boolean> {
  try {
    const { cache } = settingsOf(options, baseAddress());
    const located = locate(model, baseAddress());
    if ("href" in located && !(cache && (await recallHeader(addressOf(located))))) return false;
  } catch (error) {
    throw wrap(error);
  }
  return surveyed(model, options, true, async ({ bytes, ranges }) => {
    const { totalBytes, cachedBytes } = bytes.price(ranges);
    return cachedBytes === totalBytes;
  });
}

/**
 * Fetches what a load would fetch of the model file, and caches it.
 *
 * @throws HeadwaterError as reading the model does; `storage` where the browser does not cache it
 */
export function preload(model: ModelSource, options: LoadOptions = {}): Promise<Estimate> {
  if (options?.cache === false) {
    return Promise.reject(
      new HeadwaterError("bad-argument", "cache false: expected true, for preload fills the cache"),
    );
  }
  return surveyed(model, options, false, async ({ bytes, ranges, model, split, reasons, signal }) => {
    const missing = bytes.uncached(ranges);
    const total = bytes.cost(missing);
    let loaded = 0;
    const onBytes = (count: number): void => {
      loaded = Math.min(total, loaded + count);
      if (!signal?.aborted) callBack(options.onProgress, { stage: "weights", loaded, total });
    };
    onBytes(0);
    for (const [start, end] of missing) {
      for (let at = start, next = at; at < end; at = next) {
        next = Math.min(end, at - (at % CHUNK_BYTES) + CHUNK_BYTES);
        check(signal);
        await bytes.read(at, next, { signal, onBytes });
      }
    }
    await bytes.close();
    if (bytes.uncached(ranges).length > 0) {
      const why = "a private window, a page without HTTPS, or too little room";
      throw new HeadwaterError("storage", `the browser did not cache the model (${why})`);
    }
    return { model, split, reasons, ...bytes.price(ranges) };
  });
}

interface Survey {
  model: ModelDescription;
  bytes: ModelBytes;
  split: string;
  reasons: readonly string[];
  /** Of the client's weights. */
  ranges: readonly Interval[];
  signal: AbortSignal | undefined;
}

/** Opens the header and decides on a split, has `work` done with it, and closes everything. */
async function surveyed<T>(
  model: ModelSource,
  options: LoadOptions,
  cachedOnly: boolean,
  work: (survey: Survey) => Promise<T>,
): Promise<T> {
  try {
    const base = baseAddress();
    const settings = settingsOf(options, base);
    const located = locate(model, base);
    const { signal } = options;
    check(signal);
    return await raced(survey(located, settings, signal, cachedOnly, work), signal);
  } catch (error) {
    throw wrap(error);
  }
}

async function survey<T>(
  model: LocatedModel,
  settings: Settings,
  signal: AbortSignal | undefined,
  cachedOnly: boolean,
  work: (survey: Survey) => Promise<T>,
): Promise<T> {
  checkRunnable(settings);
  const { cache, model: carried, server, split } = settings;
  const compiling = runtime(settings.wasm);
  const opening = openSource(model, { cache, carried, signal, cachedOnly });
  const [opened, compiled] = await Promise.allSettled([opening, compiling]);
  const bytes = opened.status === "fulfilled" ? opened.value : undefined;
  try {
    if (opened.status === "rejected") throw opened.reason;
    if (compiled.status === "rejected") throw compiled.reason;
    const source = byteSource(opened.value, { signal });
    const header = await alive(() => compiled.value.Model.open(source));
    try {
      check(signal);
      const described = header.describe(settings.size);
      const description = { ...described, size: settings.size ?? described.size };
      await opened.value.identify(description.sha256);
      let chosen = { split, reasons: [`Split ${split} was asked for.`] };
      if (split === "auto") {
        const answered = server && serverTrouble(server, description.name, description.sha256, false, signal);
        const device = await lease(compiling);
        try {
          chosen = await chooseSplit(description, settings, device, Promise.resolve(answered), signal);
        } finally {
          if (!(device instanceof HeadwaterError)) device.release();
        }
      }
      check(signal);
      const ranges = chosen.split === "remote" ? [] : header.weight_ranges(chosen.split);
      const { split: placed, reasons } = chosen;
      return await work({ model: description, bytes: opened.value, split: placed, reasons, ranges, signal });
    } finally {
      header.free();
    }
  } finally {
    await bytes?.close();
  }
}
