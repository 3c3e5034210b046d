// What the board is made of: one of a few gradients, a colour or a picture of the visitor's own, or nothing.

import { byId, el } from "./dom.js";
import type { Pixels } from "./pixels.js";
import type { Backdrop } from "./pixels/backdrop.js";

interface Ready {
  words: string;
  /** Top to bottom; none is transparent, drawn as a checkerboard. */
  colours: [string, string] | undefined;
}

const READY: Record<string, Ready> = {
  checker: { words: "Transparent", colours: undefined },
  paper: { words: "Paper", colours: ["#ffffff", "#f3eee4"] },
  sand: { words: "Sand", colours: ["#f0dfbd", "#d9b98a"] },
  moss: { words: "Moss", colours: ["#c5d3b0", "#7f9a78"] },
  river: { words: "River", colours: ["#a7d5d8", "#2f7f95"] },
  dusk: { words: "Dusk", colours: ["#f2b899", "#6f5378"] },
  night: { words: "Night", colours: ["#33444f", "#10181f"] },
};
const OWN_COLOUR = "own-colour";
const OWN_PICTURE = "own-picture";

export class Backdrops {
  /** Undefined is transparent. */
  chosen: Backdrop | undefined;
  readonly #picture = byId("backdrop-picture", HTMLCanvasElement);

  constructor(
    readonly board: HTMLElement,
    readonly pixels: Pixels,
    /** Called with the error of a file that is no picture. */
    readonly onRefusal: (error: unknown) => void,
  ) {
    const place = byId("backdrops");
    for (const [name, { words, colours }] of Object.entries(READY)) {
      const choice = swatch(name, words, () => this.choose(colours));
      if (colours) choice.swatch.style.background = gradient(colours);
      else choice.swatch.classList.add("checker");
      choice.input.checked = name === "checker";
      place.append(choice.label);
    }
    place.append(this.#ownColour(), this.#ownPicture());
    this.choose(undefined);
  }

  choose(colours: [string, string] | undefined): void {
    this.chosen = colours && { kind: "colours", top: colours[0], bottom: colours[1] };
    this.#picture.hidden = true;
    this.#picture.width = 0;
    this.board.classList.toggle("checker", !colours);
    this.board.style.background = colours ? gradient(colours) : "";
  }

  /** A picture covers the board and keeps its proportions; saved boards have it at its own resolution. */
  async choosePicture(file: Blob, name: string): Promise<void> {
    const side = 2 * Math.max(this.board.clientWidth, this.board.clientHeight);
    const opened = await this.pixels.do("open", { file, name, bound: { width: side, height: side } });
    this.choose(undefined);
    this.chosen = { kind: "picture", file: opened.file, name };
    this.#picture.width = opened.bitmap.width;
    this.#picture.height = opened.bitmap.height;
    this.#picture.getContext("bitmaprenderer")?.transferFromImageBitmap(opened.bitmap);
    this.#picture.hidden = false;
  }

  #ownColour(): HTMLElement {
    const colour = el("input", {
      type: "color",
      value: "#7fb3bf",
      class: "own-colour",
      "aria-label": "A colour of your own",
      "data-testid": "own-colour",
    });
    const choice = swatch(OWN_COLOUR, "A colour of your own", use);
    const board = this;
    function use() {
      choice.input.checked = true;
      board.choose([colour.value, colour.value]);
    }
    colour.addEventListener("input", use);
    // One thing to press and to reach by Tab: the picker itself.
    choice.input.tabIndex = -1;
    choice.swatch.replaceWith(colour);
    return choice.label;
  }

  #ownPicture(): HTMLElement {
    const file = el("input", {
      type: "file",
      accept: "image/*",
      class: "unseen",
      tabindex: -1,
      "aria-label": "A picture of your own as the background",
      "data-testid": "own-picture",
    });
    const choice = swatch(OWN_PICTURE, "A picture of your own", () => undefined);
    // Chosen already, it is chosen anew: there may be another picture.
    choice.input.addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      file.value = "";
      if (!chosen) return;
      choice.input.checked = true;
      void this.choosePicture(chosen, chosen.name).catch(this.onRefusal);
    });
    choice.swatch.classList.add("own-picture");
    choice.swatch.textContent = "+";
    choice.label.append(file);
    return choice.label;
  }
}

function swatch(
  name: string,
  words: string,
  onChoose: () => void,
): { label: HTMLLabelElement; input: HTMLInputElement; swatch: HTMLSpanElement } {
  const input = el("input", { type: "radio", name: "backdrop", value: name, "aria-label": words });
  const mark = el("span", { class: "swatch" });
  input.addEventListener("change", onChoose);
  return { label: el("label", { title: words }, input, mark), input, swatch: mark };
}

function gradient([top, bottom]: [string, string]): string {
  return `linear-gradient(${top}, ${bottom})`;
}
