// Runs in a worker: a segmenter behind each port that a page sends.

import { cutoutOf } from "./cutout.js";
import { HeadwaterError, wrap } from "./errors.js";
import * as estimates from "./estimate.js";
import type { SegmenterEventType } from "./events.js";
import { probe } from "./probe.js";
import { CONNECT } from "./limits.js";
import type { FromWorker, HeaderOption, PortableLoad, State, ToWorker } from "./protocol.js";
import { SegmenterCore } from "./segmenter.js";
import type { HeaderValues, LoadOptions } from "./types.js";

const EVENTS: SegmenterEventType[] = ["devicelost", "recovered", "fallback"];

addEventListener("message", (event: MessageEvent<unknown>) => {
  const port = event.ports[0];
  if (event.data === CONNECT && port) new Desk(port);
});

/** One port and its segmenter. */
class Desk {
  readonly #port: MessagePort;
  readonly #running = new Map<number, AbortController>();
  readonly #questions = new Map<number, (answer: ToWorker & { type: "headers" }) => void>();
  #asked = 0;
  #segmenter: SegmenterCore | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = (event: MessageEvent<ToWorker>) => this.#receive(event.data);
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case "load":
        void this.#answer(message.id, (signal) => this.#load(message, signal));
        break;
      case "survey":
        void this.#answer(message.id, (signal) => this.#survey(message, signal));
        break;
      case "segment":
        void this.#answer(message.id, (signal) => this.#segment(message, signal));
        break;
      case "cutout":
        void this.#answer(message.id, (signal) => this.#cutout(message, signal));
        break;
      case "probe":
        void this.#answer(message.id, async () => {
          this.#send({ type: "probed", id: message.id, probe: await probe({ wasm: message.wasm }) });
        });
        break;
      case "headers":
        this.#questions.get(message.id)?.(message);
        this.#questions.delete(message.id);
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

  async #load(message: ToWorker & { type: "load" }, signal: AbortSignal): Promise<void> {
    const { id, model } = message;
    const segmenter = await SegmenterCore.loadCore(model, this.#options(message, signal));
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
      const segmenter = this.#segmenter as SegmenterCore;
      const { mask, report, crossing } = await segmenter.segment(image, {
        ...options,
        signal,
        onProgress: ({ stage }) => this.#send({ type: "stage", id, stage }),
      });
      const { alpha, width, height } = mask;
      const tensors = crossing ? [...crossing.up, ...crossing.down] : [];
      const moved = [alpha.buffer, ...tensors.map(({ values }) => values.buffer as ArrayBuffer)];
      const result = { alpha, width, height, report, crossing };
      this.#send({ type: "result", id, result, state: stateOf(segmenter) }, [...new Set(moved)]);
    } finally {
      // The message brought it, so that nobody else holds it.
      close(image);
    }
  }

  async #cutout({ id, image, options }: ToWorker & { type: "cutout" }, signal: AbortSignal): Promise<void> {
    try {
      const segmenter = this.#segmenter as SegmenterCore;
      const { mask, ...file } = await cutoutOf(segmenter, image, options, signal);
      const { alpha, width, height } = mask;
      const result = { ...file, mask: { alpha, width, height } };
      this.#send({ type: "cut", id, result, state: stateOf(segmenter) }, [alpha.buffer]);
    } finally {
      close(image);
      close(options.background);
    }
  }

  async #survey(message: ToWorker & { type: "survey" }, signal: AbortSignal): Promise<void> {
    const { id, what, model } = message;
    this.#send({ type: "value", id, value: await estimates[what](model, this.#options(message, signal)) });
  }

  /** A model's options as this realm takes them. */
  #options({ options, asked }: PortableLoad, signal: AbortSignal): LoadOptions {
    const functions = asked.map((option) => [option, () => this.#ask(option)]);
    return {
      ...options,
      ...(Object.fromEntries(functions) as Pick<LoadOptions, HeaderOption>),
      signal,
      onProgress: (progress) => this.#send({ type: "progress", progress }),
    };
  }

  /** What a function of the page's gives. */
  #ask(option: HeaderOption): Promise<HeaderValues> {
    const id = (this.#asked += 1);
    return new Promise((resolve, reject) => {
      this.#questions.set(id, (answer) => {
        if ("headers" in answer) resolve(answer.headers);
        else reject(new HeadwaterError(answer.code, answer.message));
      });
      this.#send({ type: "ask", id, option });
    });
  }

  #state(): State | undefined {
    return this.#segmenter && stateOf(this.#segmenter);
  }

  #send(message: FromWorker, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

/** Closes a bitmap or a frame; whatever else a page sent for a picture is left alone. */
function close(image: unknown): void {
  if (typeof image === "object" && image !== null && "close" in image) (image as ImageBitmap).close();
}

function stateOf({ split, reasons }: SegmenterCore): State {
  return { split, reasons };
}
