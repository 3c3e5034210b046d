// As much of the safetensors format as is needed to know where a model's header ends. The Wasm module reads the rest.

import { HeadwaterError } from "./errors.js";

/** The largest header believed, as in src/model/read.rs. */
const MAX_HEADER_BYTES = 32 * 2 ** 20;

/** Bytes before a header's JSON: its length. */
export const PREFIX_BYTES = 8;

/**
 * Where the header ends and the weights begin, from a file's first bytes.
 *
 * @throws HeadwaterError `bad-model` when they cannot be those of a safetensors file.
 */
export function headerEnd(first: Uint8Array, place: string): number {
  if (first.length <= PREFIX_BYTES) {
    throw new HeadwaterError("bad-model", `${place}: expected a .safetensors file, found ${first.length} bytes`);
  }
  const view = new DataView(first.buffer, first.byteOffset, PREFIX_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || length > MAX_HEADER_BYTES || first[PREFIX_BYTES] !== "{".charCodeAt(0)) {
    const start = new TextDecoder().decode(first.subarray(0, 24)).replace(/[^ -~]/g, "·");
    throw new HeadwaterError("bad-model", `${place}: expected a .safetensors file, found one that starts ${start}`);
  }
  return PREFIX_BYTES + length;
}

/**
 * The length of the whole file as its header states it, for servers that do not say it.
 *
 * @param header the file up to its {@link headerEnd}
 * @throws HeadwaterError `bad-model` when the JSON does not say where each tensor lies.
 */
export function statedBytes(header: Uint8Array, place: string): number {
  let last = 0;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(header.subarray(PREFIX_BYTES)));
    for (const [name, entry] of Object.entries(json as Record<string, { data_offsets: [number, number] }>)) {
      if (name !== "__metadata__") last = Math.max(last, entry.data_offsets[1]);
    }
  } catch (error) {
    throw new HeadwaterError("bad-model", `${place}: the safetensors header is invalid`, { cause: error });
  }
  if (!Number.isSafeInteger(last)) {
    throw new HeadwaterError("bad-model", `${place}: the safetensors header says nothing of its tensors' places`);
  }
  return header.length + last;
}

/** The hash of the model as a header states it, 64 hexadecimal digits; undefined where it states none. */
export function statedHash(header: Uint8Array): string | undefined {
  try {
    const json = JSON.parse(new TextDecoder().decode(header.subarray(PREFIX_BYTES))) as Record<string, unknown>;
    // The key is MANIFEST_KEY of src/model.rs.
    const { "headwater.v1": manifest } = json["__metadata__"] as Record<string, string>;
    const { sha256 } = JSON.parse(manifest ?? "{}") as { sha256?: unknown };
    return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined;
  } catch {
    return undefined;
  }
}
