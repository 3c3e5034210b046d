// The board: which pieces lie on it, in which order, and which one is meant.

import { Piece } from "./piece.js";
import type { Photo } from "./photo.js";

/** Where new pieces land, in shares of the board, so that several dropped at once do not hide each other. */
const PLACES: [number, number][] = [
  [0.5, 0.5],
  [0.28, 0.46],
  [0.72, 0.54],
  [0.4, 0.68],
  [0.62, 0.32],
  [0.2, 0.7],
  [0.8, 0.3],
];

/** Height of a bar on the board with the air around it, pixels; narrow boards have two of them at the bottom. */
const BAR = 68;
const NARROW = 560;

export class Board {
  readonly pieces: Piece[] = [];
  selected: Piece | undefined;
  #added = 0;

  constructor(
    readonly element: HTMLElement,
    readonly onSelect: (piece: Piece | undefined) => void,
    readonly onRemove: (piece: Piece) => void,
    /** Says to screen readers what a key has done. */
    readonly announce: (text: string) => void,
  ) {
    new ResizeObserver(() => this.placeAll()).observe(element);
  }

  get width(): number {
    return this.element.clientWidth;
  }

  get height(): number {
    return this.element.clientHeight;
  }

  add(photo: Photo, at?: { clientX: number; clientY: number }): Piece {
    const piece = new Piece(photo);
    const [x, y] = at ? this.shareOf(at.clientX, at.clientY) : PLACES[this.#added++ % PLACES.length]!;
    this.#fit(piece, x, y);
    piece.layer = this.pieces.length + 1;
    piece.element.addEventListener("focus", () => this.select(piece));
    this.pieces.push(piece);
    this.element.append(piece.element);
    this.element.dataset["pieces"] = String(this.pieces.length);
    piece.place(this.width, this.height);
    this.select(piece);
    return piece;
  }

  remove(piece: Piece): void {
    piece.abort?.abort();
    const at = this.pieces.indexOf(piece);
    if (at < 0) return;
    const hadFocus = piece.element.contains(document.activeElement);
    this.pieces.splice(at, 1);
    piece.element.remove();
    this.element.dataset["pieces"] = String(this.pieces.length);
    this.#renumber(this.inOrder());
    this.onRemove(piece);
    this.announce(`${piece.name} removed`);
    const next = this.inOrder().at(-1);
    this.select(next);
    if (hadFocus) (next?.element ?? this.element).focus();
  }

  select(piece: Piece | undefined): void {
    if (this.selected === piece) return;
    this.selected?.element.removeAttribute("data-selected");
    piece?.element.setAttribute("data-selected", "");
    this.selected = piece;
    this.onSelect(piece);
  }

  /** The topmost piece that has something to see at this point. */
  at(clientX: number, clientY: number): Piece | undefined {
    return this.inOrder()
      .reverse()
      .find((piece) => piece.contains(clientX, clientY));
  }

  move(piece: Piece, pixelsX: number, pixelsY: number): void {
    piece.moveBy(pixelsX / this.width, pixelsY / this.height);
    piece.place(this.width, this.height);
  }

  scale(piece: Piece, factor: number): void {
    piece.scaleBy(factor);
    piece.place(this.width, this.height);
  }

  /** One layer up or down. */
  shift(piece: Piece, step: 1 | -1): void {
    const order = this.inOrder();
    const at = order.indexOf(piece);
    const to = at + step;
    if (to >= 0 && to < order.length) {
      order.splice(at, 1);
      order.splice(to, 0, piece);
      this.#renumber(order);
    }
    this.announce(`${piece.name}: layer ${piece.layer} of ${order.length}`);
  }

  /** From the lowest layer to the highest. */
  inOrder(): Piece[] {
    return [...this.pieces].sort((a, b) => a.layer - b.layer);
  }

  placeAll(): void {
    for (const piece of this.pieces) piece.place(this.width, this.height);
  }

  shareOf(clientX: number, clientY: number): [number, number] {
    const box = this.element.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }

  /** As large as there is room for, and clear of the bars above and below. Where others lie already there is less. */
  #fit(piece: Piece, x: number, y: number): void {
    const { photo } = piece;
    const below = this.width < NARROW ? 2 * BAR : BAR;
    const room = this.pieces.length === 0 ? 1 : 0.6;
    const [roomX, roomY] = [0.84 * this.width * room, (this.height - BAR - below) * room];
    const zoom = Math.min(roomX / photo.width, roomY / photo.height);
    piece.scale = (zoom * Math.max(photo.width, photo.height)) / Math.min(this.width, this.height);
    const inside = (at: number, half: number, from: number, to: number) =>
      Math.max(from + half, Math.min(to - half, from + (to - from) * at));
    piece.x = inside(x, (photo.width * zoom) / 2, 0, this.width) / this.width;
    piece.y = inside(y, (photo.height * zoom) / 2, BAR, this.height - below) / this.height;
  }

  #renumber(order: Piece[]): void {
    order.forEach((piece, layer) => (piece.layer = layer + 1));
    this.placeAll();
  }
}
