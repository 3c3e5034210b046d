// What an abort stops, and that nothing is heard of it afterwards.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ImageData, eventsOf, failure, fresh, load, nothing, task } from "./stand-in.mjs";

let gpu;
beforeEach(() => ({ gpu } = fresh()));

const settle = async () => {
  for (let i = 0; i < 10; i += 1) await task();
};

test("after an abort in any stage no progress is told, and the rest of the work is not done", async () => {
  for (const stage of ["runtime", "weights", "prepare"]) {
    gpu.pieces = 20;
    gpu.made = 0;
    const abort = new AbortController();
    const steps = [];
    const onProgress = (step) => {
      steps.push(step);
      if (step.stage === stage && step.loaded > 0) abort.abort();
    };
    await assert.rejects(load({ signal: abort.signal, onProgress }), { code: "aborted" });
    const heard = steps.length;
    await settle();
    assert.equal(steps.length, heard, `${steps.length - heard} steps after the abort in ${stage}`);
    assert.equal(steps.at(-1).stage, stage);
    assert(gpu.made < 3, `${gpu.made} of 20 pieces were made after the abort in ${stage}`);
    assert.deepEqual(gpu.alive, nothing, stage);
  }
});

test("an abort from outside in the middle of preparing frees the device", async () => {
  gpu.pieces = 50;
  const abort = new AbortController();
  let steps = 0;
  const loading = load({ signal: abort.signal, onProgress: ({ stage }) => (steps += stage === "prepare" ? 1 : 0) });
  loading.catch(() => undefined);
  while (steps < 2) await task();
  abort.abort(new Error("navigated away"));
  const heard = steps;
  await assert.rejects(loading, { code: "aborted" });
  await settle();
  assert.equal(steps, heard);
  assert(gpu.made < 10, `${gpu.made} of 50 pieces were made`);
  assert.deepEqual(gpu.alive, nothing);
});

test("an abort while a lost device is replaced tells no event", async () => {
  const segmenter = await load();
  const events = eventsOf(segmenter);
  gpu.work = async (_image, device) => {
    device.lose("driver");
    throw failure("device");
  };
  gpu.pieces = 20;
  const abort = new AbortController();
  segmenter.addEventListener("devicelost", () => setTimeout(() => abort.abort(), 10));
  await assert.rejects(segmenter.segment(new ImageData(), { signal: abort.signal }), { code: "aborted" });
  await settle();
  assert.deepEqual(
    events.map((event) => event.split(":")[0]),
    ["devicelost"],
  );
  gpu.work = async () => undefined;
  await segmenter.segment(new ImageData());
  segmenter.release();
  await settle();
  assert.deepEqual(gpu.alive, nothing);
});

test("a segmenter that is released at once tells no fallback", async () => {
  gpu.sessionErrors = [failure("adapter-limit", "too small")];
  const segmenter = await load({ server: "/", split: "U1" });
  const events = eventsOf(segmenter);
  segmenter.release();
  await settle();
  assert.deepEqual(events, []);
});

test("what onProgress throws is reported and ends nothing", async (t) => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  t.after(() => delete globalThis.reportError);
  const segmenter = await load({
    onProgress: () => {
      throw new Error("mine");
    },
  });
  assert(reported.length > 3 && reported.every((message) => message === "mine"));
  segmenter.release();
});
