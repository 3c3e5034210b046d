// Split, size and codec: the three choices, their controls, and the link that carries them.

import { byId, el } from "./dom.js";

export type Codec = "f32" | "f16" | "int8";

export interface Settings {
  split: string;
  size: number;
  codec: Codec;
}

const SIZES = [256, 512, 1024];
const CODECS: Codec[] = ["f16", "int8", "f32"];
const WORDS: Record<string, string> = {
  auto: "auto",
  local: "local: all here",
  remote: "remote: all there",
};

export class SettingsControls {
  readonly #split = byId("split", HTMLSelectElement);
  readonly #size = byId("size", HTMLSelectElement);
  readonly #codec = byId("codec", HTMLSelectElement);
  readonly #sizeWasAsked: boolean;
  readonly query = new URLSearchParams(location.search);

  constructor(onChange: (settings: Settings) => void) {
    const size = Number(this.query.get("size"));
    this.#sizeWasAsked = Number.isInteger(size) && size > 0;
    const sizes = this.#sizeWasAsked && !SIZES.includes(size) ? [...SIZES, size].sort((a, b) => a - b) : SIZES;
    this.#size.replaceChildren(...sizes.map((side) => el("option", { value: side }, `${side} px`)));
    this.#size.value = String(this.#sizeWasAsked ? size : 512);

    const codec = CODECS.find((known) => known === this.query.get("codec"));
    this.#codec.replaceChildren(...CODECS.map((name) => el("option", { value: name }, name)));
    this.#codec.value = codec ?? "f16";

    const split = this.query.get("split") ?? "auto";
    this.offerSplits([...new Set(["auto", "local", split, "remote"])]);
    this.#split.value = split;

    for (const control of [this.#split, this.#size, this.#codec]) {
      control.addEventListener("change", () => {
        this.#writeLink();
        onChange(this.value);
      });
    }
  }

  get value(): Settings {
    return {
      split: this.#split.value,
      size: Number(this.#size.value),
      codec: this.#codec.value as Codec,
    };
  }

  /** The model says which splits it has; one that the link asked for stays, so that its error can be seen. */
  offerSplits(names: string[]): void {
    const chosen = this.#split.value;
    const all = chosen && !names.includes(chosen) ? [...names, chosen] : names;
    this.#split.replaceChildren(...all.map((name) => el("option", { value: name }, WORDS[name] ?? name)));
    if (chosen) this.#split.value = chosen;
  }

  /** A size that fits the adapter, unless the link or the user has chosen one. */
  suggestSize(side: number): boolean {
    if (this.#sizeWasAsked || this.query.has("size")) return false;
    this.#size.value = String(side);
    return true;
  }

  #writeLink(): void {
    const { split, size, codec } = this.value;
    this.query.set("split", split);
    this.query.set("size", String(size));
    this.query.set("codec", codec);
    history.replaceState(null, "", `?${this.query}`);
  }
}
