// From a photograph on the board to its cut-out: turn, progress, cancelling, errors.

import type { Progress } from "headwater";
import type { Engine, Run } from "./engine.js";
import { isAbort, troubleOf } from "./errors.js";
import { millis } from "./format.js";
import type { Piece, PieceState } from "./piece.js";
import type { Settings } from "./settings.js";
import type { Status } from "./status.js";

const STAGES: Record<Progress["stage"], string> = {
  runtime: "Fetching Headwater",
  model: "Reading the model's header",
  weights: "Fetching weights",
  prepare: "Making the layers ready",
};

export class Cutting {
  /** `onChange` hears of every piece whose state or run has changed. */
  constructor(
    readonly engine: Engine,
    readonly status: Status,
    readonly onChange: (piece: Piece) => void,
  ) {}

  /** Cuts a piece out and shows it. Errors end in the status line and on the piece. */
  async cut(piece: Piece, settings: Settings): Promise<void> {
    if (piece.state === "working" || piece.state === "waiting" || piece.state === "live") return;
    this.#become(piece, "waiting");
    try {
      const run = await this.run(piece, settings, () => this.#become(piece, "working"));
      if (!piece.reveal(run)) {
        piece.trouble = {
          code: "empty",
          what: `The mask of ${piece.name} is empty: the net found no subject.`,
          help: "Try a larger size, or a photograph with one clear subject.",
        };
        this.status.trouble(piece.trouble);
        this.#become(piece, "failed");
      } else {
        this.onChange(piece);
      }
    } catch (error) {
      if (isAbort(error)) {
        this.#become(piece, piece.cutout ? "cut" : "photo");
      } else {
        piece.trouble = troubleOf(error);
        this.#become(piece, piece.cutout ? "cut" : "failed");
      }
    }
  }

  /** One mask of a piece's photograph; keeps it with the piece, tells the status line, and rejects as the engine does. */
  async run(piece: Piece, settings: Settings, onTurn: () => void = () => undefined): Promise<Run> {
    const { photo } = piece;
    const abort = new AbortController();
    piece.abort = abort;
    const cancel = () => abort.abort();
    const name = `${photo.name}, ${settings.split}, ${settings.size} px`;
    if (this.status.state.kind !== "working") this.status.working(`${photo.name} waits for its turn`, cancel);
    try {
      const run = await this.engine.run(photo.source, settings, {
        signal: abort.signal,
        maskSize: [photo.width, photo.height],
        keepCrossing: true,
        onProgress: ({ stage, loaded, total }) => {
          onTurn();
          const unit = stage === "weights" || stage === "model" ? "bytes" : "steps";
          this.status.working(
            STAGES[stage],
            cancel,
            total === null || total === 1 ? undefined : { loaded, total, unit },
          );
        },
        onReady: () => {
          onTurn();
          this.status.working(`Cutting out ${name}`, cancel);
        },
      });
      piece.runs.set(run.report.split, run);
      piece.runs.set(runKey(settings), run);
      this.status.done(`${photo.name} was cut out in ${millis(run.report.total_millis)}.`);
      return run;
    } catch (error) {
      if (isAbort(error)) this.status.done(`${photo.name} was cancelled.`);
      else {
        console.error(error);
        this.status.trouble(troubleOf(error));
      }
      throw error;
    } finally {
      if (piece.abort === abort) piece.abort = undefined;
    }
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
