// What a visitor does to the board, each so that it can be undone.

import type { Board } from "./board.js";
import type { History } from "./history.js";
import type { Piece, Place, Shape } from "./piece.js";

type Kind = "move" | "size" | "turn" | "mirroring";

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
    this.#placing(piece, "turn", () => this.board.turn(piece));
  }

  flip(piece: Piece): void {
    this.#placing(piece, "mirroring", () => this.board.flip(piece));
  }

  /** Where a drag or a pinch begins, for {@link dragged}. */
  whereabouts(piece: Piece): Place {
    return piece.wholePlace(piece.place, this.board.width, this.board.height);
  }

  /** A drag or a pinch that is over: from there to where the piece is now. */
  dragged(piece: Piece, from: Place): void {
    this.#placed(piece, from, "move", false);
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

  #placing(piece: Piece, kind: Kind, change: () => void): void {
    const before = this.whereabouts(piece);
    change();
    this.#placed(piece, before, kind, kind === "move" || kind === "size");
  }

  /** Places by the photograph's centre: the mask may have come, or become another, until they are used. */
  #placed(piece: Piece, before: Place, kind: Kind, joins: boolean): void {
    const after = this.whereabouts(piece);
    const { x, y, scale, pose } = after;
    const still = Math.hypot(x - before.x, y - before.y) < 1e-6 && scale === before.scale && pose === before.pose;
    if (still) return;
    const put = (whole: Place) =>
      this.board.setPlace(piece, piece.shownPlace(whole, this.board.width, this.board.height));
    const step = { words: `${kind} of ${piece.name}`, undo: () => put(before), redo: () => put(after) };
    this.history.add(step, joins ? `${kind} ${this.#numberOf(piece)}` : undefined);
  }

  #numberOf(piece: Piece): number {
    const number = this.#numbers.get(piece) ?? (this.#count += 1);
    this.#numbers.set(piece, number);
    return number;
  }
}
