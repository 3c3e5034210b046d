// What the split `remote` would post for a photograph, found by doing what the package would do.

import { decode, newCanvas } from "./decode.js";
import { encode } from "./encode.js";

/** Bytes of a post. */
export interface Posting {
  bytes: number;
  /** For people, after the number. */
  how: string;
}

/** The same as the package's (package/src/picture.ts): up to this size a file is posted as it is. */
const SMALL_FILE_BYTES = 512 * 1024;
/** What the server's decoder reads. */
const POSTABLE = ["image/jpeg", "image/png", "image/webp"];

/** A small file is posted as it is, any other picture as a JPEG that covers the net's input. */
export async function estimatePosting(file: Blob, name: string, cover: readonly [number, number]): Promise<Posting> {
  if (file.size <= SMALL_FILE_BYTES && POSTABLE.includes(file.type)) {
    return { bytes: file.size, how: "the file as it is" };
  }
  const picture = await decode(file, name);
  const scale = Math.min(1, Math.max(cover[0] / picture.width, cover[1] / picture.height));
  const [canvas, context] = newCanvas(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const { size } = await encode(canvas, "image/jpeg");
  return { bytes: size, how: `as a JPEG of ${canvas.width} × ${canvas.height} px` };
}
