// Split, size and codec: the three choices, their controls, and the link that carries them.

import type { ModelDescription, Probe } from "headwater";
import { byId, el } from "./dom.js";
import { percent } from "./format.js";
import { fittingSize } from "./panel/adapter.js";
import { correctedSize, offeredSizes, type SizeRule } from "./sizes.js";

export type Codec = "f32" | "f16" | "int8";

export interface Settings {
  split: string;
  size: number;
  codec: Codec;
}

const SIZES = [256, 512, 1024];
const SUGGESTED = 512;
const CODECS: Record<Codec, string> = { f16: "f16: 2 bytes", int8: "int8: 1 byte", f32: "f32: 4 bytes" };
const WORDS: Record<string, string> = {
  auto: "auto: chosen for this device",
  local: "local: all in this browser",
  remote: "remote: all at the server",
};
/** Where nothing but a photograph or a mask crosses, no codec packs it. */
const WITHOUT_CODEC: Record<string, string> = {
  local: "Nothing crosses with the split “local”, so there is nothing for a codec to pack.",
  remote: "With the split “remote” the photograph itself is posted, so there is nothing for a codec to pack.",
};

/** Whether two settings ask for the same work. */
export function sameWork(a: Settings, b: Settings): boolean {
  return a.split === b.split && a.size === b.size && (a.codec === b.codec || a.split in WITHOUT_CODEC);
}

export class SettingsControls {
  readonly #split = byId("split", HTMLSelectElement);
  readonly #size = byId("size", HTMLSelectElement);
  readonly #codec = byId("codec", HTMLSelectElement);
  readonly query = new URLSearchParams(location.search);
  /** The link or the visitor said which size. */
  #sizeIsChosen: boolean;
  #correction = "";
  #model: ModelDescription | undefined;
  #device: Probe | undefined;

  constructor(onChange: (settings: Settings) => void) {
    const size = Number(this.query.get("size"));
    this.#sizeIsChosen = Number.isInteger(size) && size > 0;
    this.#offerSizes(this.#sizeIsChosen ? [...SIZES, size] : SIZES, this.#sizeIsChosen ? size : SUGGESTED);

    const codec = this.query.get("codec") ?? "";
    this.#codec.replaceChildren(...Object.entries(CODECS).map(([value, words]) => el("option", { value }, words)));
    this.#codec.value = codec in CODECS ? codec : "f16";

    const split = this.query.get("split") || "auto";
    this.#offerSplits(["auto", "local", "remote"], split);

    for (const control of [this.#split, this.#size, this.#codec]) {
      control.addEventListener("change", () => {
        if (control === this.#size) this.#sizeIsChosen = true;
        this.#correction = "";
        this.#suggestSize();
        this.#writeLink();
        this.#explain();
        onChange(this.value);
      });
    }
    this.#explain();
  }

  get value(): Settings {
    return {
      split: this.#split.value,
      size: Number(this.#size.value),
      codec: this.#codec.value as Codec,
    };
  }

  /** The model says which splits it has and which sizes it runs at. */
  know(model: ModelDescription): void {
    this.#model = model;
    const named = model.splits.filter(({ name }) => name !== "local" && name !== "remote");
    this.#offerSplits(["auto", "local", ...named.map(({ name }) => name), "remote"], this.#split.value);

    const rule = sizeRule(model);
    const asked = this.query.get("size") || null;
    const { side, words } = asked === null ? { side: undefined, words: "" } : correctedSize(asked, rule);
    this.#correction = words;
    this.#sizeIsChosen = side !== undefined;
    const sizes = offeredSizes(rule);
    const chosen = side ?? this.value.size;
    this.#offerSizes(side === undefined ? sizes : [...sizes, side], chosen);
    this.#suggestSize();
    if (words) this.#writeLink();
    this.#explain();
  }

  /** What this browser computes on decides which size is suggested. */
  knowDevice(device: Probe): void {
    this.#device = device;
    this.#suggestSize();
    this.#explain();
  }

  /** A split that the link asked for and the model does not have stays, so that its error can be seen. */
  #offerSplits(names: string[], chosen: string): void {
    const all = names.includes(chosen) ? names : [...names, chosen];
    this.#split.replaceChildren(...all.map((value) => el("option", { value }, this.#splitWords(value))));
    this.#split.value = chosen;
  }

  #splitWords(name: string): string {
    if (WORDS[name]) return WORDS[name];
    const split = this.#model?.splits.find((split) => split.name === name);
    if (!split) return name;
    const here = split.client_macs / (split.client_macs + split.server_macs || 1);
    return `${name}: ${percent(here)} here, ${percent(1 - here)} there`;
  }

  #offerSizes(sides: number[], chosen: number): void {
    const sorted = [...new Set(sides)].sort((a, b) => a - b);
    this.#size.replaceChildren(...sorted.map((side) => el("option", { value: side }, `${side} px`)));
    this.#size.value = String(sorted.includes(chosen) ? chosen : sorted.at(-1)!);
  }

  /** A size that fits who computes, unless the link or the visitor has chosen one. */
  #suggestSize(): void {
    if (this.#sizeIsChosen || !this.#device) return;
    const side = fittingSize(this.#device, this.#split.value);
    const offered = [...this.#size.options].map(({ value }) => Number(value));
    const fitting = offered.filter((size) => size <= side);
    this.#size.value = String(fitting.length > 0 ? Math.max(...fitting) : Math.min(...offered));
  }

  #explain(): void {
    const { split, size } = this.value;
    const own = this.#model && Math.max(...this.#model.size);
    const sizeNote = byId("size-note");
    const smaller = own && size < own ? `The net was made for ${own} px. Smaller is quicker and coarser.` : "";
    sizeNote.textContent = [this.#correction, smaller].filter(Boolean).join(" ");
    sizeNote.hidden = !sizeNote.textContent;

    const codecNote = byId("codec-note");
    codecNote.textContent = WITHOUT_CODEC[split] ?? "";
    codecNote.hidden = !codecNote.textContent;
    this.#codec.disabled = split in WITHOUT_CODEC;
  }

  #writeLink(): void {
    const { split, size, codec } = this.value;
    this.query.set("split", split);
    this.query.set("size", String(size));
    this.query.set("codec", codec);
    history.replaceState(null, "", `?${this.query}`);
  }
}

function sizeRule(model: ModelDescription): SizeRule {
  return { own: Math.max(...model.size), multiple: model.sizeMultiple };
}
