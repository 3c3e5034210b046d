// The part of the model that this browser had to fetch, beside the whole.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { bytes, percent } from "../format.js";
import { bars } from "./bars.js";

export function weightsView(run: Run, fetched: number): HTMLElement[] {
  const { model, report } = run;
  const part = report.client_weight_bytes;
  return [
    bars([
      {
        words: "The whole model",
        value: model.file_bytes,
        text: bytes(model.file_bytes),
        colour: "ink",
        testid: "model-bytes",
      },
      {
        words: "This split's part",
        value: part,
        text: bytes(part),
        colour: "water",
        testid: "report-client_weight_bytes",
      },
    ]),
    el(
      "p",
      { class: "note" },
      part === 0 ? "This split needs no weights here. " : `${percent(part / model.file_bytes)} of the file. `,
      "In this visit ",
      el("span", { "data-testid": "fetched", "data-value": fetched }, bytes(fetched)),
      " of it came over the network, header included; what was here before came from the browser's cache.",
    ),
  ];
}
