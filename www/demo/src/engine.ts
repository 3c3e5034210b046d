// The one place that talks to Headwater, in a worker. One picture at a time; segmenters are cached while their settings are asked for.

import type { ModelDescription, Probe, Progress, Report, SegmentResult } from "headwater";
import { probe, Segmenter } from "headwater/worker";
import { isOfDevice } from "./errors.js";
import { picturesOf, type FeaturePicture } from "./features.js";
import type { Alpha } from "./masks.js";
import { asset } from "./offline.js";
import type { Pixels } from "./pixels.js";
import type { Fetched } from "./segmenter-worker.js";
import type { Settings } from "./settings.js";

export type { Alpha } from "./masks.js";

const MODEL = "/models/isnet.safetensors";
/** Beside the page, since a bundle knows no package folder (see build.mjs). */
const WASM = asset("headwater_bg.wasm");
const SCRIPT = asset("segmenter.js");

export type Source = Blob | HTMLCanvasElement;

/** One picture cut out once: all that the panel shows. */
export interface Run {
  settings: Settings;
  mask: Alpha;
  report: Report;
  model: ModelDescription;
  /** Why this split, in the package's words. */
  reasons: readonly string[];
  features: FeaturePicture[];
  /** From its start, after the queue, to the mask, loading included, by this page's clock. */
  wallMillis: number;
  /** How much of that was loading: the runtime, weights, pipelines. */
  loadMillis: number;
}

export interface RunOptions {
  signal?: AbortSignal;
  maskSize: [number, number];
  keepCrossing: boolean;
  /** It is first in the queue, and starts. */
  onStart?: () => void;
  onProgress?: (progress: Progress) => void;
  /** The segmenter is ready for it. */
  onReady?: () => void;
  /**
   * Asked where this device cannot run its part and nobody has chosen to send the photograph. Without it, or where
   * the answer is no, the device's error stands.
   */
  mayPost?: (why: Error) => Promise<boolean>;
}

export type Notice = "devicelost" | "recovered" | "fallback";

export class Engine {
  /** By their settings: at most one that holds layers, and one that posts pictures and holds none. */
  readonly #held = new Map<string, Segmenter>();
  /** Settings that this device cannot run, and why. */
  readonly #unfit = new Map<string, string>();
  #queue: Promise<unknown> = Promise.resolve();
  #worker: Worker | undefined;

  constructor(
    readonly pixels: Pixels,
    /** Called with what happens to the device between and during the runs. */
    readonly onNotice: (kind: Notice, reason: string) => void,
    /** Called with each resource that the worker has fetched. */
    readonly onFetched: (address: string, bytes: number) => void,
  ) {}

  /** What this browser computes on. */
  probe(): Promise<Probe> {
    return probe({ wasm: WASM, worker: this.#running() });
  }

  /** Reads the model's header and no weights. The server is not asked, so that it works offline too. */
  async describe(): Promise<ModelDescription> {
    const { model } = await Segmenter.estimate(MODEL, { ...this.#options(), split: "remote" });
    return model;
  }

  /** Waits in the queue, loads what the settings ask for where that is not there yet, and runs. */
  async run(source: Source, settings: Settings, options: RunOptions): Promise<Run> {
    const before = this.#queue;
    const mine = before.then(() => this.#runNow(source, settings, options));
    this.#queue = mine.catch(() => undefined); // its caller handles the error; the next one goes on
    return unlessAborted(mine, options.signal);
  }

  async #runNow(source: Source, settings: Settings, options: RunOptions): Promise<Run> {
    options.signal?.throwIfAborted();
    options.onStart?.();
    const { mayPost } = options;
    const unfit = this.#unfit.get(keyOf(settings));
    try {
      // Sent before because this device could not: then it need not fail again first.
      if (unfit !== undefined && (await mayPost?.(new Error(unfit))))
        return await this.#post(source, settings, unfit, options);
      return await this.#attempt(source, settings, options);
    } catch (error) {
      const chosen = settings.split === "auto" || settings.split === "remote";
      if (chosen || !isOfDevice(error) || !mayPost) throw error;
      options.signal?.throwIfAborted();
      if (!(await mayPost(error))) throw error;
      // A lost device may come back; one that is missing or too small stays so.
      if (error.code !== "device") this.#unfit.set(keyOf(settings), error.message);
      return await this.#post(source, settings, error.message, options);
    }
  }

  /** The server runs the whole net, with the visitor's consent. */
  async #post(source: Source, settings: Settings, why: string, options: RunOptions): Promise<Run> {
    options.signal?.throwIfAborted();
    const run = await this.#attempt(source, { ...settings, split: "remote" }, options);
    run.report.fallback ??= why;
    return { ...run, settings };
  }

  async #attempt(source: Source, settings: Settings, options: RunOptions): Promise<Run> {
    const start = performance.now();
    const segmenter = await this.#ready(settings, options);
    options.signal?.throwIfAborted();
    options.onReady?.();
    const ready = performance.now();
    const result: SegmentResult = await segmenter.segment(source, {
      signal: options.signal,
      maskSize: options.maskSize,
      keepCrossing: options.keepCrossing,
    });
    const done = performance.now();
    const { width, height, alpha } = result.mask;
    return {
      settings,
      mask: { width, height, alpha },
      report: result.report,
      model: segmenter.model,
      reasons: segmenter.reasons,
      features: result.crossing ? await picturesOf(result.crossing, this.pixels) : [],
      wallMillis: done - start,
      loadMillis: ready - start,
    };
  }

  async #ready(settings: Settings, options: RunOptions): Promise<Segmenter> {
    const key = keyOf(settings);
    const found = this.#held.get(key);
    if (found) return found;
    const posts = (held: string) => held.startsWith("remote ");
    for (const [held, segmenter] of this.#held) {
      if (posts(held) !== posts(key)) continue;
      segmenter.release();
      this.#held.delete(held);
    }
    const segmenter = await Segmenter.load(MODEL, {
      ...this.#options(),
      ...settings,
      // The page says beforehand that “auto” and “remote” may send the photograph. No other split may.
      fallback: settings.split === "auto" || settings.split === "remote" ? "remote" : "none",
      signal: options.signal,
      onProgress: options.onProgress,
    });
    for (const kind of ["devicelost", "recovered", "fallback"] as const) {
      segmenter.addEventListener(kind, (event) => this.onNotice(kind, event.detail.reason));
    }
    this.#held.set(key, segmenter);
    return segmenter;
  }

  #options() {
    return { server: location.origin, wasm: WASM, worker: this.#running() };
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(SCRIPT, { type: "module" });
    worker.addEventListener("message", (event: MessageEvent<Fetched>) => {
      if (event.data.type === "fetched") this.onFetched(event.data.address, event.data.bytes);
    });
    // What it held is gone with it. The package rejects what was under way.
    worker.addEventListener("error", () => {
      worker.terminate();
      this.#worker = undefined;
      this.#held.clear();
    });
    return (this.#worker = worker);
  }
}

function keyOf({ split, size, codec }: Settings): string {
  return `${split} ${size} ${codec}`;
}

/** A picture that waits in the queue can be given up at once. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
