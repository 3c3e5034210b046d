// What tests call in the page: the package as it is published, and a few ways to bring pictures in and masks out.
import * as main from "/package/index.js";
import * as worker from "/package/worker.js";

const MODEL = "/models/isnet.safetensors";

/** A segmenter of the page's own, or with `worker: true` of its twin. */
function load({ worker: elsewhere = false, model = MODEL, ...options }) {
  const { Segmenter } = elsewhere ? worker : main;
  return Segmenter.load(model, { server: "/", ...options });
}

/** A photograph's pixels without a decoder's opinion. */
async function photo(name, width, height) {
  const blob = await (await fetch(`/pixels/${name}.webp`)).blob();
  const size = width ? { resizeWidth: width, resizeHeight: height, resizeQuality: "high" } : {};
  return createImageBitmap(blob, { premultiplyAlpha: "none", ...size });
}

/** The same on a canvas. */
async function photoCanvas(name, width, height) {
  const bitmap = await photo(name, width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
  return canvas;
}

function base64(bytes) {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at < view.length; at += 32768) text += String.fromCharCode(...view.subarray(at, at + 32768));
  return btoa(text);
}

/** How many levels lie between a mask's least and greatest value. */
function spread({ alpha }) {
  let [least, most] = [255, 0];
  for (const value of alpha) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return most - least;
}

/** A mask as it leaves the page. */
function packed({ width, height, alpha }) {
  return { width, height, alpha: base64(alpha) };
}

/** How an error leaves the page; what is no error is `{ value }`. */
async function outcome(promise) {
  try {
    return { value: (await promise) !== undefined };
  } catch (error) {
    return { code: error.code, message: error.message, name: error.name, ours: error instanceof Error };
  }
}

/** The kinds of a segmenter's events, in order, as they come. */
function heard(segmenter) {
  const kinds = [];
  for (const kind of ["devicelost", "recovered", "fallback"]) {
    segmenter.addEventListener(kind, (event) => kinds.push(`${kind}: ${event.detail.reason}`));
  }
  return kinds;
}

globalThis.hw = { main, worker, MODEL, load, photo, photoCanvas, base64, spread, packed, outcome, heard };
