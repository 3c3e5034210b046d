// Files: a piece at its photograph's resolution, the whole board, all cut-outs together.

import { downloadZip } from "client-zip";
import type { Backdrops } from "./backdrop.js";
import type { Board } from "./board.js";
import type { Piece } from "./piece.js";
import type { Pixels } from "./pixels.js";
import type { BoardPiece } from "./pixels/board.js";
import type { Cut } from "./pixels/cut.js";
import type { FileType } from "./pixels/encode.js";
import type { PieceJob, Written } from "./pixels/operations.js";
import { copy, distinct, download, stem } from "./saving.js";
import type { Status } from "./status.js";

/** Longer side of an exported board, pixels. */
const BOARD_SIDE = 2400;

/** The ways to save a piece, as the menu names them. */
export type Saving = "photo" | "trimmed" | "backdrop-png" | "backdrop-jpeg" | "mask";

const WAYS: Record<Saving, Pick<PieceJob, "what" | "frame" | "type"> & { ending: string; backdrop: boolean }> = {
  photo: { what: "cutout", frame: "photo", type: "image/png", ending: "cutout.png", backdrop: false },
  trimmed: { what: "cutout", frame: "trimmed", type: "image/png", ending: "trimmed.png", backdrop: false },
  "backdrop-png": { what: "cutout", frame: "photo", type: "image/png", ending: "background.png", backdrop: true },
  "backdrop-jpeg": { what: "cutout", frame: "photo", type: "image/jpeg", ending: "background.jpg", backdrop: true },
  mask: { what: "mask", frame: "photo", type: "image/png", ending: "mask.png", backdrop: false },
};

export class Exporting {
  constructor(
    readonly pixels: Pixels,
    readonly board: Board,
    readonly backdrops: Backdrops,
    readonly status: Status,
  ) {}

  async piece(piece: Piece, saving: Saving): Promise<void> {
    const name = `${stem(piece.name)}-${WAYS[saving].ending}`;
    await this.#working(`Saving ${name}`, async () => {
      const written = await this.#write(piece, saving);
      download(written.blob, name);
      return `${name} saved: ${written.width} × ${written.height} pixels.`;
    });
  }

  async copy(piece: Piece): Promise<void> {
    await this.#working(`Copying ${piece.name}`, async () => {
      const written = this.#write(piece, "photo");
      await copy(written.then(({ blob }) => blob));
      const { width, height } = await written;
      return `The cut-out of ${piece.name} was copied: ${width} × ${height} pixels.`;
    });
  }

  async wholeBoard(type: FileType): Promise<void> {
    const name = type === "image/jpeg" ? "board.jpg" : "board.png";
    await this.#working(`Saving ${name}`, async () => {
      const density = BOARD_SIDE / Math.max(this.board.width, this.board.height);
      const [width, height] = [this.board.width, this.board.height].map((side) => Math.round(side * density));
      const pieces = await Promise.all(this.board.inOrder().map((piece) => boardPiece(piece, width!, height!)));
      // A JPEG has no transparency, and black is not what anybody wants in its place.
      const white = { kind: "colours", top: "#ffffff", bottom: "#ffffff" } as const;
      const backdrop = this.backdrops.chosen ?? (type === "image/jpeg" ? white : undefined);
      const job = { width: width!, height: height!, backdrop, pieces, density, type };
      const bitmaps = pieces.flatMap(({ look }) => (look.kind === "bitmap" ? [look.bitmap] : []));
      const written = await this.pixels.do("board", job, bitmaps);
      download(written.blob, name);
      return `${name} saved: ${written.width} × ${written.height} pixels.`;
    });
  }

  /** Every cut-out at its photograph's size, in one ZIP. */
  async all(): Promise<void> {
    const pieces = this.board.inOrder().filter((piece) => piece.isCut);
    const names = distinct(pieces.map((piece) => `${stem(piece.name)}-cutout.png`));
    const abort = new AbortController();
    await this.#working("Saving all", async (say) => {
      const write = this.#write.bind(this);
      async function* files() {
        for (const [at, piece] of pieces.entries()) {
          abort.signal.throwIfAborted();
          say({ loaded: at, total: pieces.length, cancel: () => abort.abort() });
          const { blob } = await write(piece, "photo");
          yield { name: names[at]!, input: blob, lastModified: new Date() };
        }
      }
      const zip = await downloadZip(files()).blob();
      abort.signal.throwIfAborted();
      download(zip, "cutouts.zip");
      return `cutouts.zip saved: ${pieces.length} ${pieces.length === 1 ? "picture" : "pictures"}.`;
    });
  }

  #write(piece: Piece, saving: Saving): Promise<Written> {
    const { backdrop, what, frame, type } = WAYS[saving];
    const white = { kind: "colours", top: "#ffffff", bottom: "#ffffff" } as const;
    const behind = backdrop ? (this.backdrops.chosen ?? (type === "image/jpeg" ? white : undefined)) : undefined;
    return this.pixels.do("piece", {
      cut: cutOf(piece),
      what,
      frame,
      backdrop: behind,
      pose: piece.place.pose,
      type,
    });
  }

  /** Shows that it is being worked on, then what came of it. Rejects as the work does. */
  async #working(
    text: string,
    work: (say: (progress: { loaded: number; total: number; cancel: () => void }) => void) => Promise<string>,
  ): Promise<void> {
    const owner = {};
    // Cutting out is the more interesting line, and its Cancel must stay.
    const mine = !this.status.isWorking;
    if (mine) this.status.work(owner, { text });
    try {
      const words = await work(({ loaded, total, cancel }) => {
        if (mine) this.status.work(owner, { text, progress: { loaded, total, unit: "steps" }, cancel });
      });
      this.status.rest(owner);
      this.status.done(words);
    } finally {
      this.status.rest(owner);
    }
  }
}

function cutOf(piece: Piece): Cut {
  const { photo, mask } = piece;
  if (!mask) throw new Error(`The photograph ${photo.name} has not been cut out yet.`);
  return { file: photo.file, name: photo.name, photo: { width: photo.width, height: photo.height }, mask };
}

async function boardPiece(piece: Piece, width: number, height: number): Promise<BoardPiece> {
  const { place, photo, crop } = piece;
  const live = piece.view.live;
  return {
    centre: { x: place.x * width, y: place.y * height },
    size: piece.size(width, height),
    pose: place.pose,
    look: live
      ? { kind: "bitmap", bitmap: await createImageBitmap(live) }
      : piece.isCut
        ? { kind: "cutout", cut: cutOf(piece), crop }
        : { kind: "photo", file: photo.file, name: photo.name },
  };
}
