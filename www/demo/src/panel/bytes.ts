// What travelled, beside the file and beside what posting the photograph takes at the same size.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { bytes, times } from "../format.js";
import type { Posting } from "../pixels/posting.js";
import { bars, type Bar } from "./bars.js";

/** `fileBytes`: of the photograph's file, where it is one. `posting`: undefined while it is not known. */
export function bytesView(run: Run, fileBytes: number | undefined, posting: Posting | undefined): HTMLElement[] {
  const { report } = run;
  const rows: Bar[] = [];
  if (fileBytes !== undefined) {
    rows.push({ words: "The file", value: fileBytes, text: bytes(fileBytes), colour: "ink", testid: "file-bytes" });
  }
  if (report.split !== "remote") {
    rows.push({
      words: "“remote” at this size",
      note: posting?.how ?? "being measured",
      value: posting?.bytes ?? 0,
      text: posting ? bytes(posting.bytes) : "…",
      colour: "ink",
      testid: "posting",
    });
  }
  rows.push(
    {
      words: "Sent up",
      value: report.up_bytes,
      text: bytes(report.up_bytes),
      colour: "clay",
      testid: "report-up_bytes",
    },
    {
      words: "Came down",
      value: report.down_bytes,
      text: bytes(report.down_bytes),
      colour: "clay",
      testid: "report-down_bytes",
    },
  );
  return [
    bars(rows),
    el("p", { class: "note", "data-testid": "verdict" }, verdict(run.report, fileBytes, posting?.bytes)),
  ];
}

/** One sentence that holds whatever else was run: what was sent, against both yardsticks. */
export function verdict(
  { split, up_bytes: up, size }: { split: string; up_bytes: number; size: readonly number[] },
  file: number | undefined,
  posting: number | undefined,
): string {
  if (up === 0) return "Nothing left this browser: the whole net ran here.";
  const aside = file === undefined ? "" : ` That is ${compared(up, file)} the file.`;
  if (split === "remote")
    return `The photograph was posted, with the pixels that ${size.join(" × ")} px need, and the mask came back.${aside}`;
  if (posting === undefined) return file === undefined ? "" : `What was sent up is ${compared(up, file)} the file.`;
  const also = file === undefined ? "" : `, and ${compared(up, file)} the file itself`;
  return `What was sent up is ${compared(up, posting)} what “remote” would post at this size${also}.`;
}

function compared(value: number, yardstick: number): string {
  const factor = value / yardstick;
  if (factor >= 1.05) return `${times(factor)} times as large as`;
  if (factor > 0.95) return "about as large as";
  return `${times(1 / factor)} times smaller than`;
}
