// The net as a river between two banks: what ran in this browser above, what ran at the server below.

import type { ModelDescription } from "headwater";
import { el, svg } from "../dom.js";
import { bytes, macs, percent } from "../format.js";
import { placesOf, type Place } from "./places.js";

export interface StripView {
  model: ModelDescription;
  split: string;
  /** What was measured; without it the strip shows what is planned. */
  crossed?: { up: number; down: number } | undefined;
}

const HEIGHT = 148;
const LANE: Record<Place, number> = { client: 48, server: 106 };
const BLOCK = 30;
const BEND = 34;
const SHORE = 14;
const GAP = 2;

export class Strip {
  readonly #place: HTMLElement;
  #view: StripView | undefined;

  constructor(place: HTMLElement) {
    this.#place = place;
    new ResizeObserver(() => this.#draw()).observe(place);
  }

  show(view: StripView | undefined): void {
    this.#view = view;
    this.#draw();
  }

  #draw(): void {
    const view = this.#view;
    const width = this.#place.clientWidth;
    if (!view || width === 0) return this.#place.replaceChildren();
    this.#place.dataset["planned"] = String(!view.crossed);
    this.#place.replaceChildren(drawing(view, width), legend(view));
  }
}

function drawing({ model, split, crossed }: StripView, width: number): SVGElement {
  const places = placesOf(model, split);
  const bends =
    places.filter((place, at) => place !== (places[at - 1] ?? "client")).length + (places.at(-1) === "server" ? 1 : 0);
  const room = width - 2 * SHORE - bends * BEND - GAP * model.stages.length;
  const widths = blockWidths(
    model.stages.map((stage) => stage.macs),
    room,
  );

  const blocks: SVGElement[] = [];
  const labels: SVGElement[] = [];
  let x = SHORE;
  let lane = "client" as Place;
  let river = `M 0 ${LANE.client} H ${x}`;
  const bend = (to: Place) => {
    river += ` C ${x + BEND / 2} ${LANE[lane]} ${x + BEND / 2} ${LANE[to]} ${x + BEND} ${LANE[to]}`;
    const count = crossed && (to === "server" ? crossed.up : crossed.down);
    const words = `${to === "server" ? "↓" : "↑"}${count === undefined ? "" : ` ${bytes(count)}`}`;
    labels.push(
      svg(
        "text",
        { x: x + BEND / 2, y: (LANE.client + LANE.server) / 2 + 4, class: "strip-crossing", "text-anchor": "middle" },
        words,
      ),
    );
    x += BEND;
    lane = to;
  };
  model.stages.forEach((stage, at) => {
    const place = places[at]!;
    if (place !== lane) bend(place);
    const wide = widths[at]!;
    const words = `${stage.name}: ${macs(stage.macs)} multiply-adds, ${place === "client" ? "in this browser" : "at the server"}`;
    blocks.push(
      svg(
        "g",
        { class: `strip-block ${place}` },
        svg("title", {}, words),
        svg("rect", { x, y: LANE[place] - BLOCK / 2, width: wide, height: BLOCK, rx: Math.min(5, wide / 2) }),
      ),
    );
    x += wide;
    river += ` H ${x}`;
    x += GAP;
  });
  if (lane === "server") bend("client");
  river += ` H ${width}`;

  const split_ = model.splits.find(({ name }) => name === split);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": summary(model, split) },
    svg("text", { x: 0, y: 16, class: "strip-bank client" }, "In this browser"),
    svg(
      "text",
      { x: width, y: 16, class: "strip-share", "text-anchor": "end" },
      share(split_?.client_macs, model.macs),
    ),
    svg("path", { d: river, class: "strip-river" }),
    svg("path", { d: river, class: "strip-flow" }),
    ...blocks,
    ...labels,
    svg("text", { x: 0, y: HEIGHT - 6, class: "strip-bank server" }, "At the server"),
    svg(
      "text",
      { x: width, y: HEIGHT - 6, class: "strip-share", "text-anchor": "end" },
      share(split_?.server_macs, model.macs),
    ),
  );
}

function legend({ model, crossed }: StripView): HTMLElement {
  return el(
    "p",
    { class: "note" },
    crossed
      ? `Each block is a part of ${model.name}, as wide as its share of ${macs(model.macs)} multiply-adds.`
      : `Planned, not run yet. Each block is a part of ${model.name}, as wide as its share of the multiply-adds.`,
  );
}

function summary(model: ModelDescription, split: string): string {
  const found = model.splits.find(({ name }) => name === split);
  if (!found) return `Split ${split}`;
  return `Split ${split}: ${share(found.client_macs, model.macs)} in this browser, ${share(found.server_macs, model.macs)} at the server`;
}

function share(part: number | undefined, whole: number): string {
  return part === undefined ? "" : `${percent(part / whole)} of the work`;
}

/** In proportion, but none so thin that it cannot be seen; the wide ones pay for that. */
function blockWidths(weights: number[], room: number): number[] {
  const least = Math.min(5, room / weights.length / 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  return weights.map((weight) => least + (weight / total) * (room - least * weights.length));
}
