// What the board is made of. The same table colours the page and the exported picture.

import { byId, el } from "./dom.js";

interface Backdrop {
  words: string;
  /** Top to bottom; none is transparent, drawn as a checkerboard. */
  colours: [string, string] | undefined;
}

const BACKDROPS: Record<string, Backdrop> = {
  checker: { words: "Transparent", colours: undefined },
  paper: { words: "Paper", colours: ["#ffffff", "#f3eee4"] },
  sand: { words: "Sand", colours: ["#f0dfbd", "#d9b98a"] },
  moss: { words: "Moss", colours: ["#c5d3b0", "#7f9a78"] },
  river: { words: "River", colours: ["#a7d5d8", "#2f7f95"] },
  dusk: { words: "Dusk", colours: ["#f2b899", "#6f5378"] },
  night: { words: "Night", colours: ["#33444f", "#10181f"] },
};

export class Backdrops {
  #chosen = "checker";

  constructor(readonly board: HTMLElement) {
    byId("backdrops").append(
      ...Object.entries(BACKDROPS).map(([name, { words, colours }]) => {
        const input = el("input", { type: "radio", name: "backdrop", value: name, "aria-label": words });
        input.checked = name === this.#chosen;
        input.addEventListener("change", () => this.choose(name));
        const swatch = el("span", { class: colours ? "swatch" : "swatch checker" });
        if (colours) swatch.style.background = gradient(colours);
        return el("label", { title: words }, input, swatch);
      }),
    );
    this.choose(this.#chosen);
  }

  choose(name: string): void {
    this.#chosen = name;
    const colours = BACKDROPS[name]?.colours;
    this.board.classList.toggle("checker", !colours);
    this.board.style.background = colours ? gradient(colours) : "";
  }

  paint(context: CanvasRenderingContext2D, width: number, height: number): void {
    const colours = BACKDROPS[this.#chosen]?.colours;
    if (!colours) return;
    const fill = context.createLinearGradient(0, 0, 0, height);
    fill.addColorStop(0, colours[0]);
    fill.addColorStop(1, colours[1]);
    context.fillStyle = fill;
    context.fillRect(0, 0, width, height);
  }
}

function gradient([top, bottom]: [string, string]): string {
  return `linear-gradient(${top}, ${bottom})`;
}
