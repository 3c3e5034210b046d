// Four photographs to begin with.

import { byId, el } from "./dom.js";
import { asset } from "./offline.js";

const SAMPLES: Record<string, string> = {
  astronaut: "An astronaut before a flag",
  chelsea: "A cat",
  coffee: "A cup of coffee on a table",
  rocket: "A rocket at its launch",
};

export function isSample(name: string): boolean {
  return name in SAMPLES;
}

export function sampleAddress(name: string): string {
  return `photos/${name}.jpg`;
}

export function startSamples(onPick: (address: string) => void): void {
  byId("samples").append(
    ...Object.entries(SAMPLES).map(([name, words]) => {
      const address = sampleAddress(name);
      const picture = el("img", { src: asset(`pictures/${name}.webp`), alt: words, width: 192, height: 192 });
      const button = el(
        "button",
        { type: "button", class: "sample", "data-testid": `sample-${name}`, title: words },
        picture,
      );
      button.addEventListener("click", () => onPick(address));
      return el("li", {}, button);
    }),
  );
}
