// Waiting that can be given up: signals joined, promises raced against them, time limits.

import { HeadwaterError } from "./errors.js";

/** The error of an aborted signal: its reason where that is one of ours (such as `released`), else `aborted`. */
export function abortError(signal: AbortSignal): HeadwaterError {
  const reason: unknown = signal.reason;
  if (reason instanceof HeadwaterError) return reason;
  return new HeadwaterError("aborted", "the call was aborted by its signal", { cause: reason });
}

/** @throws HeadwaterError when `signal` is aborted. */
export function check(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Settles as `promise` does, or rejects as soon as `signal` is aborted; `promise` itself goes on. */
export function raced<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** `AbortSignal.any`, for the browsers that lack it. `unlink` lets the outer signals forget this one. */
export function linked(...signals: (AbortSignal | undefined)[]): { signal: AbortSignal; unlink: () => void } {
  const controller = new AbortController();
  const onAbort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal?.aborted) controller.abort(signal.reason);
    else signal?.addEventListener("abort", onAbort, { once: true });
  }
  const unlink = (): void => signals.forEach((signal) => signal?.removeEventListener("abort", onAbort));
  return { signal: controller.signal, unlink };
}

/** A signal that is aborted with `timeout` after a while, or as an outer signal is. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  readonly #expired: HeadwaterError;
  readonly #millis: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts at once. `message` is the error's; `millis` above 2^31 - 1 never pass. */
  constructor(millis: number, message: string, outer: AbortSignal | undefined) {
    this.#millis = millis;
    this.#expired = new HeadwaterError("timeout", message);
    const onAbort = (): void => this.#controller.abort(outer?.reason);
    if (outer?.aborted) onAbort();
    else outer?.addEventListener("abort", onAbort, { once: true });
    this.#unlink = () => outer?.removeEventListener("abort", onAbort);
    this.restart();
  }

  /** For `fetch`, and to race with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Counts from now on: something has arrived. */
  restart(): void {
    clearTimeout(this.#timer);
    if (this.#millis > 0x7fffffff) return;
    this.#timer = setTimeout(() => this.#controller.abort(this.#expired), this.#millis);
  }

  /** Nothing is waited for until the next {@link restart}. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  /** To be called when nothing more is waited for. */
  stop(): void {
    this.rest();
    this.#unlink();
  }
}

/** Resolves after `millis`, or rejects as `signal` is aborted. */
export function pause(millis: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, millis)));
  return raced(waited, signal).finally(() => clearTimeout(timer));
}
