// What `import "headwater/element"` gives: <headwater-cutout src="photo.jpg">, a picture without its background.

import type { CutoutType } from "./cutout-options.js";
import type { Edges } from "./edges.js";
import { wrap } from "./errors.js";
import { type RemoveBackgroundOptions, removeBackground } from "./remove-background.js";
import type { Progress } from "./types.js";

/** The element's name. */
const NAME = "headwater-cutout";

/** Attributes that are options of `removeBackground`, as they are written there. */
const OPTIONS = ["model", "server", "split", "fallback", "type", "background", "edges"] as const;

/** Where there is no document the class can be imported and does nothing. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/**
 * An image of which the background is removed. Attributes: `src`, `alt`, and the options `model`, `server`, `split`,
 * `fallback`, `size` (pixels), `type`, `background` (a colour) and `edges`. The original picture is shown until the
 * cut-out is there. Events: `load`; `error`, whose `detail` is the HeadwaterError; `progress`, whose `detail` is a step
 * of loading. The attribute `state` is `loading`, `ready` or `error`, for style sheets; the image is `::part(image)`.
 */
export class HeadwaterCutout extends Base {
  static readonly observedAttributes: readonly string[] = ["src", "alt", "size", ...OPTIONS];
  readonly #image: HTMLImageElement;
  #running: AbortController | undefined;
  #scheduled = false;
  #blob: Blob | undefined;
  #address: string | undefined;

  constructor() {
    super();
    this.#image = document.createElement("img");
    this.#image.part.add("image");
    const root = this.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(":host{display:inline-block}img{display:block;max-width:100%;height:auto}");
    root.adoptedStyleSheets = [style];
    root.append(this.#image);
  }

  /** The cut-out's file, once it is there. */
  get blob(): Blob | undefined {
    return this.#blob;
  }

  connectedCallback(): void {
    this.#schedule();
  }

  disconnectedCallback(): void {
    this.#running?.abort();
    this.#show(undefined);
  }

  attributeChangedCallback(name: string, _: string | null, value: string | null): void {
    if (name === "alt") this.#image.alt = value ?? "";
    else this.#schedule();
  }

  /** Several attributes that change together are one change. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.isConnected) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    const { signal } = running;
    const src = this.getAttribute("src");
    this.#show(undefined);
    if (!src) return this.removeAttribute("state");
    this.#image.src = src;
    this.setAttribute("state", "loading");
    const onProgress = (detail: Progress): void => this.#tell("progress", detail);
    try {
      const blob = await removeBackground(src, { ...this.#options(), signal, onProgress });
      if (signal.aborted) return;
      this.#show(blob);
      await this.#image.decode().catch(() => undefined);
      if (signal.aborted) return;
      this.setAttribute("state", "ready");
      this.#tell("load", undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.setAttribute("state", "error");
      this.#tell("error", wrap(error));
    }
  }

  /** What is no legal value is left to the call's own checks. */
  #options(): RemoveBackgroundOptions {
    const options: RemoveBackgroundOptions = {};
    const read = (name: string): string | undefined => this.getAttribute(name) ?? undefined;
    for (const name of ["model", "server", "split", "background"] as const) options[name] = read(name);
    options.fallback = read("fallback") as RemoveBackgroundOptions["fallback"];
    options.type = read("type") as CutoutType | undefined;
    options.edges = read("edges") as Edges | undefined;
    const size = read("size");
    if (size !== undefined) options.size = Number(size);
    return options;
  }

  #show(blob: Blob | undefined): void {
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#blob = blob;
    this.#address = blob && URL.createObjectURL(blob);
    if (this.#address) this.#image.src = this.#address;
    else this.#image.removeAttribute("src");
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

if (typeof customElements !== "undefined" && !customElements.get(NAME)) customElements.define(NAME, HeadwaterCutout);

declare global {
  interface HTMLElementTagNameMap {
    "headwater-cutout": HeadwaterCutout;
  }
}
