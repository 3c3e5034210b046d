// What this browser computes on, said once when the page opens.

import type { Probe } from "headwater";
import { el } from "../dom.js";

export function adapterView(found: Probe): (HTMLElement | string)[] {
  const { adapter } = found;
  if (!found.webgpu || !adapter) {
    return [
      el("strong", {}, "No WebGPU here. "),
      `${found.reason ?? "This browser offers no graphics adapter."} Pictures can still be cut out: the server then runs the whole net on the posted photograph.`,
    ];
  }
  const speed = found.gflops === null ? "" : ` A small kernel reached ${Math.round(found.gflops)} GFLOP/s.`;
  if (found.software && adapter.type === "cpu") {
    return [
      el("strong", {}, `${adapter.name}: a software adapter. `),
      `The processor plays the graphics card here, so the layers in this browser are slow.${speed} A small size, or the split “remote”, is quicker.`,
    ];
  }
  if (found.software) {
    return [
      el("strong", {}, `${adapter.name}: slow. `),
      `It may be a program that plays a graphics card.${speed} A small size, or the split “remote”, is quicker.`,
    ];
  }
  return [el("strong", {}, `${adapter.name}. `), `The layers in this browser run on it, through WebGPU.${speed}`];
}

/** The side that such an adapter runs in a moment. */
export function fittingSize(found: Probe): number {
  if (found.software || !found.adapter) return 256;
  return found.gflops !== null && found.gflops >= 500 ? 1024 : 512;
}
