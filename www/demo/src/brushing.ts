// Restoring and erasing by hand: a mode of the chosen piece, for pointers and for keys.

import type { Board } from "./board.js";
import { copyPart, paintLine, putPart, union, type Point } from "./brush.js";
import { BrushCanvas } from "./brush-canvas.js";
import { byId, el } from "./dom.js";
import type { History } from "./history.js";
import { maskSizeOf, resizeMask, type Alpha, type Rect } from "./masks.js";
import type { Piece } from "./piece.js";
import type { Pixels } from "./pixels.js";
import { within } from "./pixels/size.js";

/** Masks are brushed at no less than what a net of this side gives: a small net's pixels would be visible. */
const FINE = 1024;
/** Longer side of what is drawn, pixels. */
const LONGEST = 2048;
const GROWTH = 1.25;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Brushing {
  piece: Piece | undefined;
  readonly #bar = byId("brush-bar");
  readonly #size = byId("brush-size", HTMLInputElement);
  readonly #erase = byId("brush-erase", HTMLInputElement);
  readonly #restore = byId("brush-restore", HTMLInputElement);
  readonly #cursor = el("span", { class: "brush-cursor", "aria-hidden": "true" });
  #canvas: BrushCanvas | undefined;
  #mask: Alpha | undefined;
  /** Of the brush, in shares of the photograph. */
  #at: Point = { x: 0.5, y: 0.5 };
  #stroke: { before: Uint8ClampedArray; changed: Rect | undefined } | undefined;

  constructor(
    readonly board: Board,
    readonly pixels: Pixels,
    readonly history: History,
    readonly onChange: () => void,
  ) {
    this.#size.addEventListener("input", () => this.#showCursor());
    byId("brush-done").addEventListener("click", () => this.stop());
  }

  async start(piece: Piece): Promise<void> {
    if (!piece.mask || piece.isBusy || this.piece === piece) return;
    this.stop();
    this.piece = piece;
    this.#bar.hidden = false;
    const { photo } = piece;
    const [width, height] = maskSizeOf(photo, FINE);
    const size = within(photo, { width: LONGEST, height: LONGEST });
    const bitmap = await this.pixels.do("photo", { file: photo.file, name: photo.name, size }).catch((error) => {
      this.stop();
      throw error;
    });
    if (this.piece !== piece || !piece.mask) return bitmap.close();
    // The run's own mask stays as it is: comparisons need it.
    const mask = piece.mask.width < width ? resizeMask(piece.mask, width, height) : piece.mask;
    this.#mask = { ...mask, alpha: mask.alpha.slice() };
    this.#canvas = new BrushCanvas(bitmap);
    this.#canvas.draw(this.#mask);
    piece.view.showBrush(this.#canvas.element, this.#cursor);
    this.#listen(this.#canvas.element);
    this.#at = { x: 0.5, y: 0.5 };
    this.#showCursor();
    piece.element.focus({ preventScroll: true });
    this.board.events.announce(
      "Brush: arrows move it, space paints, X changes between restoring and erasing, brackets change its size, Escape ends it",
    );
    this.onChange();
  }

  stop(): void {
    const { piece } = this;
    if (!piece) return;
    this.#endStroke();
    this.piece = undefined;
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#bar.hidden = true;
    if (hadFocus && piece.element.isConnected) piece.element.focus({ preventScroll: true });
    this.#canvas?.free();
    this.#cursor.remove();
    this.#canvas = undefined;
    this.#mask = undefined;
    piece.view.hideBrush();
    piece.onLook(piece);
    this.onChange();
  }

  /** After something was undone or redone. */
  sync(): void {
    const { piece } = this;
    if (!piece) return;
    if (!piece.mask || !piece.element.isConnected) return this.stop();
    // A stroke undone has changed these very bytes; anything else has brought a mask of its own.
    if (piece.mask.alpha !== this.#mask?.alpha && this.#stroke === undefined && this.#mask) {
      const [width, height] = [this.#mask.width, this.#mask.height];
      const mask = resizeMask(piece.mask, width, height);
      this.#mask = { width, height, alpha: mask.alpha.slice() };
    }
    if (this.#mask) this.#canvas?.draw(this.#mask);
  }

  /** Returns whether the key was one of the brush's. */
  key(event: KeyboardEvent): boolean {
    if (!this.piece || !this.#mask) return false;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const { width, height } = this.#mask;
      const step = this.#radius() * (event.shiftKey ? 2 : 0.5);
      this.#at = {
        x: Math.min(1, Math.max(0, this.#at.x + (arrow[0] * step) / width)),
        y: Math.min(1, Math.max(0, this.#at.y + (arrow[1] * step) / height)),
      };
      this.#showCursor();
      return true;
    }
    switch (event.key) {
      case " ":
        this.#paint(this.#at, this.#at);
        this.#endStroke();
        return true;
      case "[":
      case "]":
        this.#size.value = String(Number(this.#size.value) * (event.key === "]" ? GROWTH : 1 / GROWTH));
        this.#showCursor();
        return true;
      case "x":
      case "X":
        (this.#erase.checked ? this.#restore : this.#erase).checked = true;
        this.board.events.announce(this.#erase.checked ? "Erasing" : "Restoring");
        return true;
      case "Escape":
      case "Enter":
        this.stop();
        return true;
      default:
        return false;
    }
  }

  #listen(canvas: HTMLCanvasElement): void {
    let last: Point | undefined;
    const shareOf = (event: PointerEvent): Point => ({
      x: event.offsetX / canvas.clientWidth,
      y: event.offsetY / canvas.clientHeight,
    });
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || last) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      last = this.#at = shareOf(event);
      this.#paint(last, last);
      this.#showCursor();
    });
    canvas.addEventListener("pointermove", (event) => {
      // Every point that the pen went through, and not only the last of a frame.
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of last && events.length > 1 ? events : [event]) {
        const now = shareOf(each);
        if (last && canvas.hasPointerCapture(event.pointerId)) {
          this.#paint(last, now);
          last = now;
        }
        this.#at = now;
      }
      this.#showCursor();
    });
    const end = () => {
      last = undefined;
      this.#endStroke();
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  }

  /** Of the brush in mask pixels; the slider is in thousandths of the photograph's longer side. */
  #radius(): number {
    const { width, height } = this.#mask!;
    return Math.max(1, (Number(this.#size.value) / 1000) * Math.max(width, height));
  }

  #paint(from: Point, to: Point): void {
    const mask = this.#mask!;
    this.#stroke ??= { before: mask.alpha.slice(), changed: undefined };
    const scaled = ({ x, y }: Point): Point => ({ x: x * mask.width, y: y * mask.height });
    const brush = { radius: this.#radius(), restores: this.#restore.checked };
    const changed = paintLine(mask, scaled(from), scaled(to), brush);
    this.#stroke.changed = union(this.#stroke.changed, changed);
    if (changed) this.#canvas!.draw(mask, changed);
  }

  /** What was painted becomes the piece's, as one step. */
  #endStroke(): void {
    const { piece } = this;
    const mask = this.#mask;
    const stroke = this.#stroke;
    this.#stroke = undefined;
    if (!piece || !mask || !stroke?.changed) return;
    const part = stroke.changed;
    const before = copyPart({ ...mask, alpha: stroke.before }, part);
    const after = copyPart(mask, part);
    const put = (bytes: Uint8ClampedArray) => {
      putPart(mask, part, bytes);
      // Another object of the same bytes: what is drawn by it is made anew.
      piece.reshape({ ...piece.shape, mask: { ...mask } });
    };
    put(after);
    this.history.add({ words: `brush stroke on ${piece.name}`, undo: () => put(before), redo: () => put(after) });
  }

  #showCursor(): void {
    if (!this.#mask) return;
    const { style } = this.#cursor;
    style.setProperty("--x", String(this.#at.x));
    style.setProperty("--y", String(this.#at.y));
    style.setProperty("--wide", String((2 * this.#radius()) / this.#mask.width));
    style.setProperty("--high", String((2 * this.#radius()) / this.#mask.height));
  }
}
