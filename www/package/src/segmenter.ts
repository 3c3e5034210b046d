// The user's verb: an image in, a mask out, whatever happens to device and server. What a page's class has beside it,
// and loads when it is first used, is in page-segmenter.ts.

import { check, linked, raced } from "./abort.js";
import { alive } from "./alive.js";
import { breathe } from "./canvas.js";
import { HeadwaterError, clause, wrap } from "./errors.js";
import { SegmenterTarget } from "./events.js";
import type { WasmResult, WasmSession } from "./face.js";
import { type Loaded, type Parts, type Placed, isOfDevice, load, openSession } from "./load.js";
import { Mask } from "./mask.js";
import { checkSegmentOptions, settingsOf } from "./options.js";
import { checkUsable, encode, toPicture } from "./picture.js";
import { callBack } from "./callback.js";
import { Queue } from "./queue.js";
import { MAX_SIDE } from "./limits.js";
import { acquire } from "./runtime.js";
import { baseAddress, locate } from "./source.js";
import type {
  Crossing,
  ImageSource,
  LoadOptions,
  ModelDescription,
  ModelSource,
  Progress,
  SegmentOptions,
  SegmentResult,
  SegmentStage,
} from "./types.js";

/** A model that is ready to segment pictures, one after another. Its events are `devicelost`, `recovered`, `fallback`. */
export class SegmenterCore extends SegmenterTarget {
  readonly #parts: Parts;
  readonly #queue = new Queue();
  readonly #ending = new AbortController();
  /** What runs on the device; undefined after it was lost, and once pictures are posted. */
  #placed: Placed | undefined;
  /** What posts pictures. */
  #remote: WasmSession | undefined;
  #split: string;
  #reasons: readonly string[];
  #fallback: string | undefined;

  protected constructor(loaded: Loaded) {
    super();
    if (!loaded?.placed)
      throw new HeadwaterError("bad-argument", "expected await Segmenter.load(…), found new Segmenter");
    this.#parts = loaded;
    this.#split = loaded.placed.split;
    this.#reasons = loaded.reasons;
    this.#fallback = loaded.fallback;
    if (this.#split === "remote") this.#remote = loaded.placed.session;
    else this.#placed = loaded.placed;
  }

  /**
   * Loads a model, for a segmenter of a class: see `Segmenter.load`.
   *
   * @internal
   */
  static async open<S extends SegmenterCore>(
    make: (loaded: Loaded) => S,
    model: ModelSource,
    options: LoadOptions,
  ): Promise<S> {
    let settled = false;
    try {
      const base = baseAddress();
      const settings = settingsOf(options, base);
      const located = locate(model, base);
      const { signal } = options;
      check(signal);
      const tell = (progress: Progress): void => {
        if (!settled && !signal?.aborted) callBack(options.onProgress, progress);
      };
      const loading = load(located, settings, signal, tell).then(make);
      const segmenter = await raced(loading, signal).catch((error: unknown) => {
        // What cannot be stopped still ends, and then nobody wants it.
        void loading.then(
          (late) => late.release(),
          () => undefined,
        );
        throw error;
      });
      const reason = segmenter.#fallback;
      if (reason !== undefined) {
        setTimeout(() => segmenter.#ending.signal.aborted || segmenter.tell("fallback", reason));
      }
      return segmenter;
    } catch (error) {
      throw wrap(error);
    } finally {
      settled = true;
    }
  }

  /**
   * A segmenter that can segment and no more, for a worker.
   *
   * @internal
   */
  static loadCore(model: ModelSource, options: LoadOptions): Promise<SegmenterCore> {
    return SegmenterCore.open((loaded) => new SegmenterCore(loaded), model, options);
  }

  /** Aborted by {@link release}. */
  protected get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** The model, at the size that it runs at. */
  get model(): ModelDescription {
    return this.#parts.description;
  }

  /** `local`, `remote` or the split's name, as it is now: a fallback makes it `remote`. */
  get split(): string {
    return this.#split;
  }

  /** Why this split, in sentences. */
  get reasons(): readonly string[] {
    return this.#reasons;
  }

  /**
   * Segments one picture. Calls run in the order in which they were made; the picture is read when its turn comes, and
   * must not be closed before the promise has settled. A picture larger than 8192 pixels a side is scaled down, and
   * its mask is of that size.
   *
   * @throws HeadwaterError `bad-image`, `bad-argument`, `aborted`, `released`, `device`, `adapter-limit`,
   * `no-adapter`; with a server also `server-unreachable`, `server-error`, `server-busy`, `timeout`, `mismatch`,
   * `bad-message`
   */
  async segment(image: ImageSource, options: SegmentOptions = {}): Promise<SegmentResult> {
    let unlink: (() => void) | undefined;
    try {
      checkSegmentOptions(options);
      const joined = linked(this.#ending.signal, options.signal);
      unlink = joined.unlink;
      return await this.#queue.add(() => this.#run(image, options, joined.signal), joined.signal);
    } catch (error) {
      throw wrap(error);
    } finally {
      unlink?.();
    }
  }

  /**
   * Frees the model and this segmenter's share in the device. Calls that wait or run reject with `released`, as do
   * later ones. Releasing twice is fine.
   */
  release(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(new HeadwaterError("released", "the segmenter was released"));
    void this.#queue.idle().then(() => {
      this.#drop();
      quietly(() => this.#remote?.free());
      quietly(() => this.#parts.model.free());
    });
  }

  async #run(image: ImageSource, options: SegmentOptions, signal: AbortSignal): Promise<SegmentResult> {
    const { server } = this.#parts.settings;
    if (server) {
      server.signal = signal;
      server.onBusy = (busy) => {
        if (busy || this.#split !== "remote") tellStage(options, busy ? "server" : "device", signal);
      };
    }
    if (this.#split === "remote") return this.#post(image, options, signal);
    const first = await this.#attempt(image, options, signal);
    if (!(first instanceof HeadwaterError)) return first;
    if (signal.aborted || !isOfDevice(first)) throw first;
    if (this.#placed) this.tell("devicelost", first.message);
    this.#drop();
    const second = await this.#attempt(image, options, signal);
    if (!(second instanceof HeadwaterError)) {
      if (!signal.aborted) this.tell("recovered", first.message);
      return second;
    }
    this.#drop();
    if (signal.aborted) throw second;
    // Weights that cannot be had a second time leave the device as useless as its own failure does.
    if (!(isOfDevice(second) || second.code === "download") || !server || !this.#parts.settings.postable) throw second;
    return this.#fallBack(second.message, image, options, signal);
  }

  /** One try on the device; its failure is returned, not thrown. */
  async #attempt(
    image: ImageSource,
    options: SegmentOptions,
    signal: AbortSignal,
  ): Promise<SegmentResult | HeadwaterError> {
    try {
      return await this.#compute(image, options, signal);
    } catch (thrown) {
      const error = wrap(thrown);
      if (signal.aborted) return error;
      // A run can fail a moment before the device is known to be lost, and a lost one must not be shared again.
      await breathe();
      const lost = this.#placed?.lease?.lost();
      if (lost !== undefined) return new HeadwaterError("device", `the GPU was lost: ${lost}`, { cause: error });
      return error;
    }
  }

  async #compute(image: ImageSource, options: SegmentOptions, signal: AbortSignal): Promise<SegmentResult> {
    this.#placed ??= await this.#replace(signal);
    const { session, lease } = this.#placed;
    const lost = lease?.lost();
    if (lost !== undefined) throw new HeadwaterError("device", lost);
    tellStage(options, "picture", signal);
    const picture = await toPicture(image, Math.min(MAX_SIDE, lease?.maxSide ?? MAX_SIDE));
    try {
      check(signal);
      const { pixels, width, height } = picture;
      checkUsable(pixels);
      const [maskWidth, maskHeight] = options.maskSize ?? [width, height];
      const keep = options.keepCrossing ?? false;
      tellStage(options, "device", signal);
      const result = await alive(() => session.segment(pixels, width, height, maskWidth, maskHeight, keep));
      return resultOf(result, maskWidth, maskHeight);
    } finally {
      picture.close();
    }
  }

  /** The same session on a new device, from the bytes that are kept. */
  async #replace(signal: AbortSignal): Promise<Placed> {
    const lease = await acquire(this.#parts.wasm);
    try {
      check(signal);
      const split = this.#split;
      return { split, lease, session: await openSession(this.#parts, split, lease, signal, () => undefined) };
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  async #fallBack(
    reason: string,
    image: ImageSource,
    options: SegmentOptions,
    signal: AbortSignal,
  ): Promise<SegmentResult> {
    this.#split = "remote";
    this.#fallback = reason;
    this.#reasons = [...this.#reasons, `This device no longer runs it: ${clause(reason)}.`, "The server does it all."];
    this.tell("fallback", reason);
    return this.#post(image, options, signal);
  }

  async #post(image: ImageSource, options: SegmentOptions, signal: AbortSignal): Promise<SegmentResult> {
    const remote = (this.#remote ??= await openSession(this.#parts, "remote", undefined, signal, () => undefined));
    check(signal);
    tellStage(options, "picture", signal);
    const start = performance.now();
    const { contentType, bytes, width, height } = await encode(image, this.model.size, MAX_SIDE);
    const encodeMillis = performance.now() - start;
    check(signal);
    const [maskWidth, maskHeight] = options.maskSize ?? [width, height];
    const result = await alive(() => remote.segment_encoded(contentType, bytes, maskWidth, maskHeight));
    const made = resultOf(result, maskWidth, maskHeight);
    made.report.encode_millis += encodeMillis;
    made.report.total_millis += encodeMillis;
    made.report.fallback ??= this.#fallback ?? null;
    return made;
  }

  #drop(): void {
    const placed = this.#placed;
    this.#placed = undefined;
    quietly(() => placed?.session.free());
    quietly(() => placed?.lease?.release());
  }
}

function tellStage({ onProgress }: SegmentOptions, stage: SegmentStage, signal: AbortSignal): void {
  if (!signal.aborted) callBack(onProgress, { stage });
}

function resultOf(result: WasmResult, width: number, height: number): SegmentResult {
  const { alpha, report, crossing } = result;
  result.free();
  const bytes = new Uint8ClampedArray(alpha.buffer as ArrayBuffer, alpha.byteOffset, alpha.length);
  return { mask: new Mask(width, height, bytes), report, crossing: crossing as Crossing | undefined };
}

/** Freeing what a Wasm module holds can fail only after it has panicked, and then there is nothing left to free. */
function quietly(free: () => void): void {
  try {
    free();
  } catch {
    // Said above.
  }
}
