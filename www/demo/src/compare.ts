// Two masks of one photograph, side by side under a slider: local, split, remote, or the photograph itself.

import { Cutting, runKey } from "./cutting.js";
import { maskPicture } from "./cutout.js";
import { byId, canvasOf, el } from "./dom.js";
import type { Alpha, Run } from "./engine.js";
import { isAbort, troubleOf } from "./errors.js";
import { bytes, millis, percent } from "./format.js";
import { difference } from "./difference.js";
import type { Piece } from "./piece.js";
import { within } from "./pixels/size.js";
import type { Settings } from "./settings.js";

const PHOTO = "photograph";
/** The dialog shows no more pixels a side. */
const LONGEST = 1600;
const SIDES = ["left", "right"] as const;
type Side = (typeof SIDES)[number];
type View = "cutout" | "mask" | "difference";

export class Compare {
  readonly #dialog = byId("compare", HTMLDialogElement);
  readonly #slider = byId("compare-slider", HTMLInputElement);
  readonly #figure = byId("compare-figure");
  readonly #choice: Record<Side, HTMLSelectElement> = {
    left: byId("compare-left", HTMLSelectElement),
    right: byId("compare-right", HTMLSelectElement),
  };
  #piece: Piece | undefined;
  #settings: Settings | undefined;
  #asked = 0;

  constructor(
    readonly cutting: Cutting,
    readonly splits: () => string[],
    readonly onClose: () => void,
  ) {
    this.#slider.addEventListener("input", () => this.#slide(Number(this.#slider.value)));
    for (const side of SIDES) this.#choice[side].addEventListener("change", () => void this.#fill());
    for (const input of this.#views()) input.addEventListener("change", () => void this.#fill());
    byId("compare-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#piece?.abort?.abort();
      this.#asked++;
      this.onClose();
    });
    this.#dragging();
  }

  open(piece: Piece): void {
    if (!piece.run) return;
    this.#piece = piece;
    this.#settings = piece.run.settings;
    const here = piece.run.report.split;
    const all = [PHOTO, ...this.splits()];
    for (const side of SIDES) {
      this.#choice[side].replaceChildren(...all.map((name) => el("option", { value: name }, name)));
    }
    this.#choice.left.value = PHOTO;
    this.#choice.right.value = here;
    byId("compare-name").textContent = piece.name;
    this.#slide(50);
    this.#dialog.showModal();
    // It opens at its title, also where not all of it fits on the screen.
    this.#slider.focus({ preventScroll: true });
    this.#dialog.scrollTop = 0;
    void this.#fill();
  }

  /** Runs what is missing, one after the other, and draws. A newer choice overtakes an older one. */
  async #fill(): Promise<void> {
    const piece = this.#piece!;
    const mine = ++this.#asked;
    piece.abort?.abort();
    const runs: Partial<Record<Side, Run>> = {};
    const view = this.#view();
    this.#figure.dataset["view"] = view;
    this.#figure.setAttribute("aria-busy", "true");
    try {
      for (const side of SIDES) {
        const split = this.#choice[side].value;
        if (split === PHOTO) continue;
        const settings = { ...this.#settings!, split };
        const known = piece.runs.get(runKey(settings)) ?? this.#own(piece, split);
        runs[side] = known ?? (await this.cutting.run(piece, settings));
        if (mine !== this.#asked) return;
      }
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#figure.removeAttribute("aria-busy");
      const words = isAbort(error)
        ? "Cancelled: choose a side again to go on."
        : "This side could not be computed; the line above says why.";
      byId("compare-words").textContent = words;
      return;
    }
    this.#figure.removeAttribute("aria-busy");
    this.#draw(piece, runs, view);
  }

  /** The piece's own run may have been asked for as `auto`. */
  #own(piece: Piece, split: string): Run | undefined {
    return piece.run?.report.split === split && !piece.run.report.fallback ? piece.run : undefined;
  }

  #draw(piece: Piece, runs: Partial<Record<Side, Run>>, view: View): void {
    for (const side of SIDES) {
      byId(`compare-${side}-picture`).replaceChildren(this.#pictureOf(piece, runs[side]?.mask, view === "mask"));
      byId(`compare-${side}-facts`).replaceChildren(...factsOf(this.#choice[side].value, runs[side]));
    }
    const { left, right } = runs;
    const words = byId("compare-words");
    const both = byId("compare-difference-picture");
    if (!left || !right) {
      both.replaceChildren();
      words.textContent = view === "difference" ? "A difference needs two masks: choose one on each side." : "";
      return;
    }
    const { picture, mean, largest, iou } = difference(left.mask, right.mask);
    both.replaceChildren(picture);
    words.textContent = `On average the masks differ by ${mean.toFixed(3)} of 255 levels, at most by ${largest}; as shapes they overlap to ${(iou * 100).toFixed(2)}%.`;
    words.dataset["mean"] = String(mean);
    words.dataset["largest"] = String(largest);
    words.dataset["iou"] = String(iou);
  }

  #pictureOf(piece: Piece, mask: Alpha | undefined, asMask: boolean): HTMLCanvasElement {
    if (mask && asMask) return maskPicture(mask);
    const { width, height, file, name } = piece.photo;
    const photo = { width, height };
    const size = within(photo, { width: LONGEST, height: LONGEST });
    // Of the right proportions at once; the pixels come when the worker has them.
    const canvas = canvasOf(size.width, size.height);
    const drawn = mask
      ? this.cutting.engine.pixels.do("cutout", { cut: { file, name, photo, mask }, size })
      : this.cutting.engine.pixels.do("photo", { file, name, size });
    void drawn.then(
      (bitmap) => canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap),
      (error: unknown) => this.cutting.status.trouble(troubleOf(error), this),
    );
    return canvas;
  }

  #slide(percent: number): void {
    this.#slider.value = String(percent);
    this.#figure.style.setProperty("--at", `${percent}%`);
    this.#slider.setAttribute("aria-valuetext", `${Math.round(percent)}% left, ${Math.round(100 - percent)}% right`);
  }

  #dragging(): void {
    const follow = (event: PointerEvent) => {
      const box = this.#figure.getBoundingClientRect();
      this.#slide(Math.min(100, Math.max(0, ((event.clientX - box.left) / box.width) * 100)));
    };
    this.#figure.addEventListener("pointerdown", (event) => {
      this.#figure.setPointerCapture(event.pointerId);
      follow(event);
    });
    this.#figure.addEventListener("pointermove", (event) => {
      if (this.#figure.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  #views(): HTMLInputElement[] {
    return [...this.#dialog.querySelectorAll<HTMLInputElement>("input[name=compare-view]")];
  }

  #view(): View {
    return this.#views().find((input) => input.checked)!.value as View;
  }
}

function factsOf(name: string, run: Run | undefined): HTMLElement[] {
  if (!run) return [el("strong", {}, name), el("span", {}, "as it came in")];
  const { report } = run;
  const server = report.server_macs / (report.client_macs + report.server_macs);
  return [
    el("strong", {}, report.split === name ? name : `${name}, but run as ${report.split}`),
    el("span", {}, `${millis(report.total_millis)}, the server computes ${percent(server)}`),
    el("span", {}, `${bytes(report.up_bytes)} up, ${bytes(report.down_bytes)} down`),
  ];
}
