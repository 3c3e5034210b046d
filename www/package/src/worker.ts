// What `import … from "headwater/worker"` gives: the same segmenter, whose work happens in a worker.

import { abortError, check, linked } from "./abort.js";
import { HeadwaterError, wrap } from "./errors.js";
import { SegmenterTarget } from "./events.js";
import { Mask } from "./mask.js";
import { toParcel } from "./portable.js";
import type { FromWorker, State, ToWorker } from "./protocol.js";
import { Queue } from "./queue.js";
import { baseAddress, resolve } from "./source.js";
import { type Line, connect } from "./staff.js";
import type {
  ImageSource,
  LoadOptions,
  ModelDescription,
  ModelSource,
  SegmentOptions,
  SegmentResult,
} from "./types.js";

export { type Code, HeadwaterError } from "./errors.js";
export type { SegmenterEvent, SegmenterEventType } from "./events.js";
export { Mask } from "./mask.js";
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

type Answer = Extract<FromWorker, { id: number }>;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: HeadwaterError): void;
}

/** A model that is ready in a worker. All that {@link "headwater"}'s Segmenter promises holds for it. */
export class Segmenter extends SegmenterTarget {
  readonly #line: Line;
  readonly #ending = new AbortController();
  readonly #pending = new Map<number, Pending>();
  /** Pictures are made ready one after another, so that calls arrive in their order. */
  readonly #packing = new Queue();
  readonly #onProgress: LoadOptions["onProgress"];
  #next = 0;
  #model: ModelDescription | undefined;
  #state: State = { split: "", reasons: [] };

  private constructor(options: WorkerLoadOptions) {
    super();
    const { worker } = options;
    const where =
      typeof worker === "string" || worker instanceof URL ? resolve(worker, baseAddress(), "worker").href : worker;
    this.#onProgress = options.onProgress;
    this.#line = connect(where, (error) => this.#end(error));
    this.#line.port.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(event.data);
  }

  /**
   * Loads a model in a worker. An ArrayBuffer is copied there.
   *
   * @throws HeadwaterError as the page's own Segmenter does; `download` when the worker's script is not found
   */
  static async load(model: ModelSource, options: WorkerLoadOptions = {}): Promise<Segmenter> {
    const { signal, onProgress: _, worker: __, wasm, server, ...plain } = options;
    check(signal);
    const base = baseAddress();
    const absolute = (address: string | URL, what: string): string => resolve(address, base, what).href;
    const portable = {
      ...plain,
      // What is no address is left to the worker's own check.
      server: typeof server === "string" && server !== "" ? absolute(server, "server") : server,
      wasm: typeof wasm === "string" || wasm instanceof URL ? absolute(wasm, "wasm") : wasm,
    };
    const where = typeof model === "string" || model instanceof URL ? absolute(model, "model") : model;
    let segmenter: Segmenter | undefined;
    try {
      segmenter = new Segmenter(options);
      const message = { type: "load", model: where, options: portable } as const;
      const answer = await segmenter.#ask(message, [], signal);
      if (answer.type !== "loaded") throw new HeadwaterError("internal", `the worker answered ${answer.type}`);
      segmenter.#model = answer.model;
      return segmenter;
    } catch (error) {
      segmenter?.release();
      throw wrap(error);
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
    const { signal, unlink } = linked(this.#ending.signal, options.signal);
    const { maskSize, keepCrossing } = options;
    try {
      // What the queue's work gives is a promise in a box: packing waits for its turn, the answer does not.
      const { answered } = await this.#packing.add(async () => {
        const parcel = await toParcel(image);
        const message = { type: "segment", image: parcel.image, options: { maskSize, keepCrossing } } as const;
        return { answered: this.#ask(message, parcel.transfer, signal) };
      }, signal);
      const answer = await answered;
      if (answer.type !== "result") throw new HeadwaterError("internal", `the worker answered ${answer.type}`);
      const { alpha, width, height, report, crossing } = answer.result;
      return { mask: new Mask(width, height, alpha), report, crossing };
    } catch (error) {
      throw wrap(error);
    } finally {
      unlink();
    }
  }

  /** As the page's own: pending calls and later ones reject with `released`. */
  release(): void {
    this.#end(new HeadwaterError("released", "the segmenter was released"));
  }

  #end(error: HeadwaterError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    this.#post({ type: "release" }, []);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#line.hangUp();
  }

  #ask(
    question: Omit<ToWorker & { type: "load" }, "id"> | Omit<ToWorker & { type: "segment" }, "id">,
    transfer: Transferable[],
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const id = (this.#next += 1);
    return new Promise<Answer>((resolve, reject) => {
      const settled = (): void => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settled();
        this.#post({ type: "abort", id }, []);
        reject(abortError(signal as AbortSignal));
      };
      if (signal?.aborted) return reject(abortError(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (answer) => (settled(), resolve(answer)),
        reject: (error) => (settled(), reject(error)),
      });
      try {
        this.#post({ ...question, id }, transfer);
      } catch (error) {
        settled();
        // What cannot be cloned is a picture that may not be read, or is closed.
        reject(wrap(error, question.type === "segment" ? "bad-image" : "bad-argument"));
      }
    });
  }

  #post(message: ToWorker, transfer: Transferable[]): void {
    this.#line.port.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if ("state" in message && message.state) this.#state = message.state;
    if (message.type === "progress") this.#onProgress?.(message.progress);
    else if (message.type === "event") this.tell(message.name, message.reason);
    else if (message.type === "failed") {
      this.#pending.get(message.id)?.reject(new HeadwaterError(message.code, message.message));
    } else this.#pending.get(message.id)?.resolve(message);
  }
}
