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
const AGREE = "The two masks agree in every pixel.";

export class Compare {
  readonly #dialog = byId("compare", HTMLDialogElement);
  readonly #slider = byId("compare-slider", HTMLInputElement);
  readonly #figure = byId("compare-figure");
  readonly #retry = byId("compare-retry", HTMLButtonElement);
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
    this.#retry.addEventListener("click", () => {
      this.#choice.right.focus(); // the button goes away
      void this.#fill();
    });
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
    // A cut that the model does not name, such as “P12”, comes by a link only.
    const all = [...new Set([PHOTO, ...this.splits(), here])];
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
    this.#retry.hidden = true;
    let failure = "";
    // What is known already first: a side that is cancelled or fails takes nothing from the other.
    for (const side of SIDES) runs[side] = this.#known(piece, this.#choice[side].value);
    for (const side of SIDES) {
      const split = this.#choice[side].value;
      if (split === PHOTO || runs[side]) continue;
      try {
        runs[side] = this.#known(piece, split) ?? (await this.cutting.run(piece, { ...this.#settings!, split }));
      } catch (error) {
        failure = isAbort(error)
          ? `The ${side} side, “${split}”, was cancelled.`
          : `The ${side} side, “${split}”, could not be computed: ${troubleOf(error).what}`;
      }
      if (mine !== this.#asked) return;
      if (failure) break;
    }
    this.#figure.removeAttribute("aria-busy");
    this.#draw(piece, runs, view, failure);
  }

  /** A run of that split with these settings, where this page has made one. */
  #known(piece: Piece, split: string): Run | undefined {
    return piece.runs.get(runKey({ ...this.#settings!, split })) ?? this.#own(piece, split);
  }

  /** The piece's own run may have been asked for as `auto`. */
  #own(piece: Piece, split: string): Run | undefined {
    return piece.run?.report.split === split && !piece.run.report.fallback ? piece.run : undefined;
  }

  #draw(piece: Piece, runs: Partial<Record<Side, Run>>, view: View, failure: string): void {
    for (const side of SIDES) {
      const name = this.#choice[side].value;
      const run = runs[side];
      const missing = name !== PHOTO && !run;
      const picture = missing ? el("p", { class: "compare-missing" }, `“${name}” was not computed.`) : undefined;
      byId(`compare-${side}-picture`).replaceChildren(picture ?? this.#pictureOf(piece, run?.mask, view === "mask"));
      byId(`compare-${side}-facts`).replaceChildren(...(missing ? missingFacts(name) : factsOf(name, run)));
    }
    this.#retry.hidden = !failure;
    const both = byId("compare-difference-picture");
    const words = byId("compare-words");
    both.replaceChildren();
    for (const key of ["mean", "largest", "iou"]) delete words.dataset[key];
    const { left, right } = runs;
    if (!left || !right) {
      const needed = view === "difference" ? "A difference needs two masks: choose one on each side." : "";
      words.textContent = failure || needed;
      return;
    }
    const { picture, mean, largest, iou } = difference(left.mask, right.mask);
    both.replaceChildren(
      picture,
      ...(largest === 0 ? [el("p", { class: "compare-agree" }, el("span", {}, AGREE))] : []),
    );
    words.textContent =
      largest === 0
        ? `${AGREE} That is why the picture of their differences is black.`
        : `On average the masks differ by ${mean.toFixed(3)} of 255 levels, at most by ${largest}; as shapes they overlap to ${(iou * 100).toFixed(2)}%.`;
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

function missingFacts(name: string): HTMLElement[] {
  return [el("strong", {}, name), el("span", {}, "not computed")];
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
