// From a file to pixels, and what posting it would cost.

import { canvasOf, context2d } from "./dom.js";

/** Larger pictures are scaled down: phones refuse canvases of much more than this. */
const LONGEST_SIDE = 4096;

/** What the server's decoder reads; anything else the browser decodes and sends on as pixels. */
const POSTABLE = ["image/jpeg", "image/png", "image/webp"];

export interface Photo {
  name: string;
  width: number;
  height: number;
  pixels: HTMLCanvasElement;
  /** What `segment` is given: the file itself where it can be posted unchanged, else the pixels. */
  source: Blob | HTMLCanvasElement;
  /** The size of this picture if it were posted, and how that number came about. */
  posting: { bytes: number; how: string };
  /** Said to the user where the picture is not what the file was. */
  remark: string | undefined;
}

export async function openPhoto(file: Blob, name: string): Promise<Photo> {
  const bitmap = await decode(file, name);
  const factor = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * factor));
  const height = Math.max(1, Math.round(bitmap.height * factor));
  const original = `${bitmap.width} × ${bitmap.height}`;
  const pixels = canvasOf(width, height);
  const context = context2d(pixels, { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();

  const asFile = factor === 1 && POSTABLE.includes(file.type) && !(await isTurned(file));
  return {
    name,
    width,
    height,
    pixels,
    source: asFile ? file : pixels,
    posting: asFile ? { bytes: file.size, how: "the file as it is" } : await reencoded(pixels),
    remark: factor < 1 ? `${name} was scaled from ${original} to ${width} × ${height} pixels.` : undefined,
  };
}

/** A frame that never was a file, such as the camera's. */
export async function photoOf(pixels: HTMLCanvasElement, name: string): Promise<Photo> {
  const { width, height } = pixels;
  return { name, width, height, pixels, source: pixels, posting: await reencoded(pixels), remark: undefined };
}

export async function reencoded(pixels: HTMLCanvasElement): Promise<{ bytes: number; how: string }> {
  const jpeg = await new Promise<Blob | null>((done) => pixels.toBlob(done, "image/jpeg", 0.9));
  return { bytes: jpeg?.size ?? 0, how: "as a JPEG of quality 90" };
}

async function decode(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch (cause) {
    const kind = file.type || "of unknown type";
    throw new Error(`The file ${name} (${kind}) could not be read as a picture. Try a JPEG, PNG or WebP file.`, {
      cause,
    });
  }
}

/** Whether a JPEG says in its EXIF that it is to be turned. The browser turns it; the decoder of a server may not. */
async function isTurned(file: Blob): Promise<boolean> {
  if (file.type !== "image/jpeg") return false;
  const view = new DataView(await file.slice(0, 64 * 1024).arrayBuffer());
  let at = 2;
  while (at + 4 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xe1 && orientation(view, at + 4) > 1) return true;
    if (marker === 0xda) return false;
    at += 2 + view.getUint16(at + 2);
  }
  return false;
}

function orientation(view: DataView, exif: number): number {
  const tiff = exif + 6;
  if (tiff + 8 > view.byteLength || view.getUint32(exif) !== 0x45786966) return 1;
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = directory + 2; entry + 12 <= Math.min(view.byteLength, directory + 2 + entries * 12); entry += 12) {
    if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
  }
  return 1;
}
