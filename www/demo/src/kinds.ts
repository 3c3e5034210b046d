// What a file is, by its first bytes: names and types are missing or wrong often enough.

export type Kind =
  | "jpeg"
  | "png"
  | "webp"
  | "gif"
  | "bmp"
  | "avif"
  | "heic"
  | "tiff"
  | "svg"
  | "html"
  | "pdf"
  | "video"
  | "empty"
  | "unknown";

/** Bytes that {@link kindOf} looks at. */
export const SNIFFED_BYTES = 512;

const TYPES: Partial<Record<Kind, string>> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  bmp: "image/bmp",
  avif: "image/avif",
  heic: "image/heic",
  tiff: "image/tiff",
};

/** Brands of the ISO base media file format that are pictures; other brands are films. */
const HEIC = /^(hei[cxsm]|hev[cxms]|mif1|msf1)$/;
const AVIF = /^avi[fs]$/;

/** The media type of pictures that browsers may be able to decode. */
export function typeOf(kind: Kind): string | undefined {
  return TYPES[kind];
}

export function kindOf(bytes: Uint8Array): Kind {
  if (bytes.length === 0) return "empty";
  const text = String.fromCharCode(...bytes.subarray(0, SNIFFED_BYTES));
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (/^RIFF[^]{4}WEBP/.test(text)) return "webp";
  if (/^GIF8[79]a/.test(text)) return "gif";
  if (text.startsWith("BM")) return "bmp";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "tiff";
  if (text.startsWith("%PDF-")) return "pdf";
  if (text.slice(4, 8) === "ftyp") return mediaKind(bytes, text);
  const words = text.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^(<\?xml[^]*?)?(<!--[^]*?-->\s*)?(<!DOCTYPE svg[^]*?)?<svg[\s>]/i.test(words)) return "svg";
  if (/^<(!doctype html|html|head|body)/i.test(words)) return "html";
  return "unknown";
}

/** The major brand is often `mif1`; the compatible brands then say which it is. */
function mediaKind(bytes: Uint8Array, text: string): Kind {
  const length = Math.min(((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0), text.length);
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= length; at += 4) brands.push(text.slice(at, at + 4));
  if (brands.some((brand) => AVIF.test(brand))) return "avif";
  if (brands.some((brand) => HEIC.test(brand))) return "heic";
  return "video";
}

/** Why such a file cannot be shown, as the end of a sentence, and what helps. */
export function refusalOf(kind: Kind): { what: string; help: string } {
  return REFUSALS[kind] ?? { what: "is damaged, or no picture that this browser can read", help: TRY };
}

const TRY = "Try a JPEG, PNG or WebP file.";
const REFUSALS: Partial<Record<Kind, { what: string; help: string }>> = {
  heic: {
    what: "is an HEIC photograph, as iPhones take them, and this browser cannot read those",
    help: "Save it as a JPEG first: on the iPhone, Settings, Camera, Formats, Most Compatible; on a Mac, Export in Preview. Safari reads HEIC as it is.",
  },
  tiff: { what: "is a TIFF, which this browser cannot read", help: "Save it as a JPEG or PNG first." },
  svg: { what: "is an SVG: a drawing, not a photograph", help: "Save it as a PNG first." },
  html: {
    what: "is a web page, not a picture, whatever its name says",
    help: "Open the address it came from, and save the picture itself.",
  },
  pdf: { what: "is a PDF document, not a picture", help: "Save its page as a PNG or JPEG first." },
  video: { what: "is a video, not a picture", help: "Take a picture from it: a screenshot will do." },
  empty: { what: "is empty: it has no bytes", help: "Copy or download it again." },
  unknown: { what: "is not a picture that this browser can read", help: TRY },
};
