// A canvas as a file to post, and what to do where browsers do not give a canvas back as it is.

import { Deadline, raced } from "./abort.js";
import { type Canvas, newCanvas, toBlob } from "./canvas.js";
import { HeadwaterError } from "./errors.js";

const JPEG_QUALITY = 0.92;
/** How long a browser may encode a picture of the net's size, milliseconds. */
const ENCODE_MILLIS = 10_000;
/** Side of the small pictures that are compared, pixels. */
const SIDE = 16;
/** Levels by which two small pictures may differ on average. JPEG makes less than one of them. */
const MOST_APART = 16;

/** Whether a file has shown what was drawn: browsers do not change their ways while a page lives. */
let trusted = false;

/**
 * `canvas` as a JPEG. Browsers that protect their visitors against fingerprinting may give noise instead, or nothing.
 *
 * @throws HeadwaterError `timeout` when the browser does not answer, `unsupported` when the file shows something else.
 */
export async function toJpeg(canvas: Canvas): Promise<Blob> {
  const deadline = new Deadline(
    ENCODE_MILLIS,
    `the browser encoded no picture in ${ENCODE_MILLIS / 1000} s`,
    undefined,
  );
  try {
    const blob = await raced(toBlob(canvas, "image/jpeg", JPEG_QUALITY), deadline.signal);
    if ((trusted ||= await shows(blob, canvas))) return blob;
  } finally {
    deadline.stop();
  }
  const why = "perhaps a protection against fingerprinting: give the picture as a file";
  throw new HeadwaterError("unsupported", `this browser does not give back what was drawn on a canvas (${why})`);
}

/** Whether `file` shows what is on `canvas`, as far as this browser can read pixels. */
async function shows(file: Blob, canvas: Canvas): Promise<boolean> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (!bitmap) return false;
  const [, context] = newCanvas(4 * SIDE, SIDE, true);
  // Both in the same way, then black, then white, since pixels that are read may be noise as well.
  [canvas, bitmap].forEach((image, i) => context.drawImage(image, i * SIDE, 0, SIDE, SIDE));
  bitmap.close();
  ["#000", "#fff"].forEach((colour, i) => {
    context.fillStyle = colour;
    context.fillRect((2 + i) * SIDE, 0, SIDE, SIDE);
  });
  const [found, expected, black, white] = [0, 1, 2, 3].map((i) => context.getImageData(i * SIDE, 0, SIDE, SIDE).data);
  const apart = (a: Uint8ClampedArray, b: (i: number) => number): number =>
    a.reduce((sum, value, i) => sum + (i % 4 < 3 ? Math.abs(value - b(i)) : 0), 0) / (3 * SIDE * SIDE);
  return (
    apart(found!, (i) => expected![i]!) < MOST_APART &&
    apart(black!, () => 0) < MOST_APART &&
    apart(white!, () => 255) < MOST_APART
  );
}
