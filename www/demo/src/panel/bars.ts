// A row of a chart: words, a bar, a number that tests and screen readers can read.

import { el } from "../dom.js";

export interface Bar {
  words: string;
  /** A second, quieter line. */
  note?: string;
  value: number;
  text: string;
  colour: string;
  testid?: string;
}

export function bars(rows: Bar[], largest = Math.max(...rows.map(({ value }) => value), 0)): HTMLElement {
  return el("dl", { class: "bars" }, ...rows.map((row) => bar(row, largest)));
}

function bar({ words, note, value, text, colour, testid }: Bar, largest: number): HTMLElement {
  const fill = el("span", { class: `bar-fill ${colour}` });
  fill.style.width = largest > 0 ? `${Math.max(value > 0 ? 0.6 : 0, (value / largest) * 100)}%` : "0";
  return el(
    "div",
    { class: "bar" },
    el("dt", {}, words, ...(note ? [" ", el("small", {}, note)] : [])),
    el("dd", { "data-testid": testid, "data-value": value }, text),
    el("span", { class: "bar-track", "aria-hidden": "true" }, fill),
  );
}
