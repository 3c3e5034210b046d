// What a segmenter does when things go wrong: order, aborts, lost devices, fallbacks, release. The Wasm module and
// the browser's classes are stand-ins; everything between them is what is shipped.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { modelFile } from "./helpers.mjs";

const folder = mkdtempSync(join(tmpdir(), "headwater-"));
after(() => rmSync(folder, { recursive: true }));
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

class ImageData {
  data = new Uint8ClampedArray(16);
  width = 2;
  height = 2;
  get [Symbol.toStringTag]() {
    return "ImageData";
  }
}
class ImageBitmap {
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

const { Segmenter } = await import(pathToFileURL(join(folder, "index.js")));
const wasm = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
const model = modelFile(1000).buffer;
const jpeg = new Blob([new Uint8Array([0xff, 0xd8, 0xff])]);

const failure = (code, message = code) => Object.assign(new Error(message), { code });

/** A module whose devices and sessions do what a test tells them, and which counts what lives. */
class Gpu {
  alive = { devices: 0, models: 0, sessions: 0 };
  opened = { devices: 0, sessions: 0 };
  log = [];
  deviceErrors = [];
  sessionErrors = [];
  /** Called for each picture on a device. */
  work = async () => undefined;
  gflops = 1000;
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
      describe: () => ({ name: "net", sha256: "", size: [4, 4], macs: 100, splits, stages: [] }),
      weight_ranges: () => [[200, 700]],
    });
  }

  async openSession(_model, source, options, device, server, onWeight) {
    this.opened.sessions += 1;
    if (device) {
      await source.read(200, 700);
      onWeight(1, 1);
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

let gpu;
beforeEach(() => {
  gpu = globalThis.gpu = new Gpu();
});

const load = (options) => Segmenter.load(model, { wasm, cache: false, ...options });
const task = () => new Promise((resolve) => setTimeout(resolve, 5));
const nothing = { devices: 0, models: 0, sessions: 0 };

function eventsOf(segmenter) {
  const events = [];
  for (const type of ["devicelost", "recovered", "fallback"]) {
    segmenter.addEventListener(type, (event) => events.push(`${type}: ${event.detail.reason}`));
  }
  return events;
}

test("loading tells each stage, a picture gives a mask, release frees everything", async () => {
  const stages = [];
  const segmenter = await load({
    onProgress: ({ stage, loaded, total }) => stages.push(`${stage} ${loaded}/${total}`),
  });
  assert.deepEqual(stages, ["runtime 0/1", "runtime 1/1", "weights 0/500", "weights 500/500", "prepare 1/1"]);
  assert.equal(segmenter.split, "local");
  const { mask, report } = await segmenter.segment(new ImageData(), { maskSize: [5, 3] });
  assert.deepEqual([mask.width, mask.height, mask.alpha.length], [5, 3, 15]);
  assert.equal(report.fallback, null);
  segmenter.release();
  segmenter.release();
  await task();
  assert.deepEqual(gpu.alive, nothing);
  await assert.rejects(segmenter.segment(new ImageData()), { code: "released" });
});

test("two segmenters share one device, which ends with the second", async () => {
  const [first, second] = await Promise.all([load(), load()]);
  assert.equal(gpu.opened.devices, 1);
  first.release();
  await task();
  assert.equal(gpu.alive.devices, 1);
  second.release();
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a device that did not open is asked for again", async () => {
  gpu.deviceErrors = [failure("no-adapter")];
  await assert.rejects(load(), { code: "no-adapter" });
  assert.deepEqual(gpu.alive, nothing);
  (await load()).release();
});

test("calls run in their order, and an aborted one does not run", async () => {
  const segmenter = await load();
  const order = [];
  gpu.work = async (image) => {
    order.push(image.name);
    await task();
  };
  const abort = new AbortController();
  const picture = (name) => Object.assign(new ImageData(), { name });
  const calls = [
    segmenter.segment(picture("a")),
    segmenter.segment(picture("b"), { signal: abort.signal }),
    segmenter.segment(picture("c")),
  ];
  abort.abort();
  await assert.rejects(calls[1], { code: "aborted" });
  await Promise.all([calls[0], calls[2]]);
  assert.deepEqual(order, ["a", "c"]);
  segmenter.release();
});

test("an abort rejects at once, and the next call waits for the GPU", async () => {
  const segmenter = await load();
  let finish;
  gpu.work = () => new Promise((resolve) => (finish = resolve));
  const abort = new AbortController();
  const first = segmenter.segment(new ImageData(), { signal: abort.signal });
  await task();
  abort.abort();
  await assert.rejects(first, { code: "aborted" });
  const end = finish;
  gpu.work = async () => undefined;
  let done = false;
  const second = segmenter.segment(new ImageData()).then(() => (done = true));
  await task();
  assert.equal(done, false);
  end();
  await second;
  segmenter.release();
});

test("release while a call runs rejects it, and frees only when it has ended", async () => {
  const segmenter = await load();
  let finish;
  gpu.work = () => new Promise((resolve) => (finish = resolve));
  const calls = [segmenter.segment(new ImageData()), segmenter.segment(new ImageData())];
  await task();
  segmenter.release();
  for (const call of calls) await assert.rejects(call, { code: "released" });
  assert.equal(gpu.alive.sessions, 1);
  finish();
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("loading can be aborted, and leaves nothing", async () => {
  const abort = new AbortController();
  const loading = load({ signal: abort.signal, onProgress: ({ stage }) => stage === "weights" && abort.abort() });
  await assert.rejects(loading, { code: "aborted" });
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a lost device is opened again and the picture is done", async () => {
  const segmenter = await load();
  const events = eventsOf(segmenter);
  let losses = 1;
  gpu.work = async (_image, device) => {
    if (losses-- <= 0) return;
    device.lose("driver");
    throw failure("internal", "whatever came of it");
  };
  await segmenter.segment(new ImageData());
  const reason = "the GPU was lost: driver";
  assert.deepEqual(events, [`devicelost: ${reason}`, `recovered: ${reason}`]);
  assert.equal(gpu.opened.devices, 2);
  assert.deepEqual(gpu.alive, { devices: 1, models: 1, sessions: 1 });
  // A loss between two pictures is found when the next one comes.
  gpu.devices.at(-1).lose("slept");
  await segmenter.segment(new ImageData());
  assert.equal(gpu.opened.devices, 3);
  segmenter.release();
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a device that is lost twice rejects, and the next picture tries again", async () => {
  const segmenter = await load();
  const events = eventsOf(segmenter);
  gpu.work = async (_image, device) => {
    device.lose("driver");
    throw failure("device");
  };
  await assert.rejects(segmenter.segment(new ImageData()), { code: "device" });
  assert.deepEqual(events, ["devicelost: the GPU was lost: driver"]);
  gpu.work = async () => undefined;
  await segmenter.segment(new ImageData());
  segmenter.release();
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a device that is lost twice leaves the picture to the server, where there is one", async () => {
  const segmenter = await load({ server: "/", split: "U1" });
  const events = eventsOf(segmenter);
  gpu.work = async (_image, device) => {
    device.lose("driver");
    throw failure("device");
  };
  const { mask, report } = await segmenter.segment(jpeg);
  assert.deepEqual(gpu.log, ["post image/jpeg"]);
  assert.deepEqual([mask.width, mask.height], [3, 2]);
  assert.match(report.fallback, /driver/);
  assert.deepEqual(
    events.map((event) => event.split(":")[0]),
    ["devicelost", "fallback"],
  );
  assert.equal(segmenter.split, "remote");
  await segmenter.segment(jpeg);
  assert.equal(gpu.opened.devices, 2);
  segmenter.release();
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("fallback: none does not post the picture", async () => {
  gpu.deviceErrors = [failure("no-adapter")];
  await assert.rejects(load({ server: "/", fallback: "none" }), { code: "no-adapter" });
  gpu.sessionErrors = [failure("adapter-limit")];
  await assert.rejects(load({ server: "/", split: "U1", fallback: "none" }), { code: "adapter-limit" });
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a device that cannot run its part leaves it to the server from the start, and says so", async () => {
  gpu.sessionErrors = [failure("adapter-limit", "too small")];
  const segmenter = await load({ server: "/", split: "U1" });
  const events = eventsOf(segmenter);
  assert.equal(segmenter.split, "remote");
  await task();
  assert.deepEqual(events, ["fallback: too small"]);
  const { report } = await segmenter.segment(jpeg);
  assert.equal(report.fallback, "too small");
  assert.equal(gpu.alive.devices, 0);
  segmenter.release();
});

test("errors that are not the device's are not tried again", async () => {
  const segmenter = await load({ server: "/", split: "U1" });
  const events = eventsOf(segmenter);
  for (const code of ["server-busy", "mismatch", "timeout", "internal"]) {
    gpu.work = async () => Promise.reject(failure(code));
    await assert.rejects(segmenter.segment(new ImageData()), { code });
  }
  assert.deepEqual(events, []);
  assert.equal(gpu.opened.sessions, 1);
  segmenter.release();
});

test("auto goes by who is there and how fast this device is", async () => {
  const cases = [
    [1000, "/", "remote", "U2"],
    [1000, undefined, "remote", "local"],
    [5, "/", "remote", "remote"],
    [5, "/", "none", "U2"],
    [5, undefined, "remote", "local"],
  ];
  for (const [gflops, server, fallback, split] of cases) {
    gpu.gflops = gflops;
    const segmenter = await load({ server, fallback });
    assert.equal(segmenter.split, split, `${gflops} GFLOP/s, server ${server}`);
    assert(segmenter.reasons.length > 0);
    segmenter.release();
    await task();
    assert.deepEqual(gpu.alive, nothing);
  }
});

test("options are checked before anything is opened", async () => {
  const wrong = [
    { split: "" },
    { split: "U1" },
    { split: "remote" },
    { size: 0 },
    { size: [512] },
    { size: 10_000 },
    { codec: "f64" },
    { fallback: "local" },
    { server: "" },
    { server: "/", timeout: -1 },
  ];
  for (const options of wrong) {
    await assert.rejects(load(options), { code: "bad-argument", name: "HeadwaterError" }, JSON.stringify(options));
  }
  assert.equal(gpu.opened.devices, 0);
  const segmenter = await load();
  await assert.rejects(segmenter.segment(new ImageData(), { maskSize: [0, 1] }), { code: "bad-argument" });
  for (const image of [
    {},
    null,
    Object.assign(new ImageData(), { width: 0 }),
    Object.assign(new ImageBitmap(), { width: 0 }),
  ]) {
    await assert.rejects(segmenter.segment(image), { code: "bad-image" });
  }
  segmenter.release();
});

// The last one: it ends the module for good.
test("a bug in the module ends what waits for it, and whatever comes later", async () => {
  const segmenter = await load();
  gpu.work = () => new Promise(() => undefined);
  const stuck = segmenter.segment(new ImageData());
  await task();
  globalThis.panic("index out of bounds");
  await assert.rejects(stuck, { code: "internal", message: /index out of bounds/ });
  await assert.rejects(segmenter.segment(new ImageData()), { code: "internal" });
  await assert.rejects(load(), { code: "internal" });
});
