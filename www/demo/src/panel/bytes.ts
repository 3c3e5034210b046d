// What travelled, beside what posting the photograph itself takes.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import { bytes, times } from "../format.js";
import type { Photo } from "../photo.js";
import { bars } from "./bars.js";

/** `remote` is a measured run of the split that posts the picture, where this page has made one. */
export function bytesView(run: Run, photo: Photo, remote: Run | undefined): HTMLElement[] {
  const { report } = run;
  const posting = remote
    ? { bytes: remote.report.up_bytes, how: "measured here with the split “remote”" }
    : photo.posting;
  return [
    bars([
      {
        words: "Posting the photo",
        note: posting.how,
        value: posting.bytes,
        text: bytes(posting.bytes),
        colour: "ink",
        testid: "posting",
      },
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
    ]),
    el("p", { class: "note" }, verdict(run, posting.bytes)),
  ];
}

function verdict({ report }: Run, posting: number): string {
  if (report.up_bytes === 0) return "Nothing left this browser: the whole net ran here.";
  if (report.split === "remote") return "The photograph itself was posted, and the mask came back.";
  const factor = report.up_bytes / posting;
  if (factor >= 1.05) {
    return `What crossed upwards is ${times(factor)} times as large as the photograph. This split saves the server's work and the download, not the bytes of a picture.`;
  }
  if (factor > 0.95) return "What crossed upwards is as large as the photograph.";
  return `What crossed upwards is ${times(1 / factor)} times smaller than the photograph.`;
}
