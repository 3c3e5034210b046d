// What the split `remote` posts for a photograph at one size: the yardstick of what crosses.

import { canvasOf, context2d } from "./dom.js";
import type { Run } from "./engine.js";
import type { Piece } from "./piece.js";

export interface Posting {
  bytes: number;
  /** For people, after the number. */
  how: string;
}

/** The same as the package's (package/src/picture.ts): up to this size a file is posted as it is. */
const SMALL_FILE_BYTES = 512 * 1024;
const JPEG_QUALITY = 0.92;

/** A run of this page that posted the photograph at that size: it knows the number to the byte. */
export function measuredPosting(runs: Iterable<Run>, size: readonly [number, number]): Posting | undefined {
  for (const { report } of runs) {
    if (report.split !== "remote" || report.size.join() !== size.join()) continue;
    return { bytes: report.up_bytes, how: "measured here" };
  }
  return undefined;
}

/**
 * The same number before such a run, by doing what the package would do: a small file is posted as it is, any other
 * picture as a JPEG that covers the net's input.
 */
export async function estimatePosting(
  source: Blob | HTMLCanvasElement,
  size: readonly [number, number],
): Promise<Posting> {
  if (source instanceof Blob && source.size <= SMALL_FILE_BYTES && (await isPostable(source))) {
    return { bytes: source.size, how: "the file as it is" };
  }
  const picture = await createImageBitmap(source, { imageOrientation: "from-image" });
  try {
    const scale = Math.min(1, Math.max(size[0] / picture.width, size[1] / picture.height));
    const canvas = canvasOf(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
    const context = context2d(canvas);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const jpeg = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
    if (!jpeg) throw new Error("this browser wrote no JPEG");
    return { bytes: jpeg.size, how: `as a JPEG of ${canvas.width} × ${canvas.height} px` };
  } finally {
    picture.close();
  }
}

/** Whether the server's decoder reads it, by its first bytes as the package does. */
async function isPostable(file: Blob): Promise<boolean> {
  const first = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  return first.startsWith("\xff\xd8") || first.startsWith("\x89PNG") || /^RIFF.{4}WEBP/s.test(first);
}

/** Remembers estimates: the same photograph at the same size is always the same number. */
export class Postings {
  readonly #known = new WeakMap<object, Map<string, Posting | Promise<Posting | undefined>>>();

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
    const estimate = estimatePosting(photo.source, size).then(
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
