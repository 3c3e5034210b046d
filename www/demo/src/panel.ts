// The panel beside the board: what is known about the chosen piece, and what the settings would do next.

import type { ModelDescription } from "headwater";
import { byId } from "./dom.js";
import type { Downloads } from "./downloads.js";
import type { Run } from "./engine.js";
import { rounded } from "./format.js";
import { bytesView } from "./panel/bytes.js";
import { featuresView } from "./panel/features.js";
import { atSize, placesOf } from "./panel/places.js";
import { Strip } from "./panel/strip.js";
import { factsView, summaryView } from "./panel/summary.js";
import { timesView } from "./panel/times.js";
import { weightsView } from "./panel/weights.js";
import type { Piece } from "./piece.js";
import type { Pixels } from "./pixels.js";
import { Postings } from "./posting.js";
import { sameWork, type Settings } from "./settings.js";

export class Panel {
  readonly #strip = new Strip(byId("strip"));
  readonly #planStrip = new Strip(byId("plan-strip"));
  readonly #postings: Postings;
  #model: ModelDescription | undefined;
  #webgpu = true;
  /** What is shown, so that it can be shown again when more is known of it. */
  #shown: [Piece | undefined, Settings] | undefined;

  constructor(
    readonly downloads: Downloads,
    pixels: Pixels,
  ) {
    this.#postings = new Postings(pixels);
  }

  /** The model's header is there: plans can be drawn before anything runs. */
  know(model: ModelDescription): void {
    this.#model = model;
  }

  /** Whether this browser can run layers at all. */
  knowDevice({ webgpu }: { webgpu: boolean }): void {
    this.#webgpu = webgpu;
  }

  /** The piece's run has its own sections; what `settings` would do is beside them, and never mixed with them. */
  show(piece: Piece | undefined, settings: Settings): void {
    this.#shown = [piece, settings];
    const run = piece?.run && { ...piece.run, report: rounded(piece.run.report) };
    document.body.classList.toggle("has-run", run !== undefined);
    if (piece && run) this.#showRun(piece, run);
    this.#showPlan(piece, run, settings);
  }

  #showRun(piece: Piece, run: Run): void {
    const { report } = run;
    const again = () => this.#shown?.[0] === piece && this.show(...this.#shown);
    const posting = report.split === "remote" ? undefined : this.#postings.of(piece, report.size, again);
    byId("summary").replaceChildren(...summaryView(piece.name, run, !this.#webgpu));
    byId("facts").replaceChildren(factsView(run));
    byId("times").replaceChildren(...timesView(run));
    byId("bytes").replaceChildren(...bytesView(run, fileBytes(piece), posting));
    byId("weights").replaceChildren(...weightsView(run, this.downloads.bytes));
    byId("features").replaceChildren(...featuresView(run));
    byId("report").textContent = JSON.stringify(report, null, 2);
    const { up_bytes: up, down_bytes: down, client_macs: clientMacs, server_macs: serverMacs } = report;
    this.#strip.show({ model: run.model, split: report.split, measured: { up, down, clientMacs, serverMacs } });
  }

  #showPlan(piece: Piece | undefined, run: Run | undefined, settings: Settings): void {
    const section = byId("plan-title").closest("section")!;
    section.hidden = run !== undefined && sameWork(run.settings, settings);
    if (section.hidden) return;
    const model = this.#model;
    const planned = model && placesOf(model, settings.split) !== undefined;
    byId("plan-title").textContent = run ? "What the settings above would do" : "What would run where";
    byId("plan-words").textContent = [
      run ? `Below is the run of ${piece!.name} with other settings.` : whatIsMissing(piece),
      settings.split === "auto"
        ? "The split “auto” is chosen when the first picture comes, by what this device can do."
        : model && !planned
          ? `The model names no split “${settings.split}”; where such a cut runs what is shown after a run.`
          : "",
    ]
      .filter(Boolean)
      .join(" ");
    this.#planStrip.show(planned ? { model: atSize(model, settings.size), split: settings.split } : undefined);
  }
}

function whatIsMissing(piece: Piece | undefined): string {
  if (piece) return piece.state === "failed" ? `${piece.name} was not cut out.` : `${piece.name} is not cut out yet.`;
  if (byId("board").dataset["pieces"] !== "0") return "Choose a piece on the board to see how it was cut out.";
  return "After the first photograph this panel shows which layers ran where, what travelled, and how long each part took.";
}

function fileBytes({ photo }: Piece): number | undefined {
  return photo.file.size || undefined;
}
