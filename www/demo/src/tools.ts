// The bar under the chosen piece: everything the keyboard can do, for fingers.

import { byId } from "./dom.js";
import type { Piece } from "./piece.js";

export type Tool =
  "smaller" | "larger" | "lower" | "raise" | "again" | "compare" | "export" | "remove" | "keep" | "stop";

export class Tools {
  readonly #bar = byId("tools");
  readonly #buttons = [...this.#bar.querySelectorAll<HTMLButtonElement>("button[data-tool]")];

  constructor(onUse: (tool: Tool) => void) {
    for (const button of this.#buttons) {
      button.addEventListener("click", () => onUse(button.dataset["tool"] as Tool));
    }
  }

  show(piece: Piece | undefined): void {
    this.#bar.hidden = !piece;
    if (!piece) return;
    const live = piece.state === "live";
    const busy = piece.state === "working" || piece.state === "waiting";
    for (const button of this.#buttons) {
      const tool = button.dataset["tool"] as Tool;
      if (tool === "keep" || tool === "stop") button.hidden = !live;
      if (tool === "again" || tool === "compare" || tool === "export") button.hidden = live;
      if (tool === "again") button.disabled = busy;
      if (tool === "compare" || tool === "export") button.disabled = busy || !piece.cutout;
    }
  }
}
