// The feature maps that crossed, with the sentence that belongs beside them.

import { el } from "../dom.js";
import type { Run } from "../engine.js";
import type { FeaturePicture } from "../features.js";

export function featuresView(run: Run): HTMLElement[] {
  if (run.features.length === 0) {
    const why =
      run.report.split === "remote"
        ? "With this split the photograph itself went to the server."
        : run.report.split === "local"
          ? "With this split nothing crosses."
          : "None were kept of this picture.";
    return [el("p", { class: "note" }, why)];
  }
  return [
    ...run.features.map(figure),
    el(
      "p",
      { class: "note" },
      "They do not hide the picture: it can be reconstructed from them. Whoever may see these may see the photograph.",
    ),
  ];
}

function figure({ direction, shape, shown, canvas }: FeaturePicture): HTMLElement {
  const [, channels = 0, height = 0, width = 0] = shape;
  const words = direction === "up" ? "Sent up" : "Came down";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${words}: ${shown} of ${channels} channels, drawn as small pictures`);
  return el(
    "figure",
    { "data-direction": direction },
    canvas,
    el(
      "figcaption",
      {},
      el("strong", {}, words),
      ` ${channels} × ${width} × ${height}; the ${shown} channels that vary most`,
    ),
  );
}
