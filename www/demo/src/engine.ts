// The one place that talks to Headwater. One picture at a time, and one segmenter kept for as long as it fits.

import { Segmenter, type ModelDescription, type Progress, type Report, type SegmentResult } from "headwater";
import { picturesOf, type FeaturePicture } from "./features.js";
import { asset } from "./offline.js";
import type { Settings } from "./settings.js";

const MODEL = "/models/isnet.safetensors";
/** Beside the page, since a bundle knows no package folder. */
export const WASM = asset("headwater_bg.wasm");

export type Source = Blob | HTMLCanvasElement;

export interface Alpha {
  width: number;
  height: number;
  /** [height, width], 0 to 255 */
  alpha: Uint8ClampedArray;
}

/** One picture cut out once: all that the panel shows. */
export interface Run {
  settings: Settings;
  mask: Alpha;
  report: Report;
  model: ModelDescription;
  /** Why this split, in the package's words. */
  reasons: readonly string[];
  features: FeaturePicture[];
  /** From the call to the mask, loading included, by this page's clock. */
  wallMillis: number;
}

export interface RunOptions {
  signal?: AbortSignal;
  maskSize: [number, number];
  keepCrossing: boolean;
  onProgress?: (progress: Progress) => void;
  /** The picture's turn has come, and the segmenter is ready for it. */
  onReady?: () => void;
}

interface Held {
  key: string;
  segmenter: Segmenter;
}

export class Engine {
  #held: Held | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `onNotice` hears what happens to the device between and during the runs. */
  constructor(readonly onNotice: (kind: "devicelost" | "recovered" | "fallback", reason: string) => void) {}

  /** Reads the model's header and no weights. */
  async describe(): Promise<ModelDescription> {
    const segmenter = await Segmenter.load(MODEL, { server: location.origin, split: "remote", wasm: WASM });
    try {
      return segmenter.model;
    } finally {
      segmenter.release();
    }
  }

  /** Waits for its turn, loads what the settings ask for where that is not there yet, and runs. */
  async run(source: Source, settings: Settings, options: RunOptions): Promise<Run> {
    const before = this.#turn;
    const mine = before.then(() => this.#runNow(source, settings, options));
    this.#turn = mine.catch(() => undefined); // whoever asked for it hears of the error; the next one goes on
    return unlessAborted(mine, options.signal);
  }

  async #runNow(source: Source, settings: Settings, options: RunOptions): Promise<Run> {
    options.signal?.throwIfAborted();
    const start = performance.now();
    const segmenter = await this.#ready(settings, options);
    options.onReady?.();
    const result: SegmentResult = await segmenter.segment(source, {
      signal: options.signal,
      maskSize: options.maskSize,
      keepCrossing: options.keepCrossing,
    });
    const { width, height, alpha } = result.mask;
    return {
      settings,
      mask: { width, height, alpha },
      report: result.report,
      model: segmenter.model,
      reasons: segmenter.reasons,
      features: result.crossing ? picturesOf(result.crossing) : [],
      wallMillis: performance.now() - start,
    };
  }

  async #ready(settings: Settings, options: RunOptions): Promise<Segmenter> {
    const key = `${settings.split} ${settings.size} ${settings.codec}`;
    if (this.#held?.key === key) return this.#held.segmenter;
    this.#held?.segmenter.release();
    this.#held = undefined;
    const segmenter = await Segmenter.load(MODEL, {
      server: location.origin,
      wasm: WASM,
      ...settings,
      signal: options.signal,
      onProgress: options.onProgress,
    });
    for (const kind of ["devicelost", "recovered", "fallback"] as const) {
      segmenter.addEventListener(kind, (event) => this.onNotice(kind, event.detail.reason));
    }
    this.#held = { key, segmenter };
    return segmenter;
  }
}

/** A picture that waits its turn can be given up at once. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
