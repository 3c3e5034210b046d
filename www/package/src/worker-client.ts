// The page's end of a port to a worker: questions with their answers, and what the worker sends by itself.

import { abortError } from "./abort.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { FromWorker, ToWorker } from "./protocol.js";
import { baseAddress, resolve } from "./source.js";
import { type Line, connect } from "./staff.js";
import type { SegmentStage } from "./types.js";

type Distribute<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** What is answered. */
export type Question = Distribute<
  Extract<ToWorker, { type: "load" | "survey" | "segment" | "cutout" | "probe" }>,
  "id"
>;

/** What answers it. */
export type Answer = Exclude<Extract<FromWorker, { id: number }>, { type: "ask" | "stage" | "failed" }>;

interface Pending {
  resolve(answer: Answer): void;
  reject(error: HeadwaterError): void;
  onStage: ((stage: SegmentStage) => void) | undefined;
}

/** A port and the calls that wait for answers on it. */
export class WorkerClient {
  readonly #line: Line;
  readonly #ending = new AbortController();
  readonly #pending = new Map<number, Pending>();
  readonly #onMessage: (message: FromWorker) => void;
  #next = 0;

  /**
   * `worker` as the option of `load`; `onMessage` is called with every message until {@link end}.
   *
   * @throws HeadwaterError `download`, `unsupported`, `bad-argument` when the worker cannot be started.
   */
  constructor(worker: Worker | URL | string | undefined, onMessage: (message: FromWorker) => void) {
    const address = typeof worker === "string" || worker instanceof URL;
    const where = address ? resolve(worker, baseAddress(), "worker").href : worker;
    this.#onMessage = onMessage;
    this.#line = connect(where, (error) => this.end(error));
    this.#line.port.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(event.data);
  }

  /** Aborted, with its error as the reason, when this has ended. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Rejects what waits with `error`, and gives the port up. */
  end(error: HeadwaterError): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort(error);
    this.post({ type: "release" }, []);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#line.hangUp();
  }

  /** Posts a question; resolves to its answer. `onStage` is called with what comes before it. */
  ask(
    question: Question,
    transfer: Transferable[],
    signal: AbortSignal | undefined,
    onStage?: (stage: SegmentStage) => void,
  ): Promise<Answer> {
    const id = (this.#next += 1);
    return new Promise<Answer>((resolve, reject) => {
      const settled = (): void => {
        this.#pending.delete(id);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        settled();
        this.post({ type: "abort", id }, []);
        reject(abortError(signal as AbortSignal));
      };
      if (this.ending.aborted) return reject(abortError(this.ending));
      if (signal?.aborted) return reject(abortError(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (answer) => (settled(), resolve(answer)),
        reject: (error) => (settled(), reject(error)),
        onStage,
      });
      try {
        this.post({ ...question, id }, transfer);
      } catch (error) {
        settled();
        // What cannot be cloned is a picture that may not be read, or is closed.
        reject(wrap(error, "image" in question ? "bad-image" : "bad-argument"));
      }
    });
  }

  /** Posts a message that nothing answers. */
  post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#line.port.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    // Messages that were under way when this ended.
    if (this.#ending.signal.aborted) return;
    this.#onMessage(message);
    if (message.type === "failed") {
      this.#pending.get(message.id)?.reject(new HeadwaterError(message.code, message.message));
    } else if (message.type === "stage") {
      this.#pending.get(message.id)?.onStage?.(message.stage);
    } else if ("id" in message && message.type !== "ask") {
      this.#pending.get(message.id)?.resolve(message);
    }
  }
}
