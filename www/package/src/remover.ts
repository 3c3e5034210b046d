// What `removeBackground` does, loaded with its first call: cached segmenters, in a worker where there can be one.

import { check, raced } from "./abort.js";
import { type Names, checkNames } from "./arguments.js";
import { callBack } from "./callback.js";
import { type CutoutOptions, CUTOUT_NAMES, type PictureSource, cutoutSettings } from "./cutout-options.js";
import { HeadwaterError, wrap } from "./errors.js";
import { checkPicture, toImage } from "./fetch-picture.js";
import { LOAD_NAMES, settingsOf } from "./options.js";
import { Segmenter } from "./page-segmenter.js";
import { frozen } from "./picture.js";
import { DEFAULT_MODEL, type RemoveBackgroundOptions } from "./remove-background.js";
import { baseAddress, locate } from "./source.js";
import { NoWorker } from "./staff.js";
import type { HeaderValues, LoadOptions, ModelSource, Progress } from "./types.js";
import { Segmenter as WorkerSegmenter } from "./worker.js";

/** A segmenter without a call for so long is released, in milliseconds. */
const IDLE_MILLIS = 5 * 60_000;

/** After the last call that waited for a model was aborted, its loading goes on for so long, for the next call. */
const GRACE_MILLIS = 1000;

const NAMES: Names<RemoveBackgroundOptions> = { ...LOAD_NAMES, ...CUTOUT_NAMES, model: true, worker: true };

type AnySegmenter = Segmenter | WorkerSegmenter;

/** A segmenter for all calls with the same model and options. */
class Cached {
  #key: Key;
  readonly #loading: Promise<AnySegmenter>;
  readonly #abort = new AbortController();
  readonly #listeners = new Set<(progress: Progress) => void>();
  #users = 0;
  #loaded = false;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(key: Key) {
    this.#key = key;
    const onProgress = (progress: Progress): void => this.#listeners.forEach((tell) => tell(progress));
    // Functions are written anew with each call: that of the last one is called.
    const { headers, modelHeaders } = key.load;
    const functions: LoadOptions = {};
    if (typeof headers === "function") functions.headers = () => called(this.#key.load.headers);
    if (typeof modelHeaders === "function") functions.modelHeaders = () => called(this.#key.load.modelHeaders);
    this.#loading = load(key, { ...functions, signal: this.#abort.signal, onProgress });
    // Calls that wait for it reject, too.
    this.#loading.catch(() => this.release());
  }

  is(key: Key): boolean {
    return same(this.#key, key);
  }

  get idle(): boolean {
    return this.#users === 0;
  }

  async use<T>(
    key: Key,
    { signal, onProgress }: Pick<RemoveBackgroundOptions, "signal" | "onProgress">,
    work: (loading: Promise<AnySegmenter>) => Promise<T>,
  ): Promise<T> {
    clearTimeout(this.#idle);
    this.#key = key;
    this.#users += 1;
    // A function of its own, for two calls may have the same.
    const listener = (progress: Progress): void => {
      if (!signal?.aborted) callBack(onProgress, progress);
    };
    this.#listeners.add(listener);
    try {
      const loading = raced(this.#loading, signal).then((segmenter) => ((this.#loaded = true), segmenter));
      return await work(loading);
    } catch (error) {
      // What a worker or a module that has failed does next is fail again.
      if (["internal", "device", "released"].includes(wrap(error).code)) this.release();
      throw error;
    } finally {
      this.#listeners.delete(listener);
      this.#users -= 1;
      if (this.#users === 0 && cached.has(this)) {
        this.#idle = setTimeout(() => this.release(), this.#loaded ? IDLE_MILLIS : GRACE_MILLIS);
      }
    }
  }

  release(): void {
    cached.delete(this);
    clearTimeout(this.#idle);
    this.#abort.abort(new HeadwaterError("released", "the segmenter was released"));
    this.#loading.then(
      (segmenter) => segmenter.release(),
      () => undefined,
    );
  }
}

const cached = /* @__PURE__ */ new Set<Cached>();

/** See `removeBackground`. */
export async function remove(source: PictureSource, options: RemoveBackgroundOptions = {}): Promise<Blob> {
  try {
    const { cutout, ...key } = parted(options);
    const { signal } = options;
    checkPicture(source);
    if (typeof options.background === "object") checkPicture(options.background);
    check(signal);
    for (const other of cached) if (other.idle && !other.is(key)) other.release();
    let found = [...cached].find((one) => one.is(key));
    if (!found) cached.add((found = new Cached(key)));
    return await found.use(key, options, async (loading) => {
      const image = frozen(source).then(async ({ still, close }) => ({ still: await toImage(still, signal), close }));
      const closed = image.then(({ close }) => close);
      try {
        const [segmenter, { still }] = await Promise.all([loading, image]);
        return (await segmenter.cutout(still, cutout)).blob;
      } finally {
        closed.then(
          (close) => close(),
          () => undefined,
        );
      }
    });
  } catch (error) {
    throw wrap(error);
  }
}

/** Frees all models. */
export function release(): void {
  for (const one of cached) one.release();
}

/** What decides which segmenter is used. */
interface Key {
  model: ModelSource | undefined;
  worker: RemoveBackgroundOptions["worker"];
  load: LoadOptions;
}

/** Checks all options, and tells them apart. */
function parted(options: RemoveBackgroundOptions): Key & { cutout: CutoutOptions } {
  checkNames("removeBackground", options, NAMES);
  const { model, worker, maskSize, output, type, quality, background, edges, trim, signal, onProgress, ...load } =
    options;
  const cutout = { maskSize, output, type, quality, background, edges, trim, signal };
  cutoutSettings(cutout);
  settingsOf({ ...load, onProgress }, baseAddress());
  if (model !== undefined) locate(model, baseAddress());
  return { model, worker, load, cutout };
}

async function load({ model = DEFAULT_MODEL, worker, load }: Key, own: LoadOptions): Promise<AnySegmenter> {
  const options = { ...load, ...own };
  const threads = typeof Worker !== "undefined" && typeof document !== "undefined";
  try {
    if (worker === false || (worker === undefined && !threads)) return await Segmenter.load(model, options);
    const where = typeof worker === "boolean" ? undefined : worker;
    return await WorkerSegmenter.load(model, { ...options, worker: where }).catch((error: unknown) => {
      // Browsers may offer WebGPU to pages and not to workers.
      const here = error instanceof NoWorker || wrap(error).code === "no-adapter";
      if (!here || worker !== undefined) throw error;
      if (error instanceof NoWorker) {
        console.warn(`headwater: ${error.message}. Backgrounds are removed in the page's own thread.`);
      }
      return Segmenter.load(model, options);
    });
  } catch (thrown) {
    const error = wrap(thrown);
    if (error.code !== "download" || model !== DEFAULT_MODEL || !error.message.includes(model)) throw error;
    const help = "`headwater pull isnet` fetches the model; another place than this is named by the option `model`";
    throw new HeadwaterError("download", `${error.message} (${help})`, { cause: error });
  }
}

type Headers = LoadOptions["headers"];

async function called(headers: Headers): Promise<HeaderValues> {
  return typeof headers === "function" ? headers() : (headers ?? {});
}

/** Whether two options are the same to a segmenter: lists and plain objects by what is in them, functions always. */
function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || (typeof a === "function" && typeof b === "function")) return true;
  if (a instanceof URL && b instanceof URL) return a.href === b.href;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => same(a[key], b[key]));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return Array.isArray(value) || (typeof value === "object" && value?.constructor === Object);
}
