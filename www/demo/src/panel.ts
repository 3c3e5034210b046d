// The panel beside the board: what is known about the chosen piece.

import type { ModelDescription } from "headwater";
import { byId, el } from "./dom.js";
import type { Downloads } from "./downloads.js";
import { bytesView } from "./panel/bytes.js";
import { featuresView } from "./panel/features.js";
import { Strip } from "./panel/strip.js";
import { summaryView } from "./panel/summary.js";
import { timesView } from "./panel/times.js";
import { weightsView } from "./panel/weights.js";
import type { Piece } from "./piece.js";
import type { Settings } from "./settings.js";

export class Panel {
  readonly #strip = new Strip(byId("strip"));
  #model: ModelDescription | undefined;

  constructor(readonly downloads: Downloads) {}

  /** The model's header is there: plans can be drawn before anything runs. */
  know(model: ModelDescription): void {
    this.#model = model;
  }

  /** The model's own size is the one that its makers trained it at. */
  #sayWhatSizeMeans(settings: Settings): void {
    const own = this.#model && Math.max(...this.#model.size);
    const note = byId("size-note");
    note.hidden = !own || settings.size >= own;
    note.textContent = `The net was made for ${own} px. Smaller is quicker and coarser.`;
  }

  /** `settings` are the controls': where they differ from the piece's run, the strip shows the plan. */
  show(piece: Piece | undefined, settings: Settings): void {
    const run = piece?.run;
    this.#sayWhatSizeMeans(settings);
    document.body.classList.toggle("has-run", run !== undefined);
    if (!piece || !run) return this.#plan(settings);

    byId("summary").replaceChildren(...summaryView(piece.name, run));
    byId("bytes").replaceChildren(...bytesView(run, piece.photo, piece.runs.get("remote")));
    byId("times").replaceChildren(...timesView(run));
    byId("weights").replaceChildren(...weightsView(run, this.downloads.bytes));
    byId("features").replaceChildren(...featuresView(run));
    byId("report").textContent = JSON.stringify(run.report, null, 2);

    const asked = run.settings;
    const unchanged = asked.split === settings.split && asked.size === settings.size && asked.codec === settings.codec;
    if (!unchanged && settings.split !== "auto") return this.#plan(settings);
    const { up_bytes: up, down_bytes: down } = run.report;
    this.#strip.show({ model: run.model, split: run.report.split, crossed: { up, down } });
  }

  #plan(settings: Settings): void {
    const model = this.#model;
    if (!model) return this.#strip.show(undefined);
    if (settings.split !== "auto") return this.#strip.show({ model, split: settings.split });
    this.#strip.show(undefined);
    byId("strip").replaceChildren(
      el("p", { class: "note" }, "“auto” chooses the split when the first picture comes, by what this device can do."),
    );
  }
}
