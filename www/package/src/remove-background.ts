// The whole package in one call: a picture in, a file without the background out.

import type { CutoutOptions, PictureSource } from "./cutout-options.js";
import { wrap } from "./errors.js";
import type { LoadOptions, ModelSource } from "./types.js";

/** Where the model is looked for: `headwater serve` has it there, and so has an app with it in `public/models`. */
export const DEFAULT_MODEL = "/models/isnet.safetensors";

/** Options of {@link removeBackground}: those of a model's loading, and those of a cut-out. */
export interface RemoveBackgroundOptions extends LoadOptions, CutoutOptions {
  /** As for `Segmenter.load`; `/models/isnet.safetensors` by default. */
  model?: ModelSource | undefined;
  /**
   * `true`, a `Worker` of your own or the address of its script: the work is done there. `false`: in the page's own
   * thread. Without it in a worker, where one can be started.
   */
  worker?: boolean | Worker | URL | string | undefined;
  /** Aborts this call. What it loads goes on while another call waits for it. */
  signal?: AbortSignal | undefined;
}

/** See {@link removeBackground}. */
export interface RemoveBackground {
  (source: PictureSource, options?: RemoveBackgroundOptions): Promise<Blob>;
  /** Frees the model that is cached for the next call. Calls that run reject with `released`. */
  release(): void;
}

type Remover = typeof import("./remover.js");

let remover: Promise<Remover> | undefined;

/**
 * `source` without its background, as a file: a PNG with transparency, unless the options say otherwise. The model is
 * loaded by the first call, and cached for calls with the same options until none has come for five minutes.
 *
 * @param source an address, a `Blob`, a file's bytes, or anything else that has a picture's pixels
 * @throws HeadwaterError as `Segmenter.load` and `segmenter.cutout` do
 */
export const removeBackground: RemoveBackground = /* @__PURE__ */ Object.assign(remove, { release });

async function remove(source: PictureSource, options?: RemoveBackgroundOptions): Promise<Blob> {
  // Whoever uses a Segmenter of their own does not download it. A failure is not remembered.
  remover ??= import("./remover.js").catch((error: unknown) => {
    remover = undefined;
    throw wrap(error, "download", "a script of this package");
  });
  return (await remover).remove(source, options);
}

function release(): void {
  remover?.then(
    (loaded) => loaded.release(),
    () => undefined,
  );
}
