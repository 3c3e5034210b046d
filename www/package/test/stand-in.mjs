// A stand-in for the Wasm module, the browser's classes and the server, around the package as it is shipped.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SHA, modelFile } from "./helpers.mjs";

const folder = mkdtempSync(join(tmpdir(), "headwater-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
cpSync(fileURLToPath(new URL("../lib", import.meta.url)), folder, {
  recursive: true,
  filter: (from) => !from.endsWith("/wasm"),
});
mkdirSync(join(folder, "wasm"));
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
writeFileSync(
  join(folder, "wasm", "headwater.js"),
  `export default () => globalThis.gpu.init();
   export const on_panic = (listener) => (globalThis.panic = listener);
   export const Device = { open: () => globalThis.gpu.openDevice() };
   export const Model = { open: (source) => globalThis.gpu.openModel(source) };
   export const Session = {
     open: (...all) => globalThis.gpu.openSession(...all),
     open_remote: (model, source, options, server) => globalThis.gpu.openSession(model, source, options, undefined, server),
   };`,
);

export class ImageData {
  data = new Uint8ClampedArray(16);
  width = 2;
  height = 2;
  get [Symbol.toStringTag]() {
    return "ImageData";
  }
}
export class ImageBitmap {
  width = 3;
  height = 2;
  close() {
    this.width = this.height = 0;
  }
  get [Symbol.toStringTag]() {
    return "ImageBitmap";
  }
}
globalThis.location = { origin: "http://page.test", href: "http://page.test/" };
globalThis.createImageBitmap = async () => new ImageBitmap();
Object.defineProperty(globalThis, "navigator", { value: { gpu: {} }, configurable: true });

export const main = await import(pathToFileURL(join(folder, "index.js")));
const { Segmenter } = main;
export const wasm = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
export const model = modelFile(1000).buffer;
export const jpeg = new Blob([new Uint8Array([0xff, 0xd8, 0xff])]);

export const failure = (code, message = code) => Object.assign(new Error(message), { code });

/** What the server is asked for, `METHOD path`; `answer` may answer in its stead. */
export class FakeServer {
  requests = [];
  answer = () => undefined;

  async fetch(url, init = {}) {
    const { method = "GET", signal } = init;
    signal?.throwIfAborted();
    const { pathname } = new URL(url);
    this.requests.push(`${method} ${pathname}`);
    const answered = await this.answer(pathname, init);
    if (answered) return answered;
    if (pathname !== "/v2/models/net") return new Response("nothing here", { status: 404 });
    return Response.json({ name: "net", parameters: { model_sha256: SHA } });
  }
}

/** A module whose devices and sessions do what a test tells them, and which counts what lives. */
export class Gpu {
  alive = { devices: 0, models: 0, sessions: 0 };
  opened = { devices: 0, sessions: 0 };
  log = [];
  deviceErrors = [];
  sessionErrors = [];
  /** Called for each picture on a device. */
  work = async () => undefined;
  gflops = 1000;
  /** Changes what the model says of its splits. */
  splits = (splits) => splits;
  /** Steps in which a session is made ready; the last one that was done. */
  pieces = 1;
  made = 0;
  devices = [];

  init() {}

  thing(kind, methods) {
    this.alive[kind] += 1;
    let freed = false;
    const free = () => {
      assert(!freed, `${kind} freed twice`);
      freed = true;
      this.alive[kind] -= 1;
    };
    return { ...methods, free };
  }

  async openDevice() {
    this.opened.devices += 1;
    const error = this.deviceErrors.shift();
    if (error) throw error;
    let lost;
    const device = this.thing("devices", {
      info: () => ({ name: "card", type: "discrete", backend: "webgpu", driver: `${Math.random()}`, f16: false }),
      measure: async () => ({ f32_gflops: this.gflops }),
      max_picture_side: () => 8192,
      lost: () => lost,
      lose: (reason) => (lost = reason),
      destroy: () => undefined,
    });
    this.devices.push(device);
    return device;
  }

  async openModel(source) {
    await source.read(0, 8);
    const split = (name, client_macs) => ({ name, client_macs, server_macs: 100 - client_macs, up: [], down: [] });
    const splits = [split("remote", 0), split("U1", 30), split("U2", 50), split("U3", 70), split("local", 100)];
    return this.thing("models", {
      describe: () => ({ name: "net", sha256: SHA, size: [4, 4], macs: 100, splits: this.splits(splits), stages: [] }),
      weight_ranges: () => [[200, 700]],
    });
  }

  async openSession(_model, source, options, device, server, onWeight) {
    this.opened.sessions += 1;
    if (device) {
      await source.read(200, 700);
      for (let piece = 1; piece <= this.pieces; piece += 1) {
        if (piece > 1) await task();
        onWeight(piece, this.pieces);
        this.made = piece;
      }
      const error = this.sessionErrors.shift();
      if (error) throw error;
    }
    const result = (width, height) => ({
      alpha: new Uint8Array(width * height),
      report: { split: options.split, fallback: null, encode_millis: 0, total_millis: 0 },
      crossing: undefined,
      free: () => undefined,
    });
    let busy = false;
    const session = this.thing("sessions", {
      segment: async (image, _width, _height, width, height) => {
        assert(!busy, "one picture at a time");
        busy = true;
        try {
          await this.work(image, device, server);
          return result(width, height);
        } finally {
          busy = false;
        }
      },
      segment_encoded: async (type, _bytes, width, height) => {
        this.log.push(`post ${type}`);
        return result(width, height);
      },
    });
    const { free } = session;
    session.free = () => {
      assert(!busy, "freed at work");
      free();
    };
    return session;
  }
}

/** A module and a server without a past, as `gpu` and `server`. */
export function fresh() {
  globalThis.gpu = new Gpu();
  const server = new FakeServer();
  globalThis.fetch = (url, init) => server.fetch(url, init);
  return { gpu: globalThis.gpu, server };
}

export const load = (options) => Segmenter.load(model, { wasm, cache: false, ...options });
export const task = () => new Promise((resolve) => setTimeout(resolve, 5));
export const nothing = { devices: 0, models: 0, sessions: 0 };

export function eventsOf(segmenter) {
  const events = [];
  for (const type of ["devicelost", "recovered", "fallback"]) {
    segmenter.addEventListener(type, (event) => events.push(`${type}: ${event.detail.reason}`));
  }
  return events;
}
