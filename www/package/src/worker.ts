// What `import … from "headwater/worker"` gives: the same segmenter, whose work happens in a worker.

import { check, linked } from "./abort.js";
import { type Names, bad, checkNames } from "./arguments.js";
import { callBack } from "./callback.js";
import { clear } from "./clear.js";
import { type CutoutOptions, type CutoutResult, type PictureSource, cutoutSettings } from "./cutout-options.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { Estimate } from "./estimate.js";
import { SegmenterTarget } from "./events.js";
import { toImage } from "./fetch-picture.js";
import { Mask } from "./mask.js";
import { toParcel } from "./portable.js";
import { LOAD_NAMES, checkSegmentOptions, settingsOf } from "./options.js";
import { tag } from "./picture.js";
import { type Probe, type ProbeOptions, failedProbe } from "./probe-result.js";
import type { FromWorker, HeaderOption, PortableLoad, State, SurveyName, ToWorker } from "./protocol.js";
import { Queue } from "./queue.js";
import { checkCarried } from "./requests.js";
import { baseAddress, locate, resolve } from "./source.js";
import { WorkerClient } from "./worker-client.js";
import type {
  ImageSource,
  LoadOptions,
  ModelDescription,
  ModelSource,
  SegmentOptions,
  SegmentResult,
  SegmentStage,
} from "./types.js";

export type { CutoutOptions, CutoutOutput, CutoutResult, CutoutType, PictureSource } from "./cutout-options.js";
export type { Edges } from "./edges.js";
export { type Code, HeadwaterError } from "./errors.js";
export type { Estimate } from "./estimate.js";
export type { SegmenterEvent, SegmenterEventType } from "./events.js";
export { Mask } from "./mask.js";
export type { Limits, Probe, ProbeOptions } from "./probe-result.js";
export type * from "./types.js";

/** {@link LoadOptions}, and which worker. */
export interface WorkerLoadOptions extends LoadOptions {
  /**
   * A worker of your own whose script imports `headwater/worker-script.js`, or the address of that script, for
   * bundlers that do not follow `new Worker(new URL(…, import.meta.url))`. Without it all segmenters of the page
   * share one worker, which ends with the last of them.
   */
  worker?: Worker | URL | string | undefined;
}

const NAMES: Names<WorkerLoadOptions> = { ...LOAD_NAMES, worker: true };
const PROBE_NAMES: Names<WorkerProbeOptions> = { wasm: true, worker: true };

/** {@link ProbeOptions}, and which worker. */
export interface WorkerProbeOptions extends ProbeOptions {
  /** As the option of `load`. */
  worker?: Worker | URL | string | undefined;
}

/**
 * What the GPU can do, as `probe` of `headwater` finds it, asked in a worker: browsers may offer WebGPU to pages and not
 * to workers. Never throws.
 */
export async function probe(options: WorkerProbeOptions = {}): Promise<Probe> {
  let client: WorkerClient | undefined;
  try {
    checkNames("probe", options, PROBE_NAMES);
    checkWorker(options.worker);
    client = new WorkerClient(options.worker, () => undefined);
    const answer = await client.ask({ type: "probe", wasm: portableWasm(options.wasm) }, [], undefined);
    if (answer.type !== "probed") throw unexpected(answer);
    return answer.probe;
  } catch (error) {
    return failedProbe(error);
  } finally {
    client?.end(new HeadwaterError("released", "the probe has ended"));
  }
}

/** A model that is ready in a worker. All that {@link "headwater"}'s Segmenter promises holds for it. */
export class Segmenter extends SegmenterTarget {
  readonly #client: WorkerClient;
  /** Pictures are made ready one after another, so that calls arrive in their order. */
  readonly #packing = new Queue();
  readonly #options: WorkerLoadOptions;
  #loading = true;
  #model: ModelDescription | undefined;
  #state: State = { split: "", reasons: [] };

  private constructor(options: WorkerLoadOptions) {
    super();
    if (!options) bad("new Segmenter", options, "await Segmenter.load(…)");
    this.#options = options;
    this.#client = new WorkerClient(options.worker, (message) => this.#receive(message));
  }

  /**
   * Loads a model in a worker. An ArrayBuffer is copied there.
   *
   * @throws HeadwaterError as the page's own Segmenter does; `download` when the worker's script is not found
   */
  static async load(model: ModelSource, options: WorkerLoadOptions = {}): Promise<Segmenter> {
    let segmenter: Segmenter | undefined;
    try {
      const portable = toPortable(model, options);
      check(options.signal);
      segmenter = new Segmenter(options);
      const answer = await segmenter.#client.ask({ type: "load", ...portable }, [], options.signal);
      if (answer.type !== "loaded") throw unexpected(answer);
      segmenter.#model = answer.model;
      return segmenter;
    } catch (error) {
      segmenter?.release();
      throw wrap(error);
    } finally {
      if (segmenter) segmenter.#loading = false;
    }
  }

  /**
   * What a load with the same options would download, to the byte. Reads the model's header, where it is not cached,
   * and no weights.
   *
   * @throws HeadwaterError as {@link load} does until weights are read
   */
  static estimate(model: ModelSource, options: WorkerLoadOptions = {}): Promise<Estimate> {
    return Segmenter.#survey("estimate", model, options) as Promise<Estimate>;
  }

  /**
   * Whether all that a load with the same options needs of the model file is cached, in the version that was seen last.
   *
   * @throws HeadwaterError as {@link estimate}
   */
  static isCached(model: ModelSource, options: WorkerLoadOptions = {}): Promise<boolean> {
    return Segmenter.#survey("isCached", model, options) as Promise<boolean>;
  }

  /**
   * Downloads what a load with the same options would, and caches it; `onProgress` is called.
   *
   * @throws HeadwaterError as {@link load} does until a session is made; `storage` where the browser caches nothing
   */
  static preload(model: ModelSource, options: WorkerLoadOptions = {}): Promise<Estimate> {
    return Segmenter.#survey("preload", model, options) as Promise<Estimate>;
  }

  /**
   * Removes from the browser's cache the model at an address, or all models.
   *
   * @throws HeadwaterError `bad-argument` when the address is none
   */
  static clear(model?: string | URL): Promise<void> {
    return clear(model);
  }

  /** Asks the worker something about a model, for which no segmenter is needed. */
  static async #survey(what: SurveyName, model: ModelSource, options: WorkerLoadOptions): Promise<unknown> {
    let segmenter: Segmenter | undefined;
    try {
      const portable = toPortable(model, options);
      check(options.signal);
      segmenter = new Segmenter(options);
      const answer = await segmenter.#client.ask({ type: "survey", what, ...portable }, [], options.signal);
      if (answer.type !== "value") throw unexpected(answer);
      return answer.value;
    } catch (error) {
      throw wrap(error);
    } finally {
      segmenter?.release();
    }
  }

  /** The model, at the size that it runs at. */
  get model(): ModelDescription {
    return this.#model as ModelDescription;
  }

  /** `local`, `remote` or the split's name, as it is now: a fallback makes it `remote`. */
  get split(): string {
    return this.#state.split;
  }

  /** Why this split, in sentences. */
  get reasons(): readonly string[] {
    return this.#state.reasons;
  }

  /**
   * Segments one picture; calls run in the order in which they were made. Elements and canvases are read at once, not
   * when their turn comes.
   *
   * @throws HeadwaterError as the page's own Segmenter does
   */
  async segment(image: ImageSource, options: SegmentOptions = {}): Promise<SegmentResult> {
    let unlink: (() => void) | undefined;
    try {
      checkSegmentOptions(options);
      const joined = linked(this.#client.ending, options.signal);
      unlink = joined.unlink;
      const { signal } = joined;
      const { maskSize, keepCrossing, onProgress } = options;
      const onStage = (stage: SegmentStage): void => callBack(onProgress, { stage });
      // What the queue's work gives is a promise in a box: packing waits for its turn, the answer does not.
      const { answered } = await this.#packing.add(async () => {
        const parcel = await toParcel(image);
        const message = { type: "segment", image: parcel.image, options: { maskSize, keepCrossing } } as const;
        return { answered: this.#client.ask(message, parcel.transfer, signal, onStage) };
      }, signal);
      const answer = await answered;
      if (answer.type !== "result") throw unexpected(answer);
      const { alpha, width, height, report, crossing } = answer.result;
      return { mask: new Mask(width, height, alpha), report, crossing };
    } catch (error) {
      throw wrap(error);
    } finally {
      unlink?.();
    }
  }

  /**
   * Segments one picture and makes a file of the result, all of it in the worker. Pictures are fetched, and elements,
   * canvases and videos read, at once.
   *
   * @throws HeadwaterError as the page's own Segmenter does
   */
  async cutout(image: PictureSource, options: CutoutOptions = {}): Promise<CutoutResult> {
    cutoutSettings(options);
    const { background, signal: _, ...plain } = options;
    const { signal, unlink } = linked(this.#client.ending, options.signal);
    try {
      const [found, behind] = await Promise.all([
        toImage(image, signal),
        typeof background === "object" ? toImage(background, signal) : background,
      ]);
      const { answered } = await this.#packing.add(async () => {
        const parcel = await toParcel(found);
        const second = typeof behind === "object" ? await toParcel(behind) : undefined;
        const portable = { ...plain, background: second?.image ?? (behind as string | undefined) };
        const message = { type: "cutout", image: parcel.image, options: portable } as const;
        return { answered: this.#client.ask(message, [...parcel.transfer, ...(second?.transfer ?? [])], signal) };
      }, signal);
      const answer = await answered;
      if (answer.type !== "cut") throw unexpected(answer);
      const { alpha, width, height } = answer.result.mask;
      return { ...answer.result, mask: new Mask(width, height, alpha) };
    } catch (error) {
      throw wrap(error);
    } finally {
      unlink();
    }
  }

  /** As the page's own: pending calls and later ones reject with `released`. */
  release(): void {
    this.#client.end(new HeadwaterError("released", "the segmenter was released"));
  }

  #receive(message: FromWorker): void {
    if ("state" in message && message.state) this.#state = message.state;
    if (message.type === "progress") {
      if (this.#loading && !this.#options.signal?.aborted) callBack(this.#options.onProgress, message.progress);
    } else if (message.type === "event") this.tell(message.name, message.reason);
    else if (message.type === "ask") void this.#answer(message.id, message.option);
  }

  /** Calls a function that stays in the page, for a request of the worker's. */
  async #answer(id: number, option: HeaderOption): Promise<void> {
    let message: ToWorker;
    try {
      const given = this.#options[option];
      const headers = typeof given === "function" ? await given() : (given ?? {});
      // Checked here: of what a message cannot carry, its error would quote the value.
      checkCarried({ name: option, headers, credentials: undefined });
      message = { type: "headers", id, headers: { ...headers } };
    } catch (thrown) {
      const error = wrap(thrown, "bad-argument", `the function ${option} failed`);
      message = { type: "headers", id, code: error.code, message: error.message };
    }
    if (!this.#client.ending.aborted) this.#client.post(message);
  }
}

const HEADER_OPTIONS: readonly HeaderOption[] = ["headers", "modelHeaders"];

/**
 * A model and its options as a message carries them.
 *
 * @throws HeadwaterError `bad-argument`
 */
function toPortable(model: ModelSource, options: WorkerLoadOptions): PortableLoad {
  const base = baseAddress();
  const { server } = settingsOf(options, base, NAMES);
  checkWorker(options.worker);
  const located = locate(model, base);
  const { signal: _, onProgress: __, worker: ___, headers, modelHeaders, ...plain } = options;
  return {
    model: located instanceof URL ? located.href : located,
    options: {
      ...plain,
      server: server?.address,
      wasm: portableWasm(options.wasm),
      headers: typeof headers === "function" ? undefined : headers,
      modelHeaders: typeof modelHeaders === "function" ? undefined : modelHeaders,
    },
    asked: HEADER_OPTIONS.filter((option) => typeof options[option] === "function"),
  };
}

function checkWorker(worker: unknown): void {
  const known = worker === undefined || typeof worker === "string" || ["URL", "Worker"].includes(tag(worker));
  if (!known) bad("worker", worker, "a Worker or the address of its script");
}

function portableWasm(wasm: LoadOptions["wasm"]): string | WebAssembly.Module | undefined {
  return typeof wasm === "string" || wasm instanceof URL ? resolve(wasm, baseAddress(), "wasm").href : wasm;
}

function unexpected({ type }: { type: string }): HeadwaterError {
  return new HeadwaterError("internal", `the worker answered ${type}`);
}
