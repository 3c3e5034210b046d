// The page's side of the pixel worker.

import { asset } from "./offline.js";
import type { Operations } from "./pixels/operations.js";
import type { Answer, OperationName, Request } from "./pixels/protocol.js";

/** Beside the page (see build.mjs). */
const SCRIPT = asset("pixels.js");

type Given<K extends OperationName> = Parameters<Operations[K]>[0];
type Result<K extends OperationName> = Awaited<ReturnType<Operations[K]>>;

/** An error of the worker's, with a code and what helps. */
export class PixelError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly help: string | undefined,
  ) {
    super(message);
  }
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Pixels {
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #next = 0;

  /** Operations run one after another, in the order of the calls. Bitmaps in the result are the caller's to close. */
  do<K extends OperationName>(name: K, given: Given<K>, transfer: Transferable[] = []): Promise<Result<K>> {
    if (typeof OffscreenCanvas === "undefined") {
      const help = "Use a current Chrome, Edge, Safari or Firefox.";
      return Promise.reject(new PixelError("page", "This browser cannot draw beside the page (OffscreenCanvas)", help));
    }
    const id = (this.#next += 1);
    return new Promise<Result<K>>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      this.#running().postMessage({ id, name, given } satisfies Request, transfer);
    });
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(SCRIPT, { type: "module" });
    worker.onmessage = (event: MessageEvent<Answer>) => {
      const answer = event.data;
      const pending = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ("failure" in answer) {
        const { code, message, help } = answer.failure;
        pending?.reject(new PixelError(code, message, help));
      } else pending?.resolve(answer.result);
    };
    // It did not start, or ran out of memory: what waits for it fails, and the next call starts another.
    worker.onerror = (event) => {
      this.#worker = undefined;
      worker.terminate();
      const why = event.message || `the script ${SCRIPT} could not be loaded`;
      for (const { reject } of this.#pending.values()) {
        reject(new PixelError("page", `Pictures cannot be worked on: ${why}`, "Reload the page."));
      }
      this.#pending.clear();
    };
    return (this.#worker = worker);
  }
}
