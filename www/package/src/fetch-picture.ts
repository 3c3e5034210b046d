// A picture by its address or its bytes, as something that can be drawn.

import { check, raced } from "./abort.js";
import type { PictureSource } from "./cutout-options.js";
import { HeadwaterError, wrap } from "./errors.js";
import { tag } from "./picture.js";
import { shown } from "./range.js";
import { baseAddress, resolve } from "./source.js";
import type { ImageSource } from "./types.js";

/** The classes of what can be drawn, by their names: objects may come from another frame. */
const DRAWABLE: readonly string[] = [
  "Blob",
  "File",
  "ImageBitmap",
  "ImageData",
  "HTMLImageElement",
  "HTMLCanvasElement",
  "OffscreenCanvas",
  "HTMLVideoElement",
  "VideoFrame",
];

/** @throws HeadwaterError `bad-image` unless `source` is of a kind that {@link toImage} takes. */
export function checkPicture(source: unknown): void {
  const name = tag(source);
  if (typeof source === "string" || name === "URL" || name === "ArrayBuffer" || ArrayBuffer.isView(source)) return;
  if (DRAWABLE.includes(name)) return;
  const known = "an address, a file's bytes, a Blob, an image, canvas or video, a VideoFrame, ImageBitmap or ImageData";
  throw new HeadwaterError("bad-image", `expected ${known}, found ${name}`);
}

/**
 * `source` as it is, or the file that its address leads to.
 *
 * @throws HeadwaterError `bad-argument` when an address is none, `download` when nothing can be had from it,
 * `bad-image` when it leads to an HTML page, `aborted`
 */
export async function toImage(source: PictureSource, signal: AbortSignal | undefined): Promise<ImageSource> {
  check(signal);
  checkPicture(source);
  const name = tag(source);
  if (name === "ArrayBuffer" || ArrayBuffer.isView(source)) {
    // Shared memory, which no Blob takes, is copied.
    const bytes = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source as ArrayBuffer);
    return new Blob([tag(bytes.buffer) === "ArrayBuffer" ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice()]);
  }
  if (typeof source !== "string" && name !== "URL") return source as ImageSource;
  const url = resolve(source as string | URL, baseAddress(), "picture");
  if (/^(blob|data):$/.test(url.protocol) && typeof document !== "undefined") return element(url, signal);
  const place = `the picture ${shown(url)}`;
  const response = await raced(fetch(url, { signal: signal ?? null }), signal).catch((error: unknown) => {
    check(signal);
    const why = "no connection, no such server, or a server that does not let this page read it (CORS)";
    throw new HeadwaterError("download", `${place} cannot be reached (${why})`, { cause: error });
  });
  const type = response.headers.get("content-type") ?? "";
  const page = /^text\/html\b/i.test(type);
  if (!response.ok || page) {
    response.body?.cancel().catch(() => undefined);
    if (response.ok) throw new HeadwaterError("bad-image", `${place}: expected a picture, found an HTML page`);
    throw new HeadwaterError("download", `${place}: expected a picture, found status ${response.status}`);
  }
  return raced(response.blob(), signal).catch((error: unknown) => {
    check(signal);
    throw wrap(error, "download", `${place}: the connection broke`);
  });
}

/**
 * What is in the page's own memory as an element: content security policies that let pages show such addresses seldom
 * let them be fetched.
 */
async function element(url: URL, signal: AbortSignal | undefined): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url.href;
  await raced(image.decode(), signal).catch((error: unknown) => {
    check(signal);
    throw wrap(error, "bad-image", `the picture ${url.href.slice(0, 80)} cannot be decoded`);
  });
  return image;
}
