// What a segmenter does when things go wrong: order, aborts, lost devices, fallbacks, release. The Wasm module and
// the browser's classes are stand-ins; everything between them is what is shipped.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ImageBitmap, ImageData, eventsOf, failure, fresh, jpeg, load, nothing, task } from "./stand-in.mjs";

let gpu;
let server;
beforeEach(() => ({ gpu, server } = fresh()));

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

test("segment tells who is at work, and nothing after an abort", async () => {
  const segmenter = await load({ server: "/", split: "U1" });
  gpu.work = async (_image, _device, server) => {
    await server.send("/v2/models/net/infer", undefined, undefined, 1000);
  };
  const stages = [];
  const onProgress = ({ stage }) => stages.push(stage);
  await segmenter.segment(new ImageData(), { onProgress });
  assert.deepEqual(stages, ["picture", "device", "server", "device"]);
  stages.length = 0;
  const abort = new AbortController();
  server.answer = async (path) => path.endsWith("/infer") && abort.abort();
  await assert.rejects(segmenter.segment(new ImageData(), { onProgress, signal: abort.signal }), { code: "aborted" });
  await task();
  assert.deepEqual(stages, ["picture", "device", "server"]);
  segmenter.release();
  server.answer = () => undefined;
  const posting = await load({ server: "/", split: "remote" });
  stages.length = 0;
  await posting.segment(jpeg, { onProgress });
  assert.deepEqual(stages, ["picture"]);
  posting.release();
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
