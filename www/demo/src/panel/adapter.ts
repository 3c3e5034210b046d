// What this browser computes on, said once when the page opens.

import type { Probe } from "headwater";
import { el } from "../dom.js";
import { adapterName } from "../format.js";

/** What a page knows of its browser without asking Headwater. */
export interface Surroundings {
  /** Came by HTTPS or from this machine: only then do browsers offer WebGPU. */
  secure: boolean;
  /** The browser has WebGPU at all. */
  webgpu: boolean;
}

/** A device that `auto` gives no layers to. */
export function isSlow(found: Probe): boolean {
  return found.software || !found.webgpu || !found.adapter;
}

export function adapterView(found: Probe, split: string, around: Surroundings = surroundings()): HTMLElement[] {
  const { heading, text } = adapterWords(found, split, around);
  return [el("strong", {}, heading), el("span", {}, ` ${text}`)];
}

/** Whole sentences, for visitors: a heading, and what follows from it with this split. */
export function adapterWords(found: Probe, split: string, around: Surroundings): { heading: string; text: string } {
  const { adapter } = found;
  if (!found.webgpu || !adapter)
    return { heading: "No WebGPU here.", text: `${whyNone(found, around)} ${insteadOf(split)}` };
  const name = adapterName(adapter.name);
  if (!found.software) {
    return { heading: `${name}.`, text: "The layers in this browser run on this graphics adapter, through WebGPU." };
  }
  const slow =
    adapter.type === "cpu"
      ? "The processor does the work of a graphics card here, so layers in this browser are slow."
      : "It computes as slowly as a processor does, so layers in this browser take a while.";
  return {
    heading: `${name}${adapter.type === "cpu" ? ": a software adapter." : ": slow."}`,
    text: `${slow} ${advice(split)}`.trim(),
  };
}

function whyNone(found: Probe, { secure, webgpu }: Surroundings): string {
  if (!webgpu && !secure) {
    return "Browsers offer WebGPU only to pages that come by HTTPS or from the visitor's own machine, and this one does not.";
  }
  if (!webgpu)
    return "This browser does not offer it; current versions of Chrome, Edge, Safari and Firefox do on most devices.";
  if (found.code === "download")
    return "The program that would use it could not be fetched. Reload the page to try again.";
  if (found.code === "no-adapter")
    return "This browser knows WebGPU, but has no graphics adapter for it on this device.";
  return "This browser knows WebGPU, but its graphics adapter could not be opened. A restart of the browser may help.";
}

function insteadOf(split: string): string {
  if (split === "remote" || split === "auto") {
    return "Photographs can still be cut out: they are posted, and the server runs the whole net.";
  }
  return `The split “${split}” needs WebGPU; “auto” and “remote” do not: with them the photograph is posted, and the server runs the whole net.`;
}

/** Nothing where the advice was taken already. */
function advice(split: string): string {
  if (split === "remote") return "";
  if (split === "auto") return "With the split “auto” the server therefore runs the whole net.";
  return "A small size is quicker, and so is the split “remote”.";
}

/** The side that whoever computes with this split runs in a moment. */
export function fittingSize(found: Probe, split: string): number {
  // A server runs the net at the size that it was made for.
  if (split === "remote" || (split === "auto" && isSlow(found))) return 1024;
  if (isSlow(found)) return 256;
  return found.gflops !== null && found.gflops >= 500 ? 1024 : 512;
}

function surroundings(): Surroundings {
  return { secure: isSecureContext, webgpu: "gpu" in navigator && navigator.gpu !== undefined };
}
