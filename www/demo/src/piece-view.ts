// A piece's element: one canvas for the photograph while it is seen, one for the cut-out, and a badge.

import { el } from "./dom.js";
import type { Trouble } from "./errors.js";
import type { Rect } from "./masks.js";
import type { Pose } from "./pixels/pose.js";

/** Where the element goes; lengths in pixels of the board. */
export interface Spot {
  centreX: number;
  centreY: number;
  /** Of the shown part, before it is turned. */
  width: number;
  height: number;
  layer: number;
  pose: Pose;
  /** The shown part, in the photograph's pixels. */
  crop: Rect;
  photo: { width: number; height: number };
}

/** The photograph fades over its cut-out for this long (piece.css); then its pixels are given back. */
const FADE_MILLIS = 1200;

export class PieceView {
  readonly element = el("div", {
    class: "piece",
    tabindex: 0,
    // Arrow keys move it, so screen readers have to let them through.
    role: "application",
    "aria-roledescription": "movable picture",
    "aria-describedby": "board-help",
    "data-testid": "piece",
  });
  /** Whether the photograph is shown in place of the cut-out, to compare by eye. */
  isBefore = false;
  readonly #badge = el("span", { class: "piece-badge", "aria-hidden": "true", hidden: true }, "!");
  #photo: HTMLCanvasElement | undefined;
  #cut: HTMLCanvasElement | undefined;
  #live: HTMLCanvasElement | undefined;
  #brush: HTMLCanvasElement | undefined;
  #cursor: HTMLElement | undefined;
  #spot: Spot | undefined;
  #fading: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.element.append(el("span", { class: "piece-water", "aria-hidden": "true" }), this.#badge);
  }

  /** Whether the pixels of that picture are there. */
  has(kind: "photo" | "cut"): boolean {
    return (kind === "photo" ? this.#photo : this.#cut) !== undefined;
  }

  /** Shows one of the two, both of which are there. */
  turnTo(kind: "photo" | "cut"): void {
    if (kind === "photo") {
      this.#keepPhoto();
      this.element.removeAttribute("data-cut");
    } else {
      this.element.dataset["cut"] = "";
      if (this.#fading === undefined) this.#fadePhoto();
    }
  }

  /** Takes the bitmap. The cut-out, if there is one, is put away. */
  showPhoto(bitmap: ImageBitmap): void {
    this.#keepPhoto();
    if (this.#photo) paint(this.#photo, bitmap);
    else {
      this.#photo = canvasOf(bitmap, "piece-photo");
      this.element.prepend(this.#photo);
    }
    this.element.removeAttribute("data-cut");
    // It is shown again as soon as the key is let go.
    if (!this.isBefore) this.#cut = dropped(this.#cut);
    this.#arrange();
  }

  /** Takes the bitmap, which has a border of `room` pixels for its shadow. The photograph fades away. */
  showCut(bitmap: ImageBitmap, room: number): void {
    const share = (whole: number) => (room / (whole - 2 * room)) * 100;
    const [x, y] = [share(bitmap.width), share(bitmap.height)];
    if (this.#cut) paint(this.#cut, bitmap);
    else {
      this.#cut = canvasOf(bitmap, "piece-cut");
      this.element.prepend(this.#cut);
    }
    const { style } = this.#cut;
    style.left = `${-x}%`;
    style.top = `${-y}%`;
    style.width = `${100 + 2 * x}%`;
    style.height = `${100 + 2 * y}%`;
    this.element.dataset["cut"] = "";
    this.#fadePhoto();
  }

  /** A canvas that its owner draws to. */
  showLive(frame: HTMLCanvasElement): void {
    if (this.#live === frame) return;
    this.#live?.remove();
    this.#photo = dropped(this.#photo);
    frame.className = "piece-live";
    this.#live = frame;
    this.element.prepend(frame);
    this.#arrange();
  }

  /** While a piece is brushed its brush's canvas is all that is seen of it. */
  showBrush(canvas: HTMLCanvasElement, cursor: HTMLElement): void {
    this.#brush = canvas;
    this.#cursor = cursor;
    this.element.append(canvas, cursor);
    this.element.dataset["brushing"] = "";
    this.#arrange();
  }

  hideBrush(): void {
    this.#brush = undefined;
    this.#cursor = undefined;
    this.element.removeAttribute("data-brushing");
  }

  get isBrushed(): boolean {
    return this.#brush !== undefined;
  }

  get live(): HTMLCanvasElement | undefined {
    return this.#live;
  }

  showTrouble(trouble: Trouble | undefined): void {
    this.#badge.hidden = !trouble;
    this.element.title = trouble?.what ?? "";
  }

  put(spot: Spot): void {
    this.#spot = spot;
    const { style } = this.element;
    const { width, height, pose } = spot;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.zIndex = String(spot.layer);
    const turn = `${pose.flipped ? " scaleX(-1)" : ""}${pose.quarters ? ` rotate(${90 * pose.quarters}deg)` : ""}`;
    style.transform = `translate(${spot.centreX - width / 2}px, ${spot.centreY - height / 2}px)${turn}`;
    this.#arrange();
  }

  /** Gives all pixels back. The element can be shown again. */
  free(): void {
    this.#keepPhoto();
    this.#photo = dropped(this.#photo);
    this.#cut = dropped(this.#cut);
    this.#live?.remove();
    this.#live = undefined;
    this.isBefore = false;
    this.element.removeAttribute("data-cut");
  }

  /** The photograph is larger than the shown part, and stays where it is when that becomes smaller. */
  #arrange(): void {
    if (!this.#spot) return;
    const { crop, photo } = this.#spot;
    for (const element of [this.#photo, this.#live, this.#brush]) {
      if (!element) continue;
      element.style.left = `${(-crop.x / crop.width) * 100}%`;
      element.style.top = `${(-crop.y / crop.height) * 100}%`;
      element.style.width = `${(photo.width / crop.width) * 100}%`;
      element.style.height = `${(photo.height / crop.height) * 100}%`;
    }
    if (!this.#cursor) return;
    const { style } = this.#cursor;
    for (const [name, value] of Object.entries({
      "--left": -crop.x / crop.width,
      "--top": -crop.y / crop.height,
      "--photo-wide": photo.width / crop.width,
      "--photo-high": photo.height / crop.height,
    })) {
      style.setProperty(name, String(value));
    }
  }

  #fadePhoto(): void {
    this.#keepPhoto();
    if (!this.#photo) return;
    this.#fading = setTimeout(() => {
      this.#fading = undefined;
      this.#photo = dropped(this.#photo);
    }, FADE_MILLIS);
  }

  #keepPhoto(): void {
    clearTimeout(this.#fading);
    this.#fading = undefined;
  }
}

function canvasOf(bitmap: ImageBitmap, name: string): HTMLCanvasElement {
  const canvas = el("canvas", { class: name });
  paint(canvas, bitmap);
  return canvas;
}

/** The canvas takes the bitmap's pixels without copying them. */
function paint(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("bitmaprenderer");
  if (!context) throw new Error("This browser gave no canvas for a picture.");
  context.transferFromImageBitmap(bitmap);
}

/** Takes a canvas off the page; browsers keep the pixels of one that is only removed until they collect garbage. */
function dropped(canvas: HTMLCanvasElement | undefined): undefined {
  if (!canvas) return undefined;
  canvas.remove();
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(null);
  canvas.width = 0;
  canvas.height = 0;
  return undefined;
}
