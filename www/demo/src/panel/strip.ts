// The net as a river between two banks: what ran at the server above, what ran in this browser below. Up is up.

import type { ModelDescription } from "headwater";
import { el, svg } from "../dom.js";
import { bytes, macs, percent } from "../format.js";
import { placesOf, type Place } from "./places.js";

export interface StripView {
  model: ModelDescription;
  split: string;
  /** What was measured; without it the strip shows what is planned. */
  measured?: { up: number; down: number; clientMacs: number; serverMacs: number } | undefined;
}

/** Units of the drawing; one is a sixteenth of the page's font size, so that it grows with the text. */
const HEIGHT = 148;
const LANE: Record<Place, number> = { server: 48, client: 106 };
const BLOCK = 30;
const BEND = 34;
const SHORE = 14;
const GAP = 2;
const LETTER = 6.8;
/** Below these widths the shares do not fit beside the banks' names, nor the bytes beside the river. */
const NARROW = 240;
const VERY_NARROW = 200;

const WHERE: Record<Place, string> = { client: "in this browser", server: "at the server" };

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
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const width = this.#place.clientWidth / unit;
    const places = view && placesOf(view.model, view.split, shares(view)?.client);
    if (!view || !places || width === 0) return this.#place.replaceChildren();
    const opened = this.#place.querySelector("details")?.open ?? false;
    this.#place.dataset["planned"] = String(!view.measured);
    this.#place.replaceChildren(drawing(view, places, width, unit), legend(view), parts(view.model, places, opened));
  }
}

function drawing(view: StripView, places: Place[], width: number, unit: number): SVGElement {
  const { model, split, measured } = view;
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
    if (measured && width >= VERY_NARROW)
      labels.push(label(to, to === "server" ? measured.up : measured.down, x, width));
    x += BEND;
    lane = to;
  };
  model.stages.forEach((stage, at) => {
    const place = places[at]!;
    if (place !== lane) bend(place);
    const wide = widths[at]!;
    blocks.push(
      svg(
        "g",
        { class: `strip-block ${place}` },
        svg("title", {}, `${stage.name}: ${macs(stage.macs)} multiply-adds, ${WHERE[place]}`),
        svg("rect", { x, y: LANE[place] - BLOCK / 2, width: wide, height: BLOCK, rx: Math.min(5, wide / 2) }),
      ),
    );
    x += wide;
    river += ` H ${x}`;
    x += GAP;
  });
  if (lane === "server") bend("client");
  river += ` H ${width}`;

  const share = shares(view);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width: width * unit,
      height: HEIGHT * unit,
      role: "img",
      "aria-label": summary(split, share),
    },
    ...bank("At the server", "server", share?.server, 16, width),
    svg("path", { d: river, class: "strip-river" }),
    svg("path", { d: river, class: "strip-flow" }),
    ...blocks,
    ...labels,
    ...bank("In this browser", "client", share?.client, HEIGHT - 6, width),
  );
}

function bank(name: string, place: Place, share: number | undefined, y: number, width: number): SVGElement[] {
  const part = share === undefined ? "" : percent(share);
  return [
    svg("text", { x: 0, y, class: `strip-bank ${place}` }, name),
    svg(
      "text",
      { x: width, y, class: "strip-share", "text-anchor": "end" },
      width < NARROW ? part : part && `${part} of the work`,
    ),
  ];
}

/**
 * How much crossed at a bend that begins at `x`, written where the river does not run: outside the server's part on the
 * server's side, or, where there is no room for it, inside that part on the browser's side.
 */
function label(to: Place, count: number, x: number, width: number): SVGElement {
  const up = to === "server";
  const words = `${up ? "↑" : "↓"} ${bytes(count)}`;
  const outside = (up ? x : width - x - BEND) >= words.length * LETTER;
  const lane: Place = outside ? "server" : "client";
  const left = up === outside;
  return svg(
    "text",
    {
      x: left ? x + BEND / 4 : x + (3 * BEND) / 4,
      y: LANE[lane] + 4,
      class: "strip-crossing",
      "text-anchor": left ? "end" : "start",
    },
    words,
  );
}

function legend({ model, measured }: StripView): HTMLElement {
  const planned = measured ? "" : "Planned, not run yet. ";
  return el(
    "p",
    { class: "note" },
    `${planned}Each block is a group of the net's layers, as wide as its share of the work: ${macs(model.macs)} multiply-adds (one multiplication and one addition each) for a picture at ${model.size.join(" × ")} px.`,
  );
}

/** The blocks in words, since the narrow ones can hardly be told apart. */
function parts(model: ModelDescription, places: Place[], open: boolean): HTMLElement {
  const rows = model.stages.map((stage, at) =>
    el(
      "li",
      {},
      el("span", {}, stage.name),
      el("span", {}, `${percent(stage.macs / (model.macs || 1))}, ${WHERE[places[at]!]}`),
    ),
  );
  return el("details", { class: "parts", open }, el("summary", {}, "The blocks, one by one"), el("ol", {}, ...rows));
}

/** Measured where it was run; else as the model describes the split. */
function shares({ model, split, measured }: StripView): Record<Place, number> | undefined {
  const named = model.splits.find(({ name }) => name === split);
  const client = measured?.clientMacs ?? named?.client_macs;
  const server = measured?.serverMacs ?? named?.server_macs;
  if (client === undefined || server === undefined) return undefined;
  const whole = client + server || 1;
  return { client: client / whole, server: server / whole };
}

function summary(split: string, share: Record<Place, number> | undefined): string {
  if (!share) return `Split ${split}`;
  return `Split ${split}: ${percent(share.client)} of the work in this browser, ${percent(share.server)} at the server`;
}

/** In proportion, but none so thin that it cannot be seen; the wide ones pay for that. */
function blockWidths(weights: number[], room: number): number[] {
  const least = Math.min(5, room / weights.length / 2);
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  return weights.map((weight) => least + (weight / total) * (room - least * weights.length));
}
