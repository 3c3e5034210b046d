// What `import { Segmenter } from "headwater"` gives. Beside the segmenter itself: files instead of masks, and what a load
// costs, both in scripts that are loaded when they are first used.

import { clear } from "./clear.js";
import type { CutoutOptions, CutoutResult, PictureSource } from "./cutout-options.js";
import { wrap } from "./errors.js";
import type { Estimate } from "./estimate.js";
import { frozen } from "./picture.js";
import { SegmenterCore } from "./segmenter.js";
import type { LoadOptions, ModelSource } from "./types.js";

/** A model that is ready to segment pictures, one after another. Its events are `devicelost`, `recovered`, `fallback`. */
export class Segmenter extends SegmenterCore {
  /**
   * Loads a model: the Wasm module, the file's header, this client's part of the weights; then makes pipelines.
   *
   * Where the device cannot run its part, a `fallback` event is dispatched in the first task after the promise has
   * resolved, so that listeners that are added at once hear it; every report says it, too.
   *
   * @param model an address, relative to the page; or a Blob, File or ArrayBuffer that holds the file
   * @throws HeadwaterError `bad-argument`, `bad-model`, `unknown-split`, `download`, `timeout`, `no-adapter`,
   * `adapter-limit`, `device`, `aborted`, `mismatch`, `internal`
   */
  static load(model: ModelSource, options: LoadOptions = {}): Promise<Segmenter> {
    return SegmenterCore.open((loaded) => new Segmenter(loaded), model, options);
  }

  /**
   * What a load with the same options would download, to the byte. Reads the model's header, where it is not cached,
   * and no weights.
   *
   * @throws HeadwaterError as {@link load} does until weights are read
   */
  static async estimate(model: ModelSource, options: LoadOptions = {}): Promise<Estimate> {
    return (await estimates()).estimate(model, options);
  }

  /**
   * Whether all that a load with the same options needs of the model file is cached, in the version that was seen last.
   *
   * @throws HeadwaterError as {@link estimate}
   */
  static async isCached(model: ModelSource, options: LoadOptions = {}): Promise<boolean> {
    return (await estimates()).isCached(model, options);
  }

  /**
   * Downloads what a load with the same options would, and caches it; calls `onProgress`.
   *
   * @throws HeadwaterError as {@link load} does until a session is made; `storage` where the browser caches nothing
   */
  static async preload(model: ModelSource, options: LoadOptions = {}): Promise<Estimate> {
    return (await estimates()).preload(model, options);
  }

  /**
   * Removes from the browser's cache the model at an address, or all models.
   *
   * @throws HeadwaterError `bad-argument` when the address is none
   */
  static clear(model?: string | URL): Promise<void> {
    return clear(model);
  }

  /**
   * Segments one picture and makes a file of the result: a PNG with transparency, unless the options say otherwise.
   * Videos and canvases are read at once, everything else when all earlier calls have ended.
   *
   * @param image as for {@link segment}; also an address, from which the picture is fetched, and a file's bytes
   * @throws HeadwaterError as {@link segment}, and `download` when the picture's address leads to none
   */
  async cutout(image: PictureSource, options: CutoutOptions = {}): Promise<CutoutResult> {
    let close: (() => void) | undefined;
    try {
      const held = await frozen(image);
      close = held.close;
      const { cutoutOf } = await lazily(() => import("./cutout.js"));
      return await cutoutOf(this, held.still, options, this.ending);
    } catch (error) {
      throw wrap(error);
    } finally {
      close?.();
    }
  }
}

function estimates(): Promise<typeof import("./estimate.js")> {
  return lazily(() => import("./estimate.js"));
}

function lazily<T>(load: () => Promise<T>): Promise<T> {
  return load().catch((error: unknown) => {
    throw wrap(error, "download", "a script of this package");
  });
}
