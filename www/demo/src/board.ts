// The board: which pieces lie on it, in which order, and which one is meant.

import type { Looks } from "./looks.js";
import { Piece, type Place } from "./piece.js";
import type { Photo } from "./photo.js";
import { placeFor } from "./placement.js";

/** Several small steps are announced once, this long after the last. */
const SETTLED_MILLIS = 500;

export interface BoardEvents {
  onSelect(piece: Piece | undefined): void;
  /** A piece has come or gone. */
  onCount(): void;
  /** Says to screen readers what was done. */
  announce(text: string): void;
}

export class Board {
  readonly pieces: Piece[] = [];
  selected: Piece | undefined;
  /** Set once; needs the board's size itself. */
  looks!: Looks;
  #settling: ReturnType<typeof setTimeout> | undefined;
  // Read once a resize and not at every step of a drag, where it would force a layout.
  #size: { width: number; height: number };

  constructor(
    readonly element: HTMLElement,
    readonly events: BoardEvents,
  ) {
    this.#size = { width: element.clientWidth, height: element.clientHeight };
    new ResizeObserver(() => {
      this.#size = { width: element.clientWidth, height: element.clientHeight };
      this.placeAll();
    }).observe(element);
  }

  get width(): number {
    return this.#size.width;
  }

  get height(): number {
    return this.#size.height;
  }

  /** Puts a photograph on the board. `company` is how many there will be once all that came with it are there. */
  add(photo: Photo, at?: { x: number; y: number }, company = this.pieces.length + 1): Piece {
    const piece = new Piece(photo, (piece) => this.looks.refresh(piece));
    const others = this.pieces.map(({ place }) => place);
    const { x, y, zoom } = placeFor(photo, this, others, company, at);
    const scale = (zoom * Math.max(photo.width, photo.height)) / Math.min(this.width, this.height);
    piece.place = { ...piece.place, x, y, scale };
    piece.layer = this.pieces.length + 1;
    piece.element.addEventListener("focus", () => this.select(piece));
    this.#insert(piece);
    this.select(piece);
    return piece;
  }

  /** Takes a piece off; {@link restore} brings it back. */
  remove(piece: Piece): void {
    piece.abort?.abort();
    const at = this.pieces.indexOf(piece);
    if (at < 0) return;
    this.pieces.splice(at, 1);
    piece.element.remove();
    this.looks.forget(piece);
    this.#renumber(this.inOrder());
    this.#counted();
    this.events.announce(`${piece.name} removed`);
    if (this.selected === piece) this.select(this.inOrder().at(-1));
  }

  /** A piece that was removed, on the layer that it had. */
  restore(piece: Piece): void {
    const order = this.inOrder();
    order.splice(Math.max(0, piece.layer - 1), 0, piece);
    this.#insert(piece);
    this.#renumber(order);
    this.looks.refresh(piece);
    this.select(piece);
    this.events.announce(`${piece.name} is back`);
  }

  select(piece: Piece | undefined): void {
    if (this.selected === piece) return;
    this.selected?.element.removeAttribute("data-selected");
    piece?.element.setAttribute("data-selected", "");
    this.selected = piece;
    this.events.onSelect(piece);
  }

  /** The topmost piece that has something to see at this point. */
  at(clientX: number, clientY: number): Piece | undefined {
    const box = this.element.getBoundingClientRect();
    return this.inOrder()
      .reverse()
      .find((piece) => piece.contains(clientX - box.left, clientY - box.top, this.width, this.height));
  }

  move(piece: Piece, pixelsX: number, pixelsY: number): void {
    piece.moveBy(pixelsX / this.width, pixelsY / this.height);
    piece.put(this.width, this.height);
    this.#settle(() => {
      const [x, y] = [piece.place.x, piece.place.y].map((share) => Math.round(share * 100));
      return `${piece.name}: ${x}% from the left, ${y}% from the top`;
    });
  }

  scale(piece: Piece, factor: number): void {
    piece.scaleBy(factor);
    piece.put(this.width, this.height);
    this.looks.refresh(piece);
    this.#settle(() => `${piece.name}: ${Math.round(piece.place.scale * 100)}% of the board`);
  }

  /** Puts a piece where it was, or where it goes. */
  setPlace(piece: Piece, place: Place): void {
    piece.place = place;
    piece.put(this.width, this.height);
    this.looks.refresh(piece);
  }

  /** Clockwise by a quarter. */
  turn(piece: Piece): void {
    const { quarters, flipped } = piece.place.pose;
    // What is mirrored afterwards turns the other way.
    const next = ((quarters + (flipped ? 3 : 1)) % 4) as 0 | 1 | 2 | 3;
    this.setPlace(piece, { ...piece.place, pose: { quarters: next, flipped } });
    this.events.announce(`${piece.name} turned`);
  }

  flip(piece: Piece): void {
    const { quarters, flipped } = piece.place.pose;
    this.setPlace(piece, { ...piece.place, pose: { quarters, flipped: !flipped } });
    this.events.announce(`${piece.name} mirrored`);
  }

  /** One layer up or down; false at the end. */
  shift(piece: Piece, step: 1 | -1): boolean {
    const order = this.inOrder();
    const at = order.indexOf(piece);
    const to = at + step;
    const moves = to >= 0 && to < order.length;
    if (moves) {
      order.splice(at, 1);
      order.splice(to, 0, piece);
      this.#renumber(order);
    }
    this.events.announce(`${piece.name}: layer ${piece.layer} of ${order.length}`);
    return moves;
  }

  /** From the lowest layer to the highest. */
  inOrder(): Piece[] {
    return [...this.pieces].sort((a, b) => a.layer - b.layer);
  }

  placeAll(): void {
    for (const piece of this.pieces) {
      piece.put(this.width, this.height);
      this.looks.refresh(piece);
    }
  }

  /** A point of the window in shares of the board. */
  shareOf(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  }

  #insert(piece: Piece): void {
    this.pieces.push(piece);
    this.element.querySelector("#pieces")!.append(piece.element);
    piece.put(this.width, this.height);
    this.#counted();
  }

  #counted(): void {
    this.element.dataset["pieces"] = String(this.pieces.length);
    this.events.onCount();
  }

  #renumber(order: Piece[]): void {
    order.forEach((piece, layer) => (piece.layer = layer + 1));
    for (const piece of order) piece.put(this.width, this.height);
  }

  #settle(words: () => string): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.events.announce(words()), SETTLED_MILLIS);
  }
}
