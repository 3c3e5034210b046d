// One picture on the board: first a photograph, then its cut-out. Knows its place and its mask, not how it is drawn.

import type { Run } from "./engine.js";
import type { Trouble } from "./errors.js";
import { cropOf, isVisible, type Alpha, type Rect } from "./masks.js";
import type { Photo } from "./photo.js";
import { PieceView } from "./piece-view.js";
import { UPRIGHT, type Pose } from "./pixels/pose.js";

export type PieceState = "photo" | "waiting" | "working" | "cut" | "failed" | "live";

/** Where a piece lies, without its layer: what moving, scaling and turning change. */
export interface Place {
  /** Centre of the shown part, in shares of the board's width and height, so that it scales with the board. */
  x: number;
  y: number;
  /** Length of the photograph's longer side, in shares of the board's shorter side. */
  scale: number;
  pose: Pose;
}

/** The mask, and what was made by it; as one, since undo exchanges them together. */
export interface Shape {
  run: Run | undefined;
  /** The run's mask, or what the brush has made of it. */
  mask: Alpha | undefined;
  /** The part of the photograph that is shown, in its pixels. */
  crop: Rect;
}

const SMALLEST = 0.05;
const LARGEST = 4;

const WORDS: Record<PieceState, string> = {
  photo: "photograph",
  waiting: "photograph, waiting in the queue",
  working: "photograph, being cut out",
  cut: "cut-out",
  failed: "photograph, not cut out",
  live: "live cut-out of the camera",
};

export class Piece {
  readonly view: PieceView;
  place: Place = { x: 0.5, y: 0.5, scale: 0.7, pose: UPRIGHT };
  layer = 0;
  state: PieceState = "photo";
  /** Runs by their settings, so that comparing does not compute a mask twice. */
  readonly runs = new Map<string, Run>();
  trouble: Trouble | undefined;
  abort: AbortController | undefined;
  #shape: Shape;

  /** `onLook` is called when it has to be drawn anew. */
  constructor(
    public photo: Photo,
    readonly onLook: (piece: Piece) => void,
  ) {
    this.#shape = { run: undefined, mask: undefined, crop: this.#whole };
    this.view = new PieceView();
    this.become("photo");
  }

  get element(): HTMLElement {
    return this.view.element;
  }

  get name(): string {
    return this.photo.name;
  }

  get run(): Run | undefined {
    return this.#shape.run;
  }

  get mask(): Alpha | undefined {
    return this.#shape.mask;
  }

  get crop(): Rect {
    return this.#shape.crop;
  }

  get isBusy(): boolean {
    return this.state === "working" || this.state === "waiting";
  }

  /** Whether there is a cut-out to show, save and compare. */
  get isCut(): boolean {
    return this.#shape.mask !== undefined && this.state !== "live";
  }

  get shape(): Shape {
    return this.#shape;
  }

  get #whole(): Rect {
    return { x: 0, y: 0, width: this.photo.width, height: this.photo.height };
  }

  become(state: PieceState): void {
    this.state = state;
    this.element.dataset["state"] = state;
    this.#label();
  }

  /** What went wrong stays on the piece until it goes well. */
  fail(trouble: Trouble): void {
    this.trouble = trouble;
    this.view.showTrouble(trouble);
    this.become(this.isCut ? "cut" : "failed");
  }

  /** Shows the cut-out in the photograph's place: what stays does not move. False where the mask is empty. */
  reveal(run: Run): boolean {
    if (!cropOf(run.mask, this.photo)) {
      // What it cost can be seen all the same, unless an earlier cut-out stays.
      if (!this.isCut) this.#shape = { ...this.#shape, run };
      return false;
    }
    this.trouble = undefined;
    this.view.showTrouble(undefined);
    this.reshape({ run, mask: run.mask, crop: this.crop });
    return true;
  }

  /** A mask of its own, such as the brush makes; the crop follows it. An empty one leaves the crop as it is. */
  reshape({ run, mask }: Shape): void {
    const crop = mask ? (cropOf(mask, this.photo) ?? this.crop) : this.#whole;
    const old = this.crop;
    this.#shape = { run, mask, crop };
    this.#moveWith(old, crop);
    this.become(mask ? "cut" : this.trouble ? "failed" : "photo");
    this.onLook(this);
  }

  /** A new frame of a live source. */
  showFrame(frame: HTMLCanvasElement, run: Run): void {
    this.#shape = { ...this.#shape, run };
    this.view.showLive(frame);
    if (this.state !== "live") this.become("live");
  }

  /** Whether something of it is seen at a point of the board, in board pixels. */
  contains(x: number, y: number, boardWidth: number, boardHeight: number): boolean {
    const { width, height } = this.size(boardWidth, boardHeight);
    const { quarters, flipped } = this.place.pose;
    let [fromX, fromY] = [x - this.place.x * boardWidth, y - this.place.y * boardHeight];
    if (flipped) fromX = -fromX;
    for (let quarter = 0; quarter < quarters; quarter++) [fromX, fromY] = [fromY, -fromX];
    const [shareX, shareY] = [fromX / width + 0.5, fromY / height + 0.5];
    if (shareX < 0 || shareY < 0 || shareX > 1 || shareY > 1) return false;
    if (this.state !== "cut" || !this.mask || this.view.isBefore) return true;
    const { crop, photo } = this;
    return isVisible(
      this.mask,
      (crop.x + shareX * crop.width) / photo.width,
      (crop.y + shareY * crop.height) / photo.height,
    );
  }

  moveBy(shareX: number, shareY: number): void {
    const { x, y } = this.place;
    this.place = { ...this.place, x: clamp(x + shareX, 0, 1), y: clamp(y + shareY, 0, 1) };
  }

  scaleBy(factor: number): void {
    this.place = { ...this.place, scale: clamp(this.place.scale * factor, SMALLEST, LARGEST) };
  }

  /** Board pixels of one photograph pixel. */
  zoom(boardWidth: number, boardHeight: number): number {
    return (this.place.scale * Math.min(boardWidth, boardHeight)) / Math.max(this.photo.width, this.photo.height);
  }

  /** Of the shown part before it is turned, in pixels of a board of that size. */
  size(boardWidth: number, boardHeight: number): { width: number; height: number } {
    const zoom = this.zoom(boardWidth, boardHeight);
    return { width: this.crop.width * zoom, height: this.crop.height * zoom };
  }

  /**
   * A place by the centre of the whole photograph, which no mask moves: what is remembered while the shown part may
   * change. `shownPlace` is the inverse.
   */
  wholePlace(place: Place, boardWidth: number, boardHeight: number): Place {
    const { dx, dy } = this.#fromWhole(place, this.crop, boardWidth, boardHeight);
    return { ...place, x: place.x - dx, y: place.y - dy };
  }

  shownPlace(whole: Place, boardWidth: number, boardHeight: number): Place {
    const { dx, dy } = this.#fromWhole(whole, this.crop, boardWidth, boardHeight);
    return { ...whole, x: whole.x + dx, y: whole.y + dy };
  }

  /** Puts the element where the piece lies on a board of that size. */
  put(boardWidth: number, boardHeight: number): void {
    const { x, y, pose } = this.place;
    this.view.put({
      ...this.size(boardWidth, boardHeight),
      centreX: x * boardWidth,
      centreY: y * boardHeight,
      layer: this.layer,
      pose,
      crop: this.crop,
      photo: this.photo,
    });
  }

  /** The centre follows the middle of the shown part, so that the subject stays where it is. */
  #moveWith(old: Rect, crop: Rect): void {
    const parent = this.element.parentElement;
    if (!parent) return;
    const { clientWidth: width, clientHeight: height } = parent;
    const [from, to] = [old, crop].map((part) => this.#fromWhole(this.place, part, width, height));
    this.place = { ...this.place, x: this.place.x + to!.dx - from!.dx, y: this.place.y + to!.dy - from!.dy };
    this.put(width, height);
  }

  /** From the photograph's centre to that of a part, in shares of the board, as the piece is scaled and turned. */
  #fromWhole({ scale, pose }: Place, part: Rect, boardWidth: number, boardHeight: number): { dx: number; dy: number } {
    const { width, height } = this.photo;
    const zoom = (scale * Math.min(boardWidth, boardHeight)) / Math.max(width, height);
    let dx = (part.x + part.width / 2 - width / 2) * zoom;
    let dy = (part.y + part.height / 2 - height / 2) * zoom;
    for (let quarter = 0; quarter < pose.quarters; quarter++) [dx, dy] = [-dy, dx];
    if (pose.flipped) dx = -dx;
    return { dx: dx / boardWidth, dy: dy / boardHeight };
  }

  #label(): void {
    const wrong = this.trouble ? `. ${this.trouble.what}` : "";
    this.element.setAttribute("aria-label", `${this.name}: ${WORDS[this.state]}${wrong}`);
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
