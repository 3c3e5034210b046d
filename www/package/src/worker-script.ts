// Runs in a worker: a segmenter behind each port that a page sends.

import { wrap } from "./errors.js";
import type { SegmenterEventType } from "./events.js";
import { CONNECT, type FromWorker, type State, type ToWorker } from "./protocol.js";
import { Segmenter } from "./segmenter.js";

const EVENTS: SegmenterEventType[] = ["devicelost", "recovered", "fallback"];

addEventListener("message", (event: MessageEvent<unknown>) => {
  const port = event.ports[0];
  if (event.data === CONNECT && port) new Desk(port);
});

/** One port and its segmenter. */
class Desk {
  readonly #port: MessagePort;
  readonly #running = new Map<number, AbortController>();
  #segmenter: Segmenter | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = (event: MessageEvent<ToWorker>) => this.#receive(event.data);
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "load":
        void this.#answer(message.id, (signal) => this.#load(message, signal));
        break;
      case "segment":
        void this.#answer(message.id, (signal) => this.#segment(message, signal));
        break;
      case "abort":
        this.#running.get(message.id)?.abort();
        break;
      case "release":
        for (const controller of this.#running.values()) controller.abort();
        this.#segmenter?.release();
        this.#port.close();
    }
  }

  async #answer(id: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      await work(controller.signal);
    } catch (error) {
      const { code, message } = wrap(error);
      this.#send({ type: "failed", id, code, message, state: this.#state() });
    } finally {
      this.#running.delete(id);
    }
  }

  async #load({ id, model, options }: ToWorker & { type: "load" }, signal: AbortSignal): Promise<void> {
    const segmenter = await Segmenter.load(model, {
      ...options,
      signal,
      onProgress: (progress) => this.#send({ type: "progress", progress }),
    });
    this.#segmenter = segmenter;
    for (const name of EVENTS) {
      segmenter.addEventListener(name, (event) => {
        this.#send({ type: "event", name, reason: event.detail.reason, state: stateOf(segmenter) });
      });
    }
    this.#send({ type: "loaded", id, model: segmenter.model, state: stateOf(segmenter) });
  }

  async #segment({ id, image, options }: ToWorker & { type: "segment" }, signal: AbortSignal): Promise<void> {
    try {
      const segmenter = this.#segmenter as Segmenter;
      const { mask, report, crossing } = await segmenter.segment(image, { ...options, signal });
      const { alpha, width, height } = mask;
      const tensors = crossing ? [...crossing.up, ...crossing.down] : [];
      const moved = [alpha.buffer, ...tensors.map(({ values }) => values.buffer as ArrayBuffer)];
      const result = { alpha, width, height, report, crossing };
      this.#send({ type: "result", id, result, state: stateOf(segmenter) }, [...new Set(moved)]);
    } finally {
      // The message brought it, so that nobody else holds it.
      if ("close" in image) image.close();
    }
  }

  #state(): State | undefined {
    return this.#segmenter && stateOf(this.#segmenter);
  }

  #send(message: FromWorker, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

function stateOf({ split, reasons }: Segmenter): State {
  return { split, reasons };
}
