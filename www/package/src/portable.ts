// Images made ready to be sent to a worker.

import { wrap } from "./errors.js";
import { BITMAP, sizeOf, tag } from "./picture.js";
import type { PortableImage } from "./protocol.js";
import type { ImageSource } from "./types.js";

/** An image for a message, and what of it changes hands. */
export interface Parcel {
  image: PortableImage;
  transfer: Transferable[];
}

/**
 * Elements and canvases become bitmaps or frames, which change hands without their pixels being copied once more.
 * What the caller owns stays the caller's: bitmaps and ImageData are cloned, frames share their pixels.
 *
 * @throws HeadwaterError `bad-image`
 */
export async function toParcel(image: ImageSource): Promise<Parcel> {
  try {
    switch (tag(image)) {
      case "HTMLImageElement":
        await (image as HTMLImageElement).decode();
        return moved(await createImageBitmap(image as HTMLImageElement, BITMAP));
      case "HTMLVideoElement":
        sizeOf(image as HTMLVideoElement);
        return moved(await frameOf(image as HTMLVideoElement));
      case "HTMLCanvasElement":
      case "OffscreenCanvas":
        sizeOf(image as HTMLCanvasElement);
        return moved(await createImageBitmap(image as HTMLCanvasElement, BITMAP));
      case "VideoFrame":
        sizeOf(image as VideoFrame);
        return moved((image as VideoFrame).clone());
      case "ImageBitmap":
      case "ImageData":
        sizeOf(image as ImageBitmap);
        return { image: image as PortableImage, transfer: [] };
      default:
        return { image: image as PortableImage, transfer: [] };
    }
  } catch (error) {
    throw wrap(error, "bad-image", "the picture cannot be sent to the worker");
  }
}

function moved(image: ImageBitmap | VideoFrame): Parcel {
  return { image, transfer: [image] };
}

async function frameOf(video: HTMLVideoElement): Promise<ImageBitmap | VideoFrame> {
  if (typeof VideoFrame === "undefined") return createImageBitmap(video, BITMAP);
  return new VideoFrame(video);
}
