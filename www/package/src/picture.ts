// Any image that a page has, as the GPU takes it or as a file to post.

import { type Context, newCanvas } from "./canvas.js";
import { toJpeg } from "./encode.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { Pixels } from "./face.js";
import { BITMAP, decodeUpright } from "./orientation.js";
import type { ImageSource } from "./types.js";

export { BITMAP };

/** A file that is no larger is posted as it is: encoding it again would cost time and quality and save little. */
const SMALL_FILE_BYTES = 512 * 1024;
/** A file that is larger is not posted even where the browser can make no smaller one of it. */
const LARGE_FILE_BYTES = 32 * 2 ** 20;

/** What has a size without being decoded. */
export type Measurable = Exclude<ImageSource, Blob | HTMLImageElement>;

/** Pixels and their upright size. */
export interface Picture {
  pixels: Pixels;
  width: number;
  height: number;
  /** Frees what was made for it; never what the caller owns. */
  close(): void;
}

/**
 * `image` with both sides at most `maxSide` pixels, scaled down where it is larger.
 *
 * @throws HeadwaterError `bad-image` when it is none, is empty, closed, not loaded or cannot be decoded.
 */
export async function toPicture(image: ImageSource, maxSide: number): Promise<Picture> {
  if (typeof createImageBitmap === "undefined") {
    throw new HeadwaterError("unsupported", "this runtime cannot decode pictures: it has no createImageBitmap");
  }
  const [pixels, made] = await upright(image).catch((error: unknown) => {
    throw wrap(error, "bad-image", "the picture cannot be decoded");
  });
  const [width, height] = sizeOf(pixels);
  const scale = maxSide / Math.max(width, height);
  if (scale >= 1) return { pixels, width, height, close: () => made && close(pixels) };
  const [resizeWidth, resizeHeight] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
  try {
    const options = {
      ...BITMAP,
      resizeWidth: resizeWidth!,
      resizeHeight: resizeHeight!,
      resizeQuality: "high" as const,
    };
    const smaller = await createImageBitmap(pixels, options);
    return { pixels: smaller, width: smaller.width, height: smaller.height, close: () => smaller.close() };
  } catch (error) {
    throw wrap(error, "bad-image", `${width}x${height} pixels cannot be scaled to ${maxSide} a side`);
  } finally {
    if (made) close(pixels);
  }
}

/** Holds still what can change or be drawn over while a picture waits: videos and canvases. The caller closes it. */
export async function frozen<Source>(image: Source): Promise<{ still: Source | ImageBitmap; close: () => void }> {
  if (!["HTMLVideoElement", "HTMLCanvasElement", "OffscreenCanvas"].includes(tag(image))) {
    return { still: image, close: () => undefined };
  }
  const { pixels, close } = await toPicture(image as ImageSource, Infinity);
  return { still: pixels as ImageBitmap, close };
}

/** A picture as a file. */
export interface EncodedPicture {
  /** `image/jpeg`, `image/png` or `image/webp`. */
  contentType: string;
  bytes: Uint8Array;
  /** Of the picture that was given, upright, at most `maxSide`. */
  width: number;
  height: number;
}

/**
 * `image` as a file that covers `cover` (width, height of the net's input) and is no larger than that needs.
 *
 * @throws HeadwaterError `bad-image` as {@link toPicture}, and when the picture may not be read from this page.
 */
export async function encode(image: ImageSource, cover: [number, number], maxSide: number): Promise<EncodedPicture> {
  const file = await fileOf(image, SMALL_FILE_BYTES);
  // Files are decoded all the same: it tells their size, and that they are pictures.
  const picture = await toPicture(image, maxSide);
  const { width, height } = picture;
  try {
    if (file) return { ...file, width, height };
    const scale = Math.min(1, Math.max(cover[0] / width, cover[1] / height));
    const [canvas, context] = newCanvas(Math.ceil(width * scale), Math.ceil(height * scale), true);
    context.imageSmoothingQuality = "high";
    // A JPEG has no alpha; an empty canvas would be black in it.
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    await draw(context, picture.pixels, canvas.width, canvas.height);
    const blob = await toJpeg(canvas);
    return { contentType: blob.type, bytes: new Uint8Array(await blob.arrayBuffer()), width, height };
  } catch (error) {
    // What cannot be drawn and read back can still be sent as it came.
    const original = await fileOf(image, LARGE_FILE_BYTES);
    if (original) return { ...original, width, height };
    throw wrap(error, "bad-image", isTaint(error) ? TAINTED : "the picture cannot be encoded");
  } finally {
    picture.close();
  }
}

/** Draws `pixels` over a whole context of `width` by `height`. */
export async function draw(context: Context, pixels: Pixels, width: number, height: number): Promise<void> {
  if (tag(pixels) !== "ImageData") {
    context.drawImage(pixels as ImageBitmap, 0, 0, width, height);
    return;
  }
  const bitmap = await createImageBitmap(pixels, BITMAP);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
}

/**
 * Whether the GPU may copy `pixels`. Asked beforehand, of a VideoFrame, which follows the same rules and copies
 * nothing: the Wasm module does not survive that the GPU refuses them.
 *
 * @throws HeadwaterError `bad-image` when they are closed, or come from another origin that lets nobody read them;
 * `unsupported` where WebGPU takes none, as in Deno
 */
export function checkUsable(pixels: Pixels): void {
  sizeOf(pixels);
  if (typeof GPUQueue !== "undefined" && !("copyExternalImageToTexture" in GPUQueue.prototype)) {
    throw new HeadwaterError("unsupported", "this runtime's WebGPU takes no pictures: only browsers' does");
  }
  if (tag(pixels) === "ImageData" || typeof VideoFrame === "undefined") return;
  try {
    new VideoFrame(pixels as ImageBitmap, { timestamp: 0 }).close();
  } catch (error) {
    throw wrap(error, "bad-image", isTaint(error) ? TAINTED : "the picture cannot be read");
  }
}

/** Of pictures that may be shown and not read. */
export const TAINTED = "the picture comes from another origin that lets no page read it (crossorigin, CORS)";

/** Whether `error` says that a picture may not be read. */
export function isTaint(error: unknown): boolean {
  return error instanceof DOMException && error.name === "SecurityError";
}

/** Pixels that the GPU takes and whose orientation is settled; whether they were made here. */
async function upright(image: ImageSource): Promise<[Pixels, boolean]> {
  const name = tag(image);
  switch (name) {
    case "ImageBitmap":
    case "ImageData":
      return [image as Pixels, false];
    case "HTMLImageElement":
      await (image as HTMLImageElement).decode();
      break;
    case "VideoFrame":
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
    case "HTMLVideoElement":
      sizeOf(image as Measurable);
      break;
    case "Blob":
    case "File":
      return [await decodeUpright(image as Blob), true];
    default: {
      const known = "an ImageBitmap, ImageData, canvas, image, video, VideoFrame or Blob";
      throw new HeadwaterError("bad-image", `expected ${known}, found ${name}`);
    }
  }
  // WebGPU would take most of these as they are, but not everywhere: SwiftShader refuses frames, canvases are refused
  // before they have a context, and whether elements are turned as their EXIF data says differs.
  return [await createImageBitmap(image, BITMAP), true];
}

/**
 * Upright width and height in pixels.
 *
 * @throws HeadwaterError `bad-image` when there are none: it is closed, given away, or has not come yet.
 */
export function sizeOf(image: Measurable): [number, number] {
  const name = tag(image);
  let size: [number, number];
  if (name === "VideoFrame") {
    const frame = image as VideoFrame;
    if (frame.codedWidth === 0) throw new HeadwaterError("bad-image", "the VideoFrame is closed");
    size = [frame.displayWidth, frame.displayHeight];
  } else if (name === "HTMLVideoElement") {
    const video = image as HTMLVideoElement;
    const hasFrame = video.readyState >= 2;
    if (!hasFrame) throw new HeadwaterError("bad-image", "the video has no frame yet: wait for its loadeddata event");
    size = [video.videoWidth, video.videoHeight];
  } else {
    const { width, height } = image as ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas;
    size = [width, height];
    if (name === "ImageBitmap" && width === 0) throw new HeadwaterError("bad-image", "the ImageBitmap is closed");
    if (name === "ImageData" && (image as ImageData).data.length === 0) {
      throw new HeadwaterError("bad-image", "the ImageData's pixels were given away");
    }
  }
  if (!(size[0] > 0 && size[1] > 0)) {
    throw new HeadwaterError("bad-image", `the ${name} has ${size[0]}x${size[1]} pixels`);
  }
  return size;
}

/** The file itself, where it is one that the server reads and has at most `limit` bytes. */
async function fileOf(
  image: ImageSource,
  limit: number,
): Promise<{ contentType: string; bytes: Uint8Array } | undefined> {
  if (!["Blob", "File"].includes(tag(image)) || (image as Blob).size > limit) return undefined;
  try {
    const bytes = new Uint8Array(await (image as Blob).arrayBuffer());
    // A file's type is what its name suggests; its bytes know better.
    const first = String.fromCharCode(...bytes.subarray(0, 12));
    if (first.startsWith("\xff\xd8")) return { contentType: "image/jpeg", bytes };
    if (first.startsWith("\x89PNG")) return { contentType: "image/png", bytes };
    if (/^RIFF.{4}WEBP/s.test(first)) return { contentType: "image/webp", bytes };
    return undefined;
  } catch (error) {
    throw wrap(error, "bad-image", "the file cannot be read");
  }
}

/** The name of a platform object's class, also of one from another frame. */
export function tag(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function close(pixels: Pixels): void {
  if ("close" in pixels) pixels.close();
}
