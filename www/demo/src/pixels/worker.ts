// The worker that decodes, cuts, composes and encodes pictures, one after another: the page's thread stays free, and
// no two full-size pictures are in memory at a time.

import { PictureError } from "./decode.js";
import { operations } from "./operations.js";
import type { Answer, Request } from "./protocol.js";

let queue: Promise<unknown> = Promise.resolve();

addEventListener("message", (event: MessageEvent<Request>) => {
  const { id, name, given } = event.data;
  queue = queue.then(async () => {
    try {
      const result: unknown = await (operations[name] as (given: unknown) => unknown)(given);
      answer({ id, result }, bitmapsIn(result));
    } catch (error) {
      const code = error instanceof PictureError ? error.code : "page";
      const message = error instanceof Error ? error.message : String(error);
      answer({ id, failure: { code, message, ...(error instanceof PictureError && { help: error.help }) } }, []);
    }
  });
});

function answer(message: Answer, transfer: Transferable[]): void {
  (postMessage as (message: Answer, transfer: Transferable[]) => void)(message, transfer);
}

/** Bitmaps change hands: the page closes them. */
function bitmapsIn(result: unknown): ImageBitmap[] {
  if (result instanceof ImageBitmap) return [result];
  if (Array.isArray(result)) return result.flatMap(bitmapsIn);
  if (result && Object.getPrototypeOf(result) === Object.prototype) return Object.values(result).flatMap(bitmapsIn);
  return [];
}
