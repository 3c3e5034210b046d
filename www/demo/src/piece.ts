// One picture on the board: first a photograph, then its cut-out. Knows its place and how it looks, not who moves it.

import { cutOut, isVisible, type Cutout, type Rect } from "./cutout.js";
import { el } from "./dom.js";
import type { Run } from "./engine.js";
import type { Photo } from "./photo.js";
import type { Trouble } from "./errors.js";

export type PieceState = "photo" | "waiting" | "working" | "cut" | "failed" | "live";

const SMALLEST = 0.05;
const LARGEST = 4;

export class Piece {
  readonly element: HTMLElement;
  /** Centre, in shares of the board's width and height, so that pieces stay in place when the board is resized. */
  x = 0.5;
  y = 0.5;
  /** Length of the photograph's longer side, in shares of the board's shorter side. */
  scale = 0.7;
  layer = 0;
  state: PieceState = "photo";
  run: Run | undefined;
  /** Runs by their settings, so that comparing does not compute a mask twice. */
  readonly runs = new Map<string, Run>();
  trouble: Trouble | undefined;
  abort: AbortController | undefined;
  cutout: Cutout | undefined;
  #crop: Rect;
  #picture: HTMLCanvasElement;

  constructor(public photo: Photo) {
    this.#crop = { x: 0, y: 0, width: photo.width, height: photo.height };
    this.#picture = photo.pixels;
    this.#picture.className = "piece-photo";
    this.element = el("div", {
      class: "piece",
      tabindex: 0,
      // Arrow keys move it, so screen readers have to let them through.
      role: "application",
      "aria-roledescription": "movable picture",
      "aria-describedby": "board-help",
      "data-testid": "piece",
    });
    this.element.append(this.#picture, el("span", { class: "piece-water", "aria-hidden": "true" }));
    this.become("photo");
  }

  /** What is seen of it now, filling its box. */
  get visible(): HTMLCanvasElement {
    return this.cutout?.canvas ?? this.#picture;
  }

  get name(): string {
    return this.photo.name;
  }

  become(state: PieceState): void {
    this.state = state;
    this.element.dataset["state"] = state;
    const words: Record<PieceState, string> = {
      photo: "photograph",
      waiting: "photograph, waiting for its turn",
      working: "photograph, being cut out",
      cut: "cut-out",
      failed: "photograph, not cut out",
      live: "live cut-out of the camera",
    };
    this.element.setAttribute("aria-label", `${this.name}: ${words[state]}`);
  }

  /** Shows the cut-out in the photograph's place: what stays does not move. */
  reveal(run: Run): boolean {
    this.run = run;
    this.trouble = undefined;
    const cutout = cutOut(this.photo.pixels, run.mask);
    if (!cutout) return false;
    this.cutout?.canvas.remove();
    this.cutout = cutout;
    cutout.canvas.className = "piece-cut";
    this.#picture.before(cutout.canvas);
    this.#moveCrop(cutout.crop);
    this.element.dataset["cut"] = "";
    this.become("cut");
    return true;
  }

  /** A new frame of a live source. The element keeps its frame, so that it does not jump about. */
  showFrame(frame: HTMLCanvasElement, run: Run): void {
    this.run = run;
    if (this.#picture !== frame) {
      frame.className = "piece-live";
      this.#picture.replaceWith(frame);
      this.#picture = frame;
    }
    if (this.state !== "live") this.become("live");
  }

  contains(clientX: number, clientY: number): boolean {
    const box = this.element.getBoundingClientRect();
    const shareX = (clientX - box.left) / box.width;
    const shareY = (clientY - box.top) / box.height;
    if (shareX < 0 || shareY < 0 || shareX > 1 || shareY > 1) return false;
    if (this.state !== "cut" || !this.run) return true;
    return isVisible(
      this.run.mask,
      this.#crop.x + shareX * this.#crop.width,
      this.#crop.y + shareY * this.#crop.height,
    );
  }

  moveBy(shareX: number, shareY: number): void {
    this.x = Math.min(1, Math.max(0, this.x + shareX));
    this.y = Math.min(1, Math.max(0, this.y + shareY));
  }

  scaleBy(factor: number): void {
    this.scale = Math.min(LARGEST, Math.max(SMALLEST, this.scale * factor));
  }

  /** Board pixels of one photograph pixel. */
  zoom(boardWidth: number, boardHeight: number): number {
    return (this.scale * Math.min(boardWidth, boardHeight)) / Math.max(this.photo.width, this.photo.height);
  }

  /** Where the piece lies on a board of that size. */
  box(boardWidth: number, boardHeight: number): Rect {
    const zoom = this.zoom(boardWidth, boardHeight);
    const width = this.#crop.width * zoom;
    const height = this.#crop.height * zoom;
    return { x: this.x * boardWidth - width / 2, y: this.y * boardHeight - height / 2, width, height };
  }

  place(boardWidth: number, boardHeight: number): void {
    const { x, y, width, height } = this.box(boardWidth, boardHeight);
    const { style } = this.element;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.transform = `translate(${x}px, ${y}px)`;
    style.zIndex = String(this.layer);
  }

  /** The part of the photograph that the element frames from now on. */
  #moveCrop(crop: Rect): void {
    const old = this.#crop;
    const parent = this.element.parentElement;
    if (parent) {
      const zoom = this.zoom(parent.clientWidth, parent.clientHeight);
      const shiftX = crop.x + crop.width / 2 - (old.x + old.width / 2);
      const shiftY = crop.y + crop.height / 2 - (old.y + old.height / 2);
      this.x += (shiftX * zoom) / parent.clientWidth;
      this.y += (shiftY * zoom) / parent.clientHeight;
    }
    this.#crop = crop;
    const { style } = this.#picture;
    style.left = `${(-crop.x / crop.width) * 100}%`;
    style.top = `${(-crop.y / crop.height) * 100}%`;
    style.width = `${(this.photo.width / crop.width) * 100}%`;
    style.height = `${(this.photo.height / crop.height) * 100}%`;
    if (parent) this.place(parent.clientWidth, parent.clientHeight);
  }
}
