// What becomes of promises when a bug ends the Wasm module: it stops in the middle of a step, and they would never settle.

import { HeadwaterError } from "./errors.js";

let bug: HeadwaterError | undefined;

/** Of those who wait. Not a race with one promise for all, which would keep every result that ever was. */
const waiting = new Set<(error: HeadwaterError) => void>();

/** Ends everything that {@link alive} waits for, now and later. `message` is the module's own. */
export function crashed(message: string): void {
  bug ??= new HeadwaterError("internal", `a bug ended the Wasm module, and the page has to be loaded anew: ${message}`);
  for (const reject of waiting) reject(bug);
  waiting.clear();
}

/** What a call of the module promises; rejects with `internal` if it ends before, or has ended. */
export function alive<T>(call: () => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (bug) return reject(bug);
    waiting.add(reject);
    void call()
      .then(resolve, reject)
      .then(() => waiting.delete(reject));
  });
}
