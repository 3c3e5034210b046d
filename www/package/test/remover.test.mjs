// Which model removeBackground keeps, for whom, and for how long. Wasm and canvas are stand-ins.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { ImageBitmap, fresh, main, model, nothing, task, wasm } from "./stand-in.mjs";

const { removeBackground } = main;

globalThis.ImageData = class {
  constructor(data, width, height) {
    Object.assign(this, { data, width, height });
  }
};
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    Object.assign(this, { width, height });
  }
  getContext() {
    const ignored = () => undefined;
    const getImageData = (x, y, width, height) => ({ data: new Uint8ClampedArray(4 * width * height) });
    return { drawImage: ignored, putImageData: ignored, fillRect: ignored, fillStyle: "", getImageData };
  }
  async convertToBlob({ type }) {
    return new Blob(["picture"], { type });
  }
};

const options = { model, wasm, cache: false, split: "local" };
const remove = (more = {}) => removeBackground(new ImageBitmap(), { ...options, ...more });
let gpu;

beforeEach(() => ({ gpu } = fresh()));
afterEach(async () => {
  removeBackground.release();
  mock.timers.reset();
  for (let i = 0; i < 5; i += 1) await task();
  assert.deepEqual(gpu.alive, nothing, "something was not freed");
});

test("calls with the same options share one model, whatever the cut-out's own options", async () => {
  const blobs = await Promise.all([remove(), remove({ type: "image/webp" }), remove({ size: undefined })]);
  assert.deepEqual(
    blobs.map(({ type }) => type),
    ["image/png", "image/webp", "image/png"],
  );
  await remove({ size: [4, 4] });
  await remove({ size: [4, 4], headers: { a: "b" } });
  await remove({ size: [4, 4], headers: { a: "b" } });
  assert.equal(gpu.opened.sessions, 3);
});

test("a model that nobody uses is released for one with other options", async () => {
  await remove();
  assert.equal(gpu.alive.sessions, 1);
  await remove({ precision: "f16" });
  await task();
  assert.deepEqual([gpu.alive.sessions, gpu.opened.sessions], [1, 2]);
});

test("functions for headers may be written anew with each call", async () => {
  await remove({ headers: () => ({ a: "1" }) });
  await remove({ headers: () => ({ a: "2" }) });
  assert.equal(gpu.opened.sessions, 1);
});

test("every call that waits gets progress", async () => {
  const heard = [[], []];
  await Promise.all(heard.map((steps) => remove({ onProgress: ({ stage }) => steps.push(stage) })));
  for (const steps of heard) assert.ok(steps.includes("prepare"), steps.join());
});

test("an abort ends one call and not the loading that another one waits for", async () => {
  const controller = new AbortController();
  const [first, second] = [remove({ signal: controller.signal }), remove()];
  await Promise.resolve();
  controller.abort();
  await assert.rejects(first, { name: "HeadwaterError", code: "aborted" });
  assert.equal((await second).type, "image/png");
  assert.equal(gpu.opened.sessions, 1);
});

test("an aborted load is taken up by a call that follows at once", async () => {
  gpu.pieces = 4;
  const controller = new AbortController();
  const first = remove({
    signal: controller.signal,
    onProgress: ({ stage }) => stage === "prepare" && controller.abort(),
  });
  await assert.rejects(first, { code: "aborted" });
  await remove();
  assert.equal(gpu.opened.sessions, 1);
});

test("a failed load is forgotten", async () => {
  gpu.sessionErrors.push(Object.assign(new Error("too small"), { code: "adapter-limit" }));
  await assert.rejects(remove(), { code: "adapter-limit" });
  await remove();
  assert.equal(gpu.opened.sessions, 2);
});

test("release ends calls that run, and the next call loads anew", async () => {
  let reached;
  const running = new Promise((resolve) => (reached = resolve));
  gpu.work = async () => (reached(), task());
  const call = remove();
  await running;
  removeBackground.release();
  await assert.rejects(call, { code: "released" });
  gpu.work = async () => undefined;
  await remove();
  assert.equal(gpu.opened.sessions, 2);
});

test("the model is released five minutes after the last call", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const done = remove();
  // The package's own pauses are timers too.
  let blob;
  void done.then((found) => (blob = found));
  while (!blob) {
    mock.timers.tick(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  mock.timers.tick(299_000);
  assert.equal(gpu.alive.sessions, 1);
  mock.timers.tick(2000);
  mock.timers.reset();
  await task();
  await task();
  assert.equal(gpu.alive.sessions, 0);
});

test("options are checked before anything is loaded", async () => {
  for (const bad of [{ trimm: true }, { type: "image/jpeg" }, { split: "" }, { model: 7 }, { worker: 7 }]) {
    await assert.rejects(remove(bad), { name: "HeadwaterError", code: "bad-argument" }, JSON.stringify(bad));
  }
  for (const picture of [undefined, null, 7, {}, []]) {
    await assert.rejects(removeBackground(picture, options), { name: "HeadwaterError", code: "bad-image" });
  }
  await assert.rejects(remove({ background: [] }), { code: "bad-image" });
  assert.deepEqual(gpu.opened, { devices: 0, sessions: 0 });
});
