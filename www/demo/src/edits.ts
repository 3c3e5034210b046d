// What a visitor does to the board, each so that it can be undone.

import type { Board } from "./board.js";
import type { History } from "./history.js";
import type { Piece, Place, Shape } from "./piece.js";

export class Edits {
  readonly #numbers = new WeakMap<Piece, number>();
  #count = 0;

  constructor(
    readonly board: Board,
    readonly history: History,
  ) {}

  move(piece: Piece, pixelsX: number, pixelsY: number): void {
    this.#placing(piece, "move", () => this.board.move(piece, pixelsX, pixelsY));
  }

  scale(piece: Piece, factor: number): void {
    this.#placing(piece, "size", () => this.board.scale(piece, factor));
  }

  turn(piece: Piece): void {
    this.#placing(piece, undefined, () => this.board.turn(piece));
  }

  flip(piece: Piece): void {
    this.#placing(piece, undefined, () => this.board.flip(piece));
  }

  /** A drag or a pinch that is over: from there to where the piece is now. */
  dragged(piece: Piece, from: Place): void {
    this.#placed(piece, from, undefined);
  }

  shift(piece: Piece, step: 1 | -1): void {
    if (!this.board.shift(piece, step)) return;
    this.history.add({
      words: `layer of ${piece.name}`,
      undo: () => this.board.shift(piece, step === 1 ? -1 : 1),
      redo: () => this.board.shift(piece, step),
    });
  }

  remove(pieces: Piece[]): void {
    if (pieces.length === 0) return;
    const layers = pieces.map((piece) => ({ piece, layer: piece.layer })).sort((a, b) => a.layer - b.layer);
    const redo = () => {
      for (const { piece } of layers) this.board.remove(piece);
    };
    redo();
    this.history.add({
      words: pieces.length === 1 ? `removal of ${pieces[0]!.name}` : `removal of ${pieces.length} pieces`,
      undo: () => {
        for (const { piece, layer } of layers) {
          piece.layer = layer;
          this.board.restore(piece);
        }
      },
      redo,
    });
  }

  /** A new mask, which the piece has already. */
  reshaped(piece: Piece, before: Shape, words: string): void {
    const after = piece.shape;
    if (after.mask === before.mask) return;
    this.history.add({
      words: `${words} of ${piece.name}`,
      undo: () => piece.reshape(before),
      redo: () => piece.reshape(after),
    });
  }

  #placing(piece: Piece, kind: string | undefined, change: () => void): void {
    const before = piece.place;
    change();
    this.#placed(piece, before, kind);
  }

  #placed(piece: Piece, before: Place, kind: string | undefined): void {
    const after = piece.place;
    if (after === before) return;
    const step = {
      words: `move of ${piece.name}`,
      undo: () => this.board.setPlace(piece, before),
      redo: () => this.board.setPlace(piece, after),
    };
    this.history.add(step, kind && `${kind} ${this.#numberOf(piece)}`);
  }

  #numberOf(piece: Piece): number {
    const number = this.#numbers.get(piece) ?? (this.#count += 1);
    this.#numbers.set(piece, number);
    return number;
  }
}
