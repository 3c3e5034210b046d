// Calls that run one after another, each of which can be given up.

import { abortError } from "./abort.js";

/** A queue of calls. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` when all earlier calls have ended. The promise rejects as soon as `signal` is aborted, whether the call
   * waits or runs; the next call starts only when the work has really ended, since a GPU cannot be stopped.
   */
  add<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => reject(abortError(signal));
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#last = this.#last
        .then(async () => {
          if (!signal.aborted) resolve(await work());
        })
        .catch(reject)
        .finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  /** Resolves when everything that was added has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
