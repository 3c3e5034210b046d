// From a model's address to a session that is ready: what happens once.

import { check, linked } from "./abort.js";
import { alive } from "./alive.js";
import { breathe } from "./canvas.js";
import { type Choice, choose, isHinted, isSoftware } from "./choose.js";
import { type Code, HeadwaterError, clause, wrap } from "./errors.js";
import type { WasmModel, WasmModule, WasmSession } from "./face.js";
import type { Interval } from "./intervals.js";
import type { Settings } from "./options.js";
import { type Lease, acquire, runtime, webgpuMissing } from "./runtime.js";
import { type ServerTrouble, serverTrouble } from "./server-check.js";
import { type LocatedModel, type ModelBytes, byteSource, openSource } from "./source.js";
import type { ModelDescription, Progress } from "./types.js";

/** What a segmenter holds for its whole life. */
export interface Parts {
  settings: Settings;
  wasm: WasmModule;
  bytes: ModelBytes;
  model: WasmModel;
  description: ModelDescription;
}

/** A session and the device that it is on; none for `remote`. */
export interface Placed {
  split: string;
  session: WasmSession;
  lease: Lease | undefined;
}

/** A loaded model and where it runs first. */
export interface Loaded extends Parts {
  placed: Placed;
  reasons: string[];
  /** Why it does not run here, where it should. */
  fallback: string | undefined;
}

/** Failures of this device that a server can make up for. */
const OF_DEVICE: ReadonlySet<Code> = new Set<Code>(["no-adapter", "adapter-limit", "device"]);

/** Whether `error` says that this device cannot run its part. */
export function isOfDevice(error: HeadwaterError): boolean {
  return OF_DEVICE.has(error.code);
}

/** Called with each step of loading. */
export type Tell = (progress: Progress) => void;

/** @throws HeadwaterError of any code but `released` and `storage`. */
export async function load(
  model: LocatedModel,
  settings: Settings,
  signal: AbortSignal | undefined,
  tell: Tell,
): Promise<Loaded> {
  checkRunnable(settings);
  tell({ stage: "runtime", loaded: 0, total: 1 });
  const onHeader = (loaded: number, total: number | null): void => tell({ stage: "model", loaded, total });
  // Module, header and device do not wait for each other.
  const compiling = runtime(settings.wasm).then((wasm) => {
    tell({ stage: "runtime", loaded: 1, total: 1 });
    return wasm;
  });
  const opening = settings.split === "remote" ? undefined : lease(compiling);
  const [compiled, opened, leased] = await Promise.allSettled([
    compiling,
    openSource(model, { cache: settings.cache, carried: settings.model, signal, onHeader }),
    opening,
  ]);
  const device = leased.status === "fulfilled" ? leased.value : wrap(leased.reason);
  const bytes = opened.status === "fulfilled" ? opened.value : undefined;
  let header: WasmModel | undefined;
  try {
    check(signal);
    if (compiled.status === "rejected") throw compiled.reason;
    if (opened.status === "rejected") throw opened.reason;
    const wasm = compiled.value;
    header = await alive(() => wasm.Model.open(byteSource(opened.value, { signal })));
    // To read a header, to describe it and to plan a session are three tasks, so that none holds the thread for long.
    await breathe();
    check(signal);
    const described = header.describe(settings.size);
    const description = { ...described, size: settings.size ?? described.size };
    await opened.value.identify(description.sha256);
    await breathe();
    const parts = { settings, wasm, bytes: opened.value, model: header, description };
    return { ...parts, ...(await place(parts, device, signal, tell)) };
  } catch (error) {
    header?.free();
    void bytes?.close();
    if (device && !(device instanceof HeadwaterError)) device.release();
    throw wrap(error);
  }
}

/** @throws HeadwaterError `no-adapter` where nothing can run: then nothing is downloaded. */
export function checkRunnable(settings: Settings): void {
  const missing = settings.split === "remote" ? undefined : webgpuMissing();
  if (missing && !canPost(settings)) throw new HeadwaterError("no-adapter", missing);
}

/** Whether a picture may be posted where its split does not say so. */
function canPost({ server, postable }: Settings): boolean {
  return server !== undefined && postable;
}

/** A share in the device, or why there is none. */
export function lease(compiling: Promise<WasmModule>): Promise<Lease | HeadwaterError> {
  return compiling.then(acquire).catch((error: unknown) => wrap(error, "device"));
}

/** Decides where it runs, and makes it ready there. Takes `device`'s lease over when it succeeds. */
async function place(
  parts: Parts,
  device: Lease | HeadwaterError | undefined,
  signal: AbortSignal | undefined,
  tell: Tell,
): Promise<Pick<Loaded, "placed" | "reasons" | "fallback">> {
  const { settings, description } = parts;
  const { server } = settings;
  // A local segmenter does not speak to its server before it has to.
  const asked = settings.split !== "local" && server;
  const answered = asked
    ? serverTrouble(asked, description.name, description.sha256, settings.split !== "auto", signal)
    : Promise.resolve(undefined);
  if (settings.split === "auto" && device) return placeAuto(parts, device, answered, signal, tell);
  const reasons = [`Split ${settings.split} was asked for.`];
  // The server's answer and the weights do not wait for each other, and a wrong server ends the download.
  const refused = new AbortController();
  const both = linked(signal, refused.signal);
  const answering = answered.then((trouble) => {
    if (trouble) refused.abort(trouble.error);
  });
  try {
    const made = await placeFixed(parts, settings.split, device, both.signal, tell);
    await answering;
    if (both.signal.aborted) {
      made.placed.session.free();
      check(both.signal);
    }
    return { ...made, reasons: [...reasons, ...made.reasons] };
  } catch (error) {
    check(both.signal);
    throw error;
  } finally {
    both.unlink();
  }
}

/** A split that depends on the device and the server. */
async function placeAuto(
  parts: Parts,
  device: Lease | HeadwaterError,
  answered: Promise<ServerTrouble | undefined>,
  signal: AbortSignal | undefined,
  tell: Tell,
): Promise<Pick<Loaded, "placed" | "reasons" | "fallback">> {
  const { served, ...chosen } = await chooseSplit(parts.description, parts.settings, device, answered, signal);
  const made = await placeFixed(parts, chosen.split, device, signal, tell, served);
  return {
    placed: made.placed,
    reasons: [...chosen.reasons, ...made.reasons],
    fallback: made.fallback ?? chosen.fallback,
  };
}

/**
 * What the split `auto` is with this device and this server, and whether the server is used.
 *
 * @throws HeadwaterError where nothing can run, and of a server's wrong address
 */
export async function chooseSplit(
  description: ModelDescription,
  settings: Settings,
  device: Lease | HeadwaterError,
  answered: Promise<ServerTrouble | undefined>,
  signal: AbortSignal | undefined,
): Promise<Choice & { served: boolean }> {
  const [judgement, trouble] = await Promise.all([judged(device), answered]);
  check(signal);
  // A wrong address is a mistake to be mended; a server that is down is a reason to do without.
  if (trouble && (!trouble.down || device instanceof HeadwaterError)) throw trouble.error;
  const { server, postable } = settings;
  const chosen = choose(description, {
    device: judgement,
    server: server !== undefined && !trouble,
    postable: canPost(settings) && !trouble,
    picturesStay: !postable,
  });
  const unused = trouble ? [`The server is not used: ${clause(trouble.error.message)}.`] : [];
  return { ...chosen, reasons: [...unused, ...chosen.reasons], served: trouble === undefined };
}

/** One split, or `remote` where the device cannot run its part and the picture may be posted. */
async function placeFixed(
  parts: Parts,
  split: string,
  device: Lease | HeadwaterError | undefined,
  signal: AbortSignal | undefined,
  tell: Tell,
  served = true,
): Promise<Pick<Loaded, "placed" | "reasons" | "fallback">> {
  check(signal);
  const released = (): void => {
    if (device && !(device instanceof HeadwaterError)) device.release();
  };
  try {
    if (split !== "remote" && device instanceof HeadwaterError) throw device;
    const on = split === "remote" || device instanceof HeadwaterError ? undefined : device;
    const session = await openSession(parts, split, on, signal, tell);
    if (!on) released();
    return { placed: { split, session, lease: on }, reasons: [], fallback: undefined };
  } catch (thrown) {
    const error = wrap(thrown);
    if (!isOfDevice(error) || !canPost(parts.settings) || !served || split === "remote") throw error;
    const session = await openSession(parts, "remote", undefined, signal, tell);
    released();
    const reasons = [`This device cannot run it: ${clause(error.message)}.`, "The server does it all."];
    return { reasons, fallback: error.message, placed: { split: "remote", session, lease: undefined } };
  }
}

/** What {@link choose} wants to know of a device. */
async function judged(
  device: Lease | HeadwaterError,
): Promise<HeadwaterError | { name: string; gflops: number | null; software: boolean }> {
  if (device instanceof HeadwaterError) return device;
  // A device that cannot be measured is found out when it has to work.
  const gflops = await device.rate().catch(() => null);
  return { name: device.info.name || "The GPU", gflops, software: isSoftware(gflops, isHinted(device.info)) };
}

/**
 * Reads the split's weights and makes a session ready.
 *
 * @throws HeadwaterError as the source, the device and the server do
 */
export async function openSession(
  { settings, wasm, bytes, model, description }: Parts,
  split: string,
  on: Lease | undefined,
  signal: AbortSignal | undefined,
  tell: Tell,
): Promise<WasmSession> {
  const ranges: Interval[] = split === "remote" ? [] : model.weight_ranges(split);
  const total = bytes.cost(ranges);
  let loaded = 0;
  const onBytes = (count: number): void => {
    loaded = Math.min(total, loaded + count);
    tell({ stage: "weights", loaded, total });
  };
  const onWeight = (done: number, all: number): void => {
    // What this throws ends the making of the session.
    check(signal);
    tell({ stage: "prepare", loaded: done, total: all });
  };
  const { server, codec, precision } = settings;
  if (server) server.signal = signal;
  const source = byteSource(bytes, { signal, onBytes });
  const options = { split, size: description.size, codec, precision };
  try {
    if (on) {
      onBytes(0);
      const used = split === "local" ? undefined : server;
      return await alive(() => wasm.Session.open(model, source, options, on.device, used, onWeight));
    }
    if (!server) throw new HeadwaterError("bad-argument", "split remote needs a server");
    return await alive(() => wasm.Session.open_remote(model, source, options, server));
  } catch (error) {
    throw wrap(error);
  } finally {
    await bytes.close();
  }
}
