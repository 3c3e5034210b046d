// From a photograph on the board to its cut-out: the queue, progress, cancelling, errors.

import type { Progress } from "headwater";
import type { Consent } from "./consent.js";
import type { Engine, Run } from "./engine.js";
import { isAbort, troubleOf, type Trouble } from "./errors.js";
import { millis, sentence } from "./format.js";
import { maskSizeOf } from "./masks.js";
import type { Piece, PieceState } from "./piece.js";
import { Series } from "./series.js";
import type { Settings } from "./settings.js";
import type { Status } from "./status.js";

const STAGES: Record<Progress["stage"], string> = {
  runtime: "Fetching Headwater",
  model: "Reading the model's header",
  weights: "Fetching weights",
  prepare: "Making the layers ready",
};

/** How many of a series ended in which way. */
export interface Ends {
  cut: number;
  cancelled: number;
  failed: number;
}

const NONE: Ends = { cut: 0, cancelled: 0, failed: 0 };

export class Cutting {
  readonly #series = new Series<Piece>();
  #seriesStart = 0;
  #ends: Ends = { ...NONE };

  /** `onChange` is called with every piece whose state or run has changed. */
  constructor(
    readonly engine: Engine,
    readonly status: Status,
    readonly consent: Consent,
    readonly onChange: (piece: Piece) => void,
  ) {}

  /** Cuts a piece out and shows it. Errors end in the status and on the piece. Returns whether it was cut out. */
  async cut(piece: Piece, settings: Settings): Promise<boolean> {
    if (piece.isBusy || piece.state === "live") return false;
    const before = piece.state;
    if (this.#series.size === 0) this.#seriesStart = performance.now();
    this.#series.join(piece);
    this.#become(piece, "waiting");
    let end: keyof Ends = "failed";
    try {
      const run = await this.#run(piece, settings, () => this.#become(piece, "working"));
      if (!piece.reveal(run)) {
        this.#fail(piece, {
          code: "empty",
          what: `The mask of ${piece.name} is empty: the net found no subject.`,
          help: "Try a larger size, or a photograph with one clear subject.",
        });
        return false;
      }
      this.onChange(piece);
      this.#say(piece, run);
      end = "cut";
      return true;
    } catch (error) {
      if (isAbort(error)) {
        end = "cancelled";
        this.#become(piece, before);
        this.status.done(`${piece.name} was cancelled.`);
      } else {
        this.#fail(piece, troubleOf(error));
      }
      return false;
    } finally {
      this.#ends[end]++;
      this.#leave(piece);
    }
  }

  /** One mask of a piece's photograph, to compare with. Shows its progress and its errors; rejects as the engine does. */
  async run(piece: Piece, settings: Settings): Promise<Run> {
    try {
      return await this.#run(piece, settings, () => undefined);
    } catch (error) {
      if (!isAbort(error)) this.status.trouble(troubleOf(error), this);
      throw error;
    }
  }

  /** Files come to be cut out: the count begins, unless it goes on. */
  expect(): void {
    if (this.#series.size === 0) this.#ends = { ...NONE };
  }

  /** One of them never became a photograph. */
  miss(): void {
    this.#ends.failed++;
  }

  /** The one that is worked on, and all that wait. */
  cancelAll(): void {
    // The last one first, so that none of them is started in between.
    for (const piece of this.#series.waiting.reverse()) piece.abort?.abort();
  }

  /** The mask stays with the piece. */
  async #run(piece: Piece, settings: Settings, onStart: () => void): Promise<Run> {
    const { photo } = piece;
    const abort = new AbortController();
    const { signal } = abort;
    piece.abort = abort;
    const progress = (text: string, done?: { loaded: number; total: number; unit: "bytes" | "steps" }) => {
      // Callbacks may come for a while after the abort.
      if (signal.aborted) return;
      this.status.work(piece, {
        text: `${this.#prefix(piece)}${text}`,
        progress: done,
        cancel: () => abort.abort(),
        cancelAll: this.#series.waiting.length > 1 ? () => this.cancelAll() : undefined,
      });
    };
    if (!this.status.isWorking) progress(`${photo.name} waits in the queue`);
    try {
      const run = await this.engine.run(photo.file, settings, {
        signal,
        maskSize: maskSizeOf(photo, settings.size),
        keepCrossing: true,
        onStart: () => {
          if (signal.aborted) return;
          onStart();
          progress(`Cutting out ${photo.name}`);
        },
        onProgress: ({ stage, loaded, total }) => {
          const unit = stage === "weights" || stage === "model" ? "bytes" : "steps";
          progress(STAGES[stage], total === null || total === 1 ? undefined : { loaded, total, unit });
        },
        onReady: () => progress(`Cutting out ${photo.name}, ${settings.split}, ${settings.size} px`),
        mayPost: (why) => this.consent.toPost(sentence(why.message), signal),
      });
      piece.runs.set(run.report.split, run);
      piece.runs.set(runKey(settings), run);
      return run;
    } catch (error) {
      if (!isAbort(error)) console.error(error);
      throw error;
    } finally {
      this.status.rest(piece);
      if (piece.abort === abort) piece.abort = undefined;
    }
  }

  #prefix(piece: Piece): string {
    return this.#series.size > 1 && this.#series.placeOf(piece) > 0
      ? `${this.#series.placeOf(piece)} of ${this.#series.size}: `
      : "";
  }

  #fail(piece: Piece, trouble: Trouble): void {
    const named = trouble.what.includes(piece.name) ? trouble : { ...trouble, what: `${piece.name}: ${trouble.what}` };
    piece.fail(trouble);
    this.status.trouble(named, piece);
    this.onChange(piece);
  }

  #say(piece: Piece, run: Run): void {
    const loading = run.loadMillis >= 1000 ? `, ${millis(run.loadMillis)} of them loading` : "";
    this.status.done(`${piece.name} was cut out in ${millis(run.wallMillis)}${loading}.`);
    this.status.forget(piece);
  }

  #leave(piece: Piece): void {
    const size = this.#series.leave(piece);
    if (size === undefined) return;
    const ends = this.#ends;
    this.#ends = { ...NONE };
    if (size > 1) this.status.done(seriesWords(ends, performance.now() - this.#seriesStart));
  }

  #become(piece: Piece, state: PieceState): void {
    if (piece.state === state) return;
    piece.become(state);
    this.onChange(piece);
  }
}

export function runKey({ split, size, codec }: Settings): string {
  return `${split} ${size} ${codec}`;
}

/** What is said when a series has ended; times are left out where a part of it was cancelled. */
export function seriesWords({ cut, cancelled, failed }: Ends, wallMillis: number): string {
  const all = cut + cancelled + failed;
  if (cancelled > 0) {
    const rest = failed > 0 ? `, ${failed} could not be cut out` : "";
    return `${cut} of ${all} cut out, ${cancelled} cancelled${rest}.`;
  }
  if (cut === 0) return `None of the ${all} pictures could be cut out.`;
  const done = cut === 1 ? "1 picture was" : `${cut} pictures were`;
  return `${done} cut out in ${millis(wallMillis)}${failed > 0 ? `, ${failed} could not be` : ""}.`;
}
