// Files become pieces: one after another, in the order in which they were chosen.

import type { Board } from "./board.js";
import type { Cutting } from "./cutting.js";
import type { Arrival, Point } from "./drop.js";
import { troubleOf } from "./errors.js";
import { openPhoto } from "./photo.js";
import type { Pixels } from "./pixels.js";
import type { Settings } from "./settings.js";
import type { Status } from "./status.js";

export class Arrivals {
  #opening: Promise<unknown> = Promise.resolve();
  /** Photographs that are still to be opened. */
  #coming = 0;

  constructor(
    readonly pixels: Pixels,
    readonly board: Board,
    readonly cutting: Cutting,
    readonly status: Status,
    readonly settings: () => Settings,
  ) {}

  /** Puts them on the board and cuts them out; resolves when all that could be opened are there. */
  take(arrivals: Arrival[], at?: Point): Promise<void> {
    const place = at && this.board.shareOf(at.clientX, at.clientY);
    if (this.#coming === 0) this.cutting.expect();
    this.#coming += arrivals.length;
    const opened = this.#opening.then(async () => {
      for (const arrival of arrivals) await this.#open(arrival, place).finally(() => this.#coming--);
    });
    this.#opening = opened;
    return opened;
  }

  /** Something that never became a photograph. It stays in the list until that is dismissed. */
  refuse(error: unknown): void {
    this.status.trouble(troubleOf(error));
  }

  async #open({ file, name }: Arrival, place: { x: number; y: number } | undefined): Promise<void> {
    try {
      const { photo, bitmap } = await openPhoto(this.pixels, file, name, this.board.looks.bound);
      const piece = this.board.add(photo, place, this.board.pieces.length + this.#coming);
      this.board.looks.opened(piece, bitmap);
      void this.cutting.cut(piece, this.settings()).then((isCut) => {
        if (isCut && photo.remark) this.status.done(photo.remark);
      });
    } catch (error) {
      this.cutting.miss();
      this.refuse(error);
    }
  }
}
