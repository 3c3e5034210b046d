// The published files in Node: importing them touches nothing of a browser's, and errors are of the package's own class.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as main from "../dist/index.js";
import * as worker from "../dist/worker.js";
import { modelFile } from "./helpers.mjs";

const model = modelFile(1000).buffer;

const rejects = (promise, code, message) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.name, "HeadwaterError", error.stack);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

for (const [name, { Segmenter }] of Object.entries({ headwater: main, "headwater/worker": worker })) {
  test(`${name}: a relative address has nothing that it is relative to`, async () => {
    await rejects(Segmenter.load("/models/net.safetensors"), "bad-argument", /not absolute.*no page/);
    await rejects(Segmenter.load(model, { server: "/" }), "bad-argument", /server.*not absolute.*no page/);
    await rejects(Segmenter.load(model, { wasm: "/x.wasm", server: "/" }), "bad-argument", /no page/);
    await rejects(Segmenter.load(), "bad-argument", /model/);
  });
}

test("without WebGPU and a server there is no adapter, whatever the model is", async () => {
  for (const from of [model, new Blob([model]), "http://127.0.0.1:9/net.safetensors"]) {
    await rejects(main.Segmenter.load(from), "no-adapter", /this runtime does not offer WebGPU/);
  }
  const found = await main.probe();
  assert.deepEqual([found.webgpu, found.code], [false, "no-adapter"]);
});

test("with a server the module is read from the disk, and the model is the next thing that is wrong", async () => {
  const options = { split: "remote", server: "http://127.0.0.1:9" };
  await rejects(main.Segmenter.load(model, options), "bad-model", /\w/);
  await rejects(main.Segmenter.load("http://127.0.0.1:9/net.safetensors", options), "download", /127\.0\.0\.1:9/);
});

test("headwater/worker needs workers", async () => {
  await rejects(worker.Segmenter.load(model), "unsupported", /import headwater instead/);
  const found = await worker.probe();
  assert.deepEqual([found.webgpu, found.code], [false, "unsupported"]);
});

test("a mask says what is missing for pictures of it", async () => {
  const { Mask } = main;
  const mask = new Mask(2, 1, new Uint8ClampedArray(2));
  const unsupported = (error) => error.name === "HeadwaterError" && error.code === "unsupported";
  assert.throws(() => mask.toImageData(), unsupported);
  assert.throws(() => mask.toCanvas(), unsupported);
  await assert.rejects(mask.toImageBitmap(), unsupported);
  await assert.rejects(mask.cutout(new Blob([])), unsupported);
});
