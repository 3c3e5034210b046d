// The head of the results: which picture, how long, where, on what, and whether it went as asked.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { adapterName, millis, sentence } from "../format.js";

/** `noWebGpu`: the page says already that there is none, so that nothing here has to say it again. */
export function summaryView(name: string, run: Run, noWebGpu: boolean): HTMLElement[] {
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
      "p",
      { class: "note" },
      "With loading, from the start to the mask: ",
      el("span", { "data-testid": "wall", "data-value": run.wallMillis }, millis(run.wallMillis)),
      ".",
    ),
    ...(run.settings.split === "auto" ? [autoNote(run, noWebGpu)] : []),
    ...(report.fallback && run.settings.split !== "auto" ? [fallbackNote(run, noWebGpu)] : []),
  ];
}

/** What it ran on, below the picture of where. */
export function factsView(run: Run): HTMLElement {
  const { report } = run;
  return el(
    "dl",
    { class: "facts" },
    ...fact("Split", report.split, "report-split"),
    ...fact("Size", `${report.size.join(" × ")} px`, "report-size"),
    ...(report.split === "local" || report.split === "remote" ? [] : fact("Codec", report.codec, "report-codec")),
    ...fact("In this browser", browserWords(run), "report-adapter"),
    ...fact("At the server", serverWords(run), "report-executor"),
  );
}

function fact(words: string, value: string, testid: string): HTMLElement[] {
  return [el("div", {}, el("dt", {}, words), " ", el("dd", { "data-testid": testid, "data-value": value }, value))];
}

function browserWords({ report: { adapter, client_macs } }: Run): string {
  if (!adapter || client_macs === 0) return "no layers ran";
  return `${adapterName(adapter.name)}${adapter.type === "cpu" ? " (software)" : ""}`;
}

function serverWords({ report: { executor, server_macs } }: Run): string {
  if (server_macs === 0) return "no layers ran";
  return executor === "cpu" ? "processor" : executor || "not named";
}

/** Why `auto` chose this split; the package's own words are behind it for those who want them. */
function autoNote(run: Run, noWebGpu: boolean): HTMLElement {
  const title = run.reasons.map(sentence).join(" ");
  return el("p", { class: "note", "data-testid": "reasons", title }, autoWords(run, noWebGpu));
}

export function autoWords({ report, reasons }: Pick<Run, "report" | "reasons">, noWebGpu: boolean): string {
  const chose = `“auto” chose the split “${report.split}”`;
  if (report.split === "remote") {
    const why = noWebGpu
      ? "this browser cannot run layers"
      : report.fallback
        ? "this device could not run its part"
        : "this device computes slowly";
    return `${chose} because ${why}, so that the server got the photograph.`;
  }
  if (report.split !== "local") {
    return `${chose} because the graphics adapter of this device is fast enough for its part.`;
  }
  const down = reasons.some((reason) => reason.startsWith("The server is not used"));
  const why = down ? "the server does not answer" : "the model has no split that leaves both ends here";
  return `${chose} because ${why}, so that this browser ran the whole net.`;
}

function fallbackNote({ settings, report }: Run, noWebGpu: boolean): HTMLElement {
  const words = noWebGpu
    ? `The split “${settings.split}” was asked for, but without WebGPU this browser runs no layers: the photograph was posted, and the server ran the whole net.`
    : `It did not go as asked for (“${settings.split}”). ${sentence(report.fallback ?? "")}`;
  return el("p", { class: "note warning", "data-testid": "report-fallback" }, words);
}
