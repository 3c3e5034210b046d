// One Wasm module and one open GPU device for everything in a realm (a page or a worker).

// Not a dynamic import, which older versions of Vite cannot bundle into a worker. The module computes nothing when it
// is imported.
import init, { Device, Model, Session, on_panic } from "./wasm/headwater.js";
import { alive, crashed } from "./alive.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { DeviceInfo, WasmDevice, WasmModule } from "./face.js";
import { baseAddress, resolve } from "./source.js";

const wasm: WasmModule = { default: init, Device, Model, Session, on_panic };

let initialised: Promise<WasmModule> | undefined;

/**
 * The Wasm module, initialised once. `where` is only heard the first time; without it the file beside this one is
 * taken. A failure is not remembered.
 *
 * @throws HeadwaterError `download` when the file cannot be had, `internal` when the browser will not compile it.
 */
export function runtime(where: URL | string | WebAssembly.Module | undefined): Promise<WasmModule> {
  initialised ??= initialise(where).catch((error: unknown) => {
    initialised = undefined;
    throw error;
  });
  return initialised;
}

async function initialise(where: URL | string | WebAssembly.Module | undefined): Promise<WasmModule> {
  if (typeof where === "object" && !(where instanceof URL)) return instantiate(where);
  // Bundlers look for exactly this expression and put the file where it says.
  const url = where ? resolve(where, baseAddress(), "wasm") : new URL("./wasm/headwater_bg.wasm", import.meta.url);
  const place = `the Wasm module ${url.href.slice(0, 200)}`;
  const help = "esbuild needs the option `wasm`, Vite before 8 has to exclude headwater from optimizeDeps";
  const stored = await fileBytes(url, place);
  if (stored) return instantiate(await WebAssembly.compile(stored));
  const response = await fetch(url).catch((error: unknown) => {
    throw new HeadwaterError("download", `${place} cannot be reached`, { cause: error });
  });
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || /^text\/html\b/i.test(type)) {
    await response.body?.cancel();
    throw new HeadwaterError("download", `${place}: found status ${response.status} ${type} (${help})`);
  }
  // Streaming compilation wants exactly this type, and servers often lack it.
  const headers = { "content-type": "application/wasm" };
  const named = type === "application/wasm" ? response : new Response(response.body, { headers });
  try {
    return await instantiate(named);
  } catch (error) {
    const refused = "it does not compile (a content security policy has to allow 'wasm-unsafe-eval')";
    throw wrap(error, "internal", `${place}: ${refused}`);
  }
}

async function instantiate(from: Response | WebAssembly.Module): Promise<WasmModule> {
  await wasm.default({ module_or_path: from });
  wasm.on_panic(crashed);
  return wasm;
}

/** The bytes of a file on the disk, which Node does not fetch; undefined everywhere else. */
async function fileBytes(url: URL, place: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): NodeFiles } };
  if (url.protocol !== "file:" || !process?.getBuiltinModule) return undefined;
  try {
    return await process.getBuiltinModule("node:fs/promises").readFile(url);
  } catch (error) {
    throw wrap(error, "download", place);
  }
}

interface NodeFiles {
  readFile(url: URL): Promise<Uint8Array<ArrayBuffer>>;
}

/** A device that several segmenters use. */
interface Shared {
  device: Promise<WasmDevice>;
  opened: WasmDevice | undefined;
  users: number;
}

let shared: Shared | undefined;

/** What devices have been measured to do, by what drives them: it does not change while a page lives. */
const rates = new Map<string, Promise<number>>();

/** A share in the realm's device. */
export class Lease {
  readonly device: WasmDevice;
  readonly info: DeviceInfo;
  /** The longest side of a picture that the device takes, pixels. */
  readonly maxSide: number;
  readonly #shared: Shared;
  #released = false;

  /** For {@link acquire}. */
  constructor(device: WasmDevice, of: Shared) {
    this.device = device;
    this.info = device.info();
    this.maxSide = device.max_picture_side();
    this.#shared = of;
  }

  /** Why the device is gone; undefined while it is there. */
  lost(): string | undefined {
    return this.device.lost();
  }

  /** Billions of floating point operations a second, measured once. The lease has to be held until it resolves. */
  async rate(): Promise<number> {
    const { name, backend, driver } = this.info;
    const key = JSON.stringify([name, backend, driver]);
    const known = rates.get(key);
    if (known) return known;
    const measured = alive(() => this.device.measure()).then(({ f32_gflops }) => f32_gflops);
    rates.set(key, measured);
    measured.catch(() => rates.delete(key));
    return measured;
  }

  /** Gives the share back; the last one closes the device. Again is fine. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    giveBack(this.#shared);
  }
}

function giveBack(of: Shared): void {
  of.users -= 1;
  if (of.users > 0) return;
  if (shared === of) shared = undefined;
  of.opened?.destroy();
  of.opened?.free();
}

/**
 * A share in the realm's device, which is opened if it is not, or is lost. A failure is not remembered.
 *
 * @throws HeadwaterError `no-adapter`, `device`
 */
export async function acquire(module: WasmModule): Promise<Lease> {
  const missing = webgpuMissing();
  if (missing) throw new HeadwaterError("no-adapter", missing);
  if (!shared || shared.opened?.lost() !== undefined) {
    const fresh: Shared = { device: alive(() => module.Device.open()), opened: undefined, users: 0 };
    fresh.device.then(
      (device) => (fresh.opened = device),
      // Whoever waits for it is told, and the last of them forgets it.
      () => undefined,
    );
    shared = fresh;
  }
  const mine = shared;
  mine.users += 1;
  try {
    return new Lease(await mine.device, mine);
  } catch (error) {
    giveBack(mine);
    const wrapped = wrap(error, "device");
    // The module names what an operating system lacks, which nobody at a browser can mend.
    throw wrapped.code === "no-adapter" ? new HeadwaterError("no-adapter", NO_ADAPTER, { cause: error }) : wrapped;
  }
}

/** Why there is no WebGPU here, as a clause without a full stop; undefined where there is. */
export function webgpuMissing(): string | undefined {
  if (typeof navigator !== "undefined" && "gpu" in navigator && navigator.gpu) return undefined;
  // Only pages and workers have it.
  if (typeof isSecureContext === "undefined") return "this runtime does not offer WebGPU";
  return isSecureContext
    ? "this browser does not offer WebGPU"
    : "browsers offer WebGPU only to pages that come by HTTPS or from localhost";
}

/** The same for a browser that has WebGPU and no adapter for it. */
export const NO_ADAPTER = "this browser offers WebGPU, but finds no graphics adapter that it may use for it";
