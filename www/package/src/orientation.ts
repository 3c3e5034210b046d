// Files that a browser does not turn upright although their EXIF data say so. All browsers turn JPEGs; Chromium 156
// turns PNGs and not WebPs. The server turns all three, and a mask must not depend on who decoded the picture.

import { type Context, newCanvas } from "./canvas.js";

/**
 * How bitmaps are made. Orientation: what a user sees of a photograph is upright. Colour: `default` converts a file's
 * own colour space to the page's, and the net shall see what the page shows; `none` would hand it the raw numbers of,
 * say, a Display P3 photograph, which are paler. Alpha: not multiplied in, so that the GPU puts transparent pixels over
 * white by the same arithmetic as a native program.
 */
export const BITMAP: ImageBitmapOptions = {
  imageOrientation: "from-image",
  colorSpaceConversion: "default",
  premultiplyAlpha: "none",
};

/** Formats of which browsers differ. */
type Format = "png" | "webp";

/** Pictures of 2x1 black pixels whose orientation is 6, so that they are 1x2 upright. */
const PROBES: Record<Format, string> = {
  png:
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAGmVYSWZNTQAqAAAACAABARIAAwAAAAEABgAAAAAAANZnS2kAAAAPSURB" +
    "VHicY2BgYGBgYAAAAAcAAVchYhkAAAAASUVORK5CYII=",
  webp:
    "UklGRk4AAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TA4AAAAvAQAAAAcQEf0PRET/A0VYSUYaAAAATU0AKgAAAAgAAQESAAMAAAAB" +
    "AAYAAAAAAAA=",
};

/**
 * `file` as a segmenter decodes it: upright, also where the browser leaves it lying (a WebP in Chromium), in the page's
 * colours. The caller closes it.
 *
 * Rejects as `createImageBitmap` does.
 */
export async function decodeUpright(file: Blob): Promise<ImageBitmap> {
  return turnUpright(await createImageBitmap(file, BITMAP), file);
}

/**
 * `bitmap`, which the browser made of `file`, upright.
 *
 * Takes the bitmap: it is closed where another is returned.
 */
export async function turnUpright(bitmap: ImageBitmap, file: Blob): Promise<ImageBitmap> {
  const format = await formatOf(file);
  if (!format || (await turns(format))) return bitmap;
  const orientation = (await readOrientation(file)) ?? 1;
  if (orientation === 1) return bitmap;
  const { width, height } = bitmap;
  const swapped = orientation > 4;
  const [canvas, context] = newCanvas(swapped ? height : width, swapped ? width : height, true);
  place(context, orientation, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return createImageBitmap(canvas, { premultiplyAlpha: "none" });
}

/** The format, if the file is of one that may state an orientation and that browsers differ of. */
async function formatOf(file: Blob): Promise<Format | undefined> {
  const head = new Uint8Array(await file.slice(0, 24).arrayBuffer());
  const start = String.fromCharCode(...head);
  if (start.startsWith("\x89PNG")) return "png";
  // An extended WebP's flags say whether there are EXIF data.
  return /^RIFF[^]{4}WEBPVP8X/.test(start) && (head[20]! & 0x08) !== 0 ? "webp" : undefined;
}

/** The orientation that a PNG or WebP file states, 1 to 8 as EXIF counts. */
export async function readOrientation(file: Blob): Promise<number | undefined> {
  const format = await formatOf(file);
  if (!format) return undefined;
  const bytes = new DataView(await file.arrayBuffer());
  const exif = format === "png" ? findChunk(bytes, 8, "eXIf", false) : findChunk(bytes, 12, "EXIF", true);
  return exif && parseOrientation(exif);
}

/** The data of the first chunk of a name, in a PNG or, where lengths are little-endian and come second, in a WebP. */
function findChunk(bytes: DataView, start: number, name: string, isRiff: boolean): DataView | undefined {
  let at = start;
  while (at + 8 <= bytes.byteLength) {
    const length = bytes.getUint32(isRiff ? at + 4 : at, isRiff);
    const nameAt = isRiff ? at : at + 4;
    const found = String.fromCharCode(...[0, 1, 2, 3].map((i) => bytes.getUint8(nameAt + i)));
    if (found === name) {
      const end = Math.min(at + 8 + length, bytes.byteLength);
      return new DataView(bytes.buffer, at + 8, end - at - 8);
    }
    // Riff chunks are padded to even lengths; PNG's end with a checksum.
    at += 8 + length + (isRiff ? length % 2 : 4);
  }
  return undefined;
}

/** The orientation in a TIFF block, with or without the name that JPEGs put in front of it. */
function parseOrientation(exif: DataView): number | undefined {
  const hasName = exif.byteLength >= 6 && exif.getUint32(0) === 0x45786966 && exif.getUint16(4) === 0;
  const tiff = new DataView(exif.buffer, exif.byteOffset + (hasName ? 6 : 0), exif.byteLength - (hasName ? 6 : 0));
  if (tiff.byteLength < 8) return undefined;
  const order = tiff.getUint32(0);
  if (order !== 0x49492a00 && order !== 0x4d4d002a) return undefined;
  const little = order === 0x49492a00;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return undefined;
  const entries = tiff.getUint16(directory, little);
  for (let i = 0; i < entries; i += 1) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.byteLength) return undefined;
    if (tiff.getUint16(entry, little) !== 0x0112) continue;
    const orientation = tiff.getUint16(entry + 8, little);
    return orientation >= 1 && orientation <= 8 ? orientation : undefined;
  }
  return undefined;
}

const known = new Map<Format, Promise<boolean>>();

/** Whether this browser turns files of a format. */
function turns(format: Format): Promise<boolean> {
  let answer = known.get(format);
  if (!answer) {
    const bytes = Uint8Array.from(atob(PROBES[format]), (letter) => letter.charCodeAt(0));
    answer = createImageBitmap(new Blob([bytes]), { imageOrientation: "from-image" }).then((bitmap) => {
      const isTurned = bitmap.width === 1;
      bitmap.close();
      return isTurned;
    });
    known.set(format, answer);
  }
  return answer;
}

/** Sets the context's transform to one that draws a stored picture of `width` by `height` upright. */
function place(context: Context, orientation: number, width: number, height: number): void {
  const transforms: [number, number, number, number, number, number][] = [
    [1, 0, 0, 1, 0, 0],
    [-1, 0, 0, 1, width, 0],
    [-1, 0, 0, -1, width, height],
    [1, 0, 0, -1, 0, height],
    [0, 1, 1, 0, 0, 0],
    [0, 1, -1, 0, height, 0],
    [0, -1, -1, 0, height, width],
    [0, -1, 1, 0, 0, width],
  ];
  context.setTransform(...transforms[orientation - 1]!);
}
