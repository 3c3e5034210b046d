// Keeps each piece drawn as sharp as the screen shows it, and no sharper: bitmaps are made anew when a piece has grown.

import type { Alpha, Rect } from "./masks.js";
import type { Piece } from "./piece.js";
import type { Pixels } from "./pixels.js";
import { SHADOW_ROOM } from "./shadow.js";

/** Pixels of one bitmap at most, on screens and at scales that would want more. */
const MOST_PIXELS = 6_000_000;
/** A bitmap is good enough while it has between these shares of the pixels that the screen shows, a side. */
const FEWEST = 0.8;
const MOST = 2.5;
/** Scaling goes in many small steps; the last one counts. */
const SETTLED_MILLIS = 180;

interface Look {
  kind: "photo" | "cut";
  width: number;
  mask: Alpha | undefined;
  crop: Rect;
  quarters: number;
}

export class Looks {
  readonly #made = new Map<Piece, { photo?: Look; cut?: Look }>();
  readonly #making = new Set<Piece>();
  readonly #timers = new Map<Piece, ReturnType<typeof setTimeout>>();

  /** `onFailure` is called with pictures that can no longer be decoded. */
  constructor(
    readonly pixels: Pixels,
    readonly board: { width: number; height: number },
    readonly onFailure: (error: unknown, piece: Piece) => void,
  ) {}

  /** How large a photograph that was just opened can be shown on this board, device pixels. */
  get bound(): { width: number; height: number } {
    const density = devicePixelRatio;
    return { width: Math.round(this.board.width * density), height: Math.round(this.board.height * density) };
  }

  /** A bitmap that was made elsewhere. */
  opened(piece: Piece, bitmap: ImageBitmap): void {
    this.#made.set(piece, { photo: { ...this.#wanted(piece), kind: "photo", width: bitmap.width } });
    piece.view.showPhoto(bitmap);
  }

  /** Something about the piece has changed: at once where another picture is to be seen, else when it has settled. */
  refresh(piece: Piece): void {
    clearTimeout(this.#timers.get(piece));
    this.#timers.delete(piece);
    // The brush draws it itself, and asks when it is done.
    if (piece.view.isBrushed || !piece.element.isConnected) return;
    const wanted = this.#wanted(piece);
    const made = this.#made.get(piece)?.[wanted.kind];
    if (!made || !piece.view.has(wanted.kind) || this.#isOther(wanted, made)) return void this.#make(piece);
    piece.view.turnTo(wanted.kind);
    if (!this.#isCoarse(wanted, made)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(piece);
      void this.#make(piece);
    }, SETTLED_MILLIS);
    this.#timers.set(piece, timer);
  }

  /** The piece has left the board: its pixels are given back. */
  forget(piece: Piece): void {
    clearTimeout(this.#timers.get(piece));
    this.#timers.delete(piece);
    this.#made.delete(piece);
    piece.view.free();
  }

  #wanted(piece: Piece): Look {
    const { mask, crop, photo, view, place } = piece;
    const cut = piece.isCut && !view.isBefore;
    const shown = cut ? crop : photo;
    const zoom = piece.zoom(this.board.width, this.board.height) * devicePixelRatio;
    const limit = Math.sqrt(MOST_PIXELS / (shown.width * shown.height));
    const width = Math.max(1, Math.round(shown.width * Math.min(1, zoom, limit)));
    return { kind: cut ? "cut" : "photo", width, mask: cut ? mask : undefined, crop, quarters: place.pose.quarters };
  }

  #isOther(wanted: Look, made: Look): boolean {
    return wanted.kind === "cut" && (made.mask !== wanted.mask || made.quarters !== wanted.quarters);
  }

  #isCoarse(wanted: Look, made: Look): boolean {
    const share = made.width / wanted.width;
    return share < FEWEST || share > MOST;
  }

  async #make(piece: Piece): Promise<void> {
    if (this.#making.has(piece) || piece.state === "live") return;
    this.#making.add(piece);
    const look = this.#wanted(piece);
    try {
      await (look.kind === "cut" ? this.#cut(piece, look) : this.#photo(piece, look));
    } catch (error) {
      // Not tried again until something changes.
      this.#making.delete(piece);
      return this.onFailure(error, piece);
    }
    this.#making.delete(piece);
    if (piece.element.isConnected) this.refresh(piece);
  }

  async #photo(piece: Piece, look: Look): Promise<void> {
    const { photo } = piece;
    const size = { width: look.width, height: Math.max(1, Math.round((look.width * photo.height) / photo.width)) };
    const bitmap = await this.pixels.do("photo", { file: photo.file, name: photo.name, size });
    if (!piece.element.isConnected) return bitmap.close();
    this.#made.set(piece, { ...this.#made.get(piece), photo: look });
    piece.view.showPhoto(bitmap);
  }

  async #cut(piece: Piece, look: Look): Promise<void> {
    const { photo } = piece;
    const { crop, width } = look;
    const mask = look.mask!;
    const size = { width, height: Math.max(1, Math.round((width * crop.height) / crop.width)) };
    // Shadows are as long on a piece of any size.
    const density = width / (crop.width * piece.zoom(this.board.width, this.board.height));
    const cut = { file: photo.file, name: photo.name, photo: { width: photo.width, height: photo.height }, mask };
    const bitmap = await this.pixels.do("shaded", { cut, crop, size, density, pose: piece.place.pose });
    // Another mask may have come meanwhile; this one is shown until that is ready.
    if (!piece.element.isConnected || !piece.isCut) return bitmap.close();
    this.#made.set(piece, { ...this.#made.get(piece), cut: look });
    if (piece.crop !== crop) return bitmap.close();
    piece.view.showCut(bitmap, Math.ceil(SHADOW_ROOM * density));
  }
}
