// The bar below the board: everything the keyboard can do to the chosen piece, for fingers.

import { byId, el, setDisabled } from "./dom.js";
import type { Piece } from "./piece.js";

const TOOLS = [
  "stop",
  "keep",
  "smaller",
  "larger",
  "lower",
  "raise",
  "turn",
  "flip",
  "before",
  "brush",
  "again",
  "compare",
  "copy",
  "export",
  "save-menu",
  "remove",
] as const;

export type Tool = (typeof TOOLS)[number];

/** What only a live piece has, what it has not, and what needs a cut-out. */
const LIVE: Tool[] = ["stop", "keep"];
const STILL: Tool[] = ["again", "compare", "export", "save-menu", "copy", "brush", "before"];
const OF_CUTOUTS: Tool[] = ["compare", "export", "save-menu", "copy", "brush", "before"];

export class Tools {
  readonly #bar = byId("tools");
  readonly #name = byId("tools-name");
  readonly #trouble = byId("piece-trouble");
  readonly #buttons = [...this.#bar.querySelectorAll<HTMLButtonElement>("button[data-tool]")];

  constructor(onUse: (tool: Tool) => void) {
    for (const button of this.#buttons) {
      const tool = button.dataset["tool"] as Tool;
      if (!button.hasAttribute("popovertarget")) button.addEventListener("click", () => onUse(tool));
    }
  }

  show(piece: Piece | undefined, brushing: boolean): void {
    this.#bar.hidden = !piece;
    this.#sayTrouble(piece);
    this.#name.textContent = piece?.name ?? "";
    if (!piece) return;
    this.#bar.setAttribute("aria-label", `Tools for ${piece.name}`);
    const live = piece.state === "live";
    for (const button of this.#buttons) {
      const tool = button.dataset["tool"] as Tool;
      button.hidden = live ? STILL.includes(tool) : LIVE.includes(tool);
      if (tool === "again") setDisabled(button, piece.isBusy, piece.element);
      if (OF_CUTOUTS.includes(tool)) setDisabled(button, piece.isBusy || !piece.isCut, piece.element);
      if (tool === "before") button.setAttribute("aria-pressed", String(piece.view.isBefore));
      if (tool === "brush") button.setAttribute("aria-pressed", String(brushing));
    }
  }

  #sayTrouble(piece: Piece | undefined): void {
    const trouble = piece?.trouble;
    this.#trouble.hidden = !trouble;
    if (!trouble) return this.#trouble.replaceChildren();
    this.#trouble.replaceChildren(
      el("strong", {}, `${piece.name}: `),
      `${trouble.what}${trouble.help ? ` ${trouble.help}` : ""}`,
    );
  }
}
