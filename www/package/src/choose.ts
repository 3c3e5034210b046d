// The split `auto`: a rule, and its reasons for people. It asks who could do the work, and how fast this device is; it
// does not measure the network or the server.

import { HeadwaterError, clause } from "./errors.js";
import type { DeviceInfo } from "./face.js";
import type { ModelDescription, SplitDescription } from "./types.js";

/**
 * Below this measured rate, in billions of floating point operations a second, a device is treated as software. One
 * picture of IS-Net at 512x512 takes 80 billion, so that at this rate all of it takes most of a second even if every
 * kernel reached it, and the server is the better choice. A software adapter on two processor cores stays below
 * (llvmpipe's ceiling is 48). Names and flags decide only where nothing was measured: they say what an adapter is, and
 * not how fast.
 */
export const SOFTWARE_GFLOPS = 100;

/** Whether a device is to be treated as software. `hinted`: its type or a flag says that it is. */
export function isSoftware(gflops: number | null, hinted: boolean): boolean {
  return gflops === null ? hinted : gflops < SOFTWARE_GFLOPS;
}

/** Whether its type or a flag says that an adapter is a program. */
export function isHinted(info: DeviceInfo, adapter?: object): boolean {
  const flagged = adapter as { isFallbackAdapter?: boolean; info?: { isFallbackAdapter?: boolean } } | undefined;
  return info.type === "cpu" || !!(flagged?.info?.isFallbackAdapter ?? flagged?.isFallbackAdapter);
}

/** What is known when a split has to be chosen. */
export interface Circumstances {
  /** The device that is open, or why none is. */
  device: { name: string; gflops: number | null; software: boolean } | HeadwaterError;
  /** A server was named. */
  server: boolean;
  /** Whether the picture itself may be posted. */
  postable: boolean;
  /** Whether no split may be chosen in which the net's input, a smaller picture, crosses. */
  picturesStay: boolean;
}

/** A split and why. `fallback` is set where it is not as one would wish: there is no device. */
export interface Choice {
  split: string;
  /** Sentences. */
  reasons: string[];
  fallback: string | undefined;
}

/**
 * Chooses.
 *
 * @throws HeadwaterError the device's, where there is neither a device nor a server that may get the picture.
 */
export function choose(model: ModelDescription, { device, server, postable, picturesStay }: Circumstances): Choice {
  if (device instanceof HeadwaterError) {
    if (!server || !postable) throw device;
    const reasons = [
      `No GPU is to be had here: ${clause(device.message)}.`,
      "The server gets the picture and does it all.",
    ];
    return { split: "remote", reasons, fallback: device.message };
  }
  const rate = device.gflops === null ? "" : `, measured at ${device.gflops.toFixed(0)} GFLOP/s,`;
  const chosen = (split: string, ...reasons: string[]): Choice => ({
    split,
    reasons: [...reasons, ...prediction(model, split, device.gflops)],
    fallback: undefined,
  });
  if (device.software && server && postable) {
    const slow = `${device.name}${rate} is slow: probably a software adapter.`;
    return chosen("remote", slow, "The server gets the picture and does it all.");
  }
  const speed = `${device.name}${rate} runs the client's part${device.software ? ", slowly: a smaller size helps" : ""}.`;
  if (!server) return chosen("local", speed, "There is no server for the rest.");
  const named = model.splits.filter((split) => !isEnd(split) && !(picturesStay && sendsInput(split, model)));
  const middle = named[Math.floor(named.length / 2)];
  if (middle) return chosen(middle.name, speed, `The server runs the middle of the net, ${share(middle)} of it.`);
  if (postable && !device.software) return chosen("remote", "The model has no split in which both ends stay here.");
  return chosen("local", speed, "The model has no split in which both ends stay here.");
}

function isEnd({ name }: SplitDescription): boolean {
  return name === "local" || name === "remote";
}

/** Whether what goes up includes three channels at the size that the net runs at. */
function sendsInput({ up }: SplitDescription, { size }: ModelDescription): boolean {
  return up.some(({ shape }) => shape.join() === [1, 3, size[1], size[0]].join());
}

function share({ client_macs, server_macs }: SplitDescription): string {
  return `${((100 * server_macs) / (client_macs + server_macs)).toFixed(0)}%`;
}

/** How long the client's part takes at best; nothing where it has none or its rate is unknown. */
function prediction(model: ModelDescription, split: string, gflops: number | null): string[] {
  const macs = model.splits.find(({ name }) => name === split)?.client_macs ?? 0;
  if (macs === 0 || !gflops) return [];
  // Two operations a multiply-add, 10^9 a second and GFLOP/s, 10^3 ms a second.
  const millis = (2 * macs) / (gflops * 1e6);
  return [`At the measured rate this client's part takes ${millis.toFixed(0)} ms at best.`];
}
