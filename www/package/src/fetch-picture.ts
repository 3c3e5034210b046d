// A picture by its address or its bytes, as something that can be drawn.

import { check, raced } from "./abort.js";
import type { PictureSource } from "./cutout-options.js";
import { HeadwaterError, wrap } from "./errors.js";
import { tag } from "./picture.js";
import { shown } from "./range.js";
import { baseAddress, resolve } from "./source.js";
import type { ImageSource } from "./types.js";

/**
 * `source` as it is, or the file that its address leads to.
 *
 * @throws HeadwaterError `bad-argument` when an address is none, `download` when nothing can be had from it,
 * `bad-image` when it leads to an HTML page, `aborted`
 */
export async function toImage(source: PictureSource, signal: AbortSignal | undefined): Promise<ImageSource> {
  check(signal);
  const name = tag(source);
  if (name === "ArrayBuffer" || ArrayBuffer.isView(source)) {
    return new Blob([source as ArrayBuffer | ArrayBufferView<ArrayBuffer>]);
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
