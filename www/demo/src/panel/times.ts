// Where the time went. The parts are the report's; what they leave of the total is shown as the rest.

import type { Report } from "headwater";
import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { millis } from "../format.js";

type Part = { key: keyof Report; words: string; colour: string };

const PARTS: Part[] = [
  { key: "head_millis", words: "First layers, here", colour: "water" },
  { key: "encode_millis", words: "Packing", colour: "water-2" },
  { key: "network_millis", words: "Network", colour: "ink" },
  { key: "queue_millis", words: "Waiting at the server", colour: "clay-2" },
  { key: "server_millis", words: "Middle layers, server", colour: "clay" },
  { key: "decode_millis", words: "Unpacking", colour: "water-2" },
  { key: "tail_millis", words: "Last layers, here", colour: "water" },
];

const WHOLE: Partial<Record<string, Partial<Record<keyof Report, string>>>> = {
  local: { head_millis: "The whole net, here" },
  remote: { server_millis: "The whole net, server" },
};

export function timesView(run: Run): HTMLElement[] {
  const { report } = run;
  const parts = PARTS.map(({ key, words, colour }) => ({
    key: key as string,
    words: WHOLE[report.split]?.[key] ?? words,
    colour,
    value: report[key] as number,
  }));
  const sum = parts.reduce((total, { value }) => total + value, 0);
  const rest = Math.max(0, report.total_millis - sum);
  parts.push({ key: "rest", words: "The rest", colour: "line", value: rest });
  const whole = sum + rest || 1;

  const bar = el("div", { class: "stack", "aria-hidden": "true" });
  for (const { value, colour, words } of parts) {
    if (value <= 0) continue;
    const piece = el("span", { class: colour, title: `${words}: ${millis(value)}` });
    piece.style.flexGrow = String(value / whole);
    bar.append(piece);
  }
  return [
    bar,
    el(
      "dl",
      { class: "times" },
      ...parts.map(({ key, words, colour, value }) =>
        el(
          "div",
          { class: value > 0 ? "" : "nought" },
          el("dt", {}, el("span", { class: `dot ${colour}`, "aria-hidden": "true" }), words),
          el("dd", { "data-testid": `report-${key}`, "data-value": value }, millis(value)),
        ),
      ),
    ),
    el(
      "p",
      { class: "note" },
      "Once, before the first picture with these settings: ",
      el(
        "span",
        { "data-testid": "report-setup_millis", "data-value": report.setup_millis },
        millis(report.setup_millis),
      ),
      " to load weights and to compile the layers for the graphics adapter.",
    ),
  ];
}
