// What the split `remote` posts for a photograph at one size: the yardstick of what crosses.

import type { Run } from "./engine.js";
import type { Piece } from "./piece.js";
import type { Pixels } from "./pixels.js";
import type { Posting } from "./pixels/posting.js";

/** A run of this page that posted the photograph at that size: it knows the number to the byte. */
export function measuredPosting(runs: Iterable<Run>, size: readonly [number, number]): Posting | undefined {
  for (const { report } of runs) {
    if (report.split !== "remote" || report.size.join() !== size.join()) continue;
    return { bytes: report.up_bytes, how: "measured here" };
  }
  return undefined;
}

/** Remembers estimates: the same photograph at the same size is always the same number. */
export class Postings {
  readonly #known = new WeakMap<object, Map<string, Posting | Promise<Posting | undefined>>>();

  constructor(readonly pixels: Pixels) {}

  /** What is known now; where that is nothing, `onKnown` is called once it is. */
  of(piece: Piece, size: readonly [number, number], onKnown: () => void): Posting | undefined {
    const measured = measuredPosting(piece.runs.values(), size);
    if (measured) return measured;
    const { photo } = piece;
    const sizes = this.#known.get(photo) ?? new Map<string, Posting | Promise<Posting | undefined>>();
    this.#known.set(photo, sizes);
    const key = size.join();
    const known = sizes.get(key);
    if (known instanceof Promise) return undefined;
    if (known) return known;
    const estimate = this.pixels.do("posting", { file: photo.file, name: photo.name, cover: size }).then(
      (posting) => {
        sizes.set(key, posting);
        onKnown();
        return posting;
      },
      () => undefined, // a picture that cannot be encoded here has no such number
    );
    sizes.set(key, estimate);
    return undefined;
  }
}
