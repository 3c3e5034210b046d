// The head of the panel: how long, where, on what, and whether it went as asked.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { millis, sentence } from "../format.js";

export function summaryView(name: string, run: Run): HTMLElement[] {
  const { report } = run;
  return [
    el(
      "p",
      { class: "total" },
      el(
        "strong",
        { "data-testid": "report-total_millis", "data-value": report.total_millis },
        millis(report.total_millis),
      ),
      el("span", {}, ` for ${name}`),
    ),
    el(
      "dl",
      { class: "facts" },
      ...fact("Split", report.split, "report-split"),
      ...fact("Size", report.size.join(" × "), "report-size"),
      ...fact("Codec", report.codec, "report-codec"),
      ...fact("Browser", adapterWords(run), "report-adapter"),
      ...fact("Server", report.executor && report.split !== "local" ? report.executor : "nothing", "report-executor"),
    ),
    ...(run.settings.split === "auto" && run.reasons.length > 0
      ? [el("p", { class: "note", "data-testid": "reasons" }, run.reasons.map(sentence).join(" "))]
      : []),
    ...(report.fallback
      ? [
          el(
            "p",
            { class: "note warning", "data-testid": "report-fallback" },
            `Not as asked for. ${sentence(report.fallback)}`,
          ),
        ]
      : []),
  ];
}

function fact(words: string, value: string, testid: string): HTMLElement[] {
  return [el("div", {}, el("dt", {}, words), el("dd", { "data-testid": testid, "data-value": value }, value))];
}

function adapterWords({ report: { adapter } }: Run): string {
  if (!adapter) return "nothing";
  return adapter.type === "cpu" ? `${adapter.name} (software)` : adapter.name;
}
