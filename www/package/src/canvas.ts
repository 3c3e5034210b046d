// Canvases as both a page and a worker have them.

import { HeadwaterError } from "./errors.js";
import type { Global } from "./types.js";

/** Either kind. */
export type Canvas = Global<"HTMLCanvasElement"> | OffscreenCanvas;

/** An element where there is a document, so that it can be shown; in a worker's TypeScript an OffscreenCanvas. */
export type LocalCanvas = typeof globalThis extends { document: object }
  ? Global<"HTMLCanvasElement">
  : OffscreenCanvas;

/** What 2-D drawing needs of either. */
export type Context = Global<"CanvasRenderingContext2D"> | OffscreenCanvasRenderingContext2D;

/**
 * A new canvas, its sides in pixels, and its 2-D context. `readable`: its pixels will be read back, so that it is kept
 * in the processor's memory.
 */
export function newCanvas(width: number, height: number, offscreen: boolean, readable = false): [Canvas, Context] {
  const element = typeof document !== "undefined" && (!offscreen || typeof OffscreenCanvas === "undefined");
  if (!element && typeof OffscreenCanvas === "undefined") {
    throw new HeadwaterError("unsupported", "this runtime has no canvas");
  }
  const canvas = element ? document.createElement("canvas") : new OffscreenCanvas(width, height);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: readable }) as Context | null;
  if (!context) throw new HeadwaterError("internal", `the browser gives no canvas of ${width}x${height}`);
  return [canvas, context];
}

/** The canvas as a file of `type`; browsers that cannot write it write PNG. */
export async function toBlob(canvas: Canvas, type: string, quality: number): Promise<Blob> {
  if ("convertToBlob" in canvas) return canvas.convertToBlob({ type, quality });
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
  if (!blob) throw new HeadwaterError("internal", `the browser cannot write a ${type} of this size`);
  return blob;
}

/** Lets the event loop go round once. A message, since browsers slow down the timers of hidden pages. */
export async function breathe(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(0);
  });
  port1.close();
}
