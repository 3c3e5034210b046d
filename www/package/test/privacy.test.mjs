// Which calls may send a picture to the server, and which never do.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { failure, fresh, jpeg, load, nothing, task } from "./stand-in.mjs";

let gpu;
let server;
beforeEach(() => ({ gpu, server } = fresh()));

test("split local never speaks to the server, whatever fails", async () => {
  gpu.deviceErrors = [failure("no-adapter")];
  await assert.rejects(load({ server: "/", split: "local" }), { code: "no-adapter" });
  gpu.sessionErrors = [failure("adapter-limit")];
  await assert.rejects(load({ server: "/", split: "local" }), { code: "adapter-limit" });
  const segmenter = await load({ server: "/", split: "local" });
  gpu.work = async (_image, device) => {
    device.lose("driver");
    throw failure("device");
  };
  await assert.rejects(segmenter.segment(jpeg), { code: "device" });
  // The device opens no more, then its weights cannot be read again.
  gpu.deviceErrors = [failure("device"), failure("device")];
  await assert.rejects(segmenter.segment(jpeg), { code: "device" });
  gpu.sessionErrors = [failure("download"), failure("download")];
  await assert.rejects(segmenter.segment(jpeg), { code: "download" });
  assert.equal(segmenter.split, "local");
  segmenter.release();
  await task();
  assert.deepEqual(server.requests, []);
  assert.deepEqual(gpu.log, []);
  assert.deepEqual(gpu.alive, nothing);
});

test("split local without WebGPU rejects before anything is downloaded", async () => {
  const { gpu: offered } = navigator;
  delete navigator.gpu;
  try {
    await assert.rejects(load({ server: "/", split: "local" }), { code: "no-adapter", message: /WebGPU/ });
    await assert.rejects(load(), { code: "no-adapter" });
    await assert.rejects(load({ server: "/", fallback: "none" }), { code: "no-adapter" });
    await assert.rejects(load({ server: "/", fallback: "none", split: "U1" }), { code: "no-adapter" });
  } finally {
    navigator.gpu = offered;
  }
  assert.deepEqual(server.requests, []);
  assert.equal(gpu.alive.models, 0);
});

test("split local posts where fallback: remote was written", async () => {
  gpu.deviceErrors = [failure("no-adapter")];
  const segmenter = await load({ server: "/", split: "local", fallback: "remote" });
  assert.equal(segmenter.split, "remote");
  await segmenter.segment(jpeg);
  assert.deepEqual(gpu.log, ["post image/jpeg"]);
  segmenter.release();
});

test("fallback: none posts no picture for any split but remote", async () => {
  for (const split of ["auto", "local", "U1", "U2"]) {
    const segmenter = await load({ server: "/", split, fallback: "none" });
    assert.notEqual(segmenter.split, "remote");
    gpu.work = async (_image, device) => {
      device.lose("driver");
      throw failure("device");
    };
    await assert.rejects(segmenter.segment(jpeg), { code: "device" }, split);
    gpu.deviceErrors = [failure("device"), failure("device")];
    await assert.rejects(segmenter.segment(jpeg), { code: "device" }, split);
    gpu.deviceErrors = [failure("no-adapter")];
    await assert.rejects(load({ server: "/", split, fallback: "none" }), { code: "no-adapter" });
    gpu.sessionErrors = [failure("adapter-limit")];
    await assert.rejects(load({ server: "/", split, fallback: "none" }), { code: "adapter-limit" });
    gpu.work = async () => undefined;
    segmenter.release();
  }
  assert.deepEqual(gpu.log, []);
});

test("auto with fallback: none chooses no split in which the net's input crosses", async () => {
  const up = [{ tensor: "input", shape: [1, 3, 4, 4] }];
  gpu.splits = (splits) => splits.map((split) => ({ ...split, up: /^U/.test(split.name) ? up : [] }));
  const careful = await load({ server: "/", fallback: "none" });
  assert.equal(careful.split, "local");
  const free = await load({ server: "/" });
  assert.equal(free.split, "U2");
  careful.release();
  free.release();
});
