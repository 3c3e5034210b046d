// Wrong arguments: each is refused with a HeadwaterError that names it, and before anything is opened or fetched.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ImageData, fresh, load, main, model, wasm } from "./stand-in.mjs";

const { HeadwaterError, Mask, Segmenter, probe } = main;
let gpu;
let server;
beforeEach(() => ({ gpu, server } = fresh()));

const refused = (promise, message, code = "bad-argument") =>
  assert.rejects(promise, (error) => {
    assert(error instanceof HeadwaterError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

test("what is no model, or no options, is refused", async () => {
  await refused(Segmenter.load(), /^model: .*found undefined/);
  await refused(Segmenter.load(null), /^model: .*found null/);
  await refused(Segmenter.load({}), /^model: .*found Object/);
  await refused(Segmenter.load(model, null), /^options of load: .*found null/);
  await refused(Segmenter.load(model, "local"), /^options of load: .*found "local"/);
  await refused(Segmenter.load(model, ["local"]), /^options of load/);
  assert.equal(gpu.opened.devices, 0);
});

test("options of a wrong kind are refused by their names", async () => {
  const wrong = {
    split: 5,
    size: "512",
    codec: 1,
    precision: "f64",
    fallback: "server",
    timeout: "500",
    cache: "no",
    wasm: 5,
    signal: {},
    onProgress: "log",
    headers: "Authorization: x",
    credentials: "yes",
    modelHeaders: { "not a name": "x" },
    modelCredentials: 1,
    server: 5,
  };
  for (const [name, value] of Object.entries(wrong)) {
    await refused(load({ server: "/", [name]: value }), new RegExp(`^${name}\\b`));
    if (name !== "server" && name !== "fallback") await refused(load({ server: "/", [name]: null }), new RegExp(name));
  }
  assert.equal(gpu.opened.devices, 0);
  assert.deepEqual(server.requests, []);
});

test("an unknown option is refused with the nearest known one", async () => {
  const near = {
    serverr: "server",
    precison: "precision",
    Split: "split",
    onprogress: "onProgress",
    header: "headers",
  };
  for (const [name, known] of Object.entries(near)) {
    await refused(load({ [name]: "x" }), new RegExp(`"${name}": did you mean "${known}"\\?`));
  }
  await refused(load({ quality: 1 }), /no option "quality": expected one of server, .*onProgress/);
  // What every object inherits is no option.
  await refused(load(JSON.parse('{"__proto__": 1}')), /__proto__/);
  const segmenter = await load();
  await refused(segmenter.segment(new ImageData(), { masksize: [1, 1] }), /did you mean "maskSize"/);
  assert.equal((await probe({ wsam: "/x" })).code, "bad-argument");
  segmenter.release();
});

test("segment refuses options that are none", async () => {
  const segmenter = await load();
  const image = new ImageData();
  await refused(segmenter.segment(image, null), /options of segment/);
  await refused(segmenter.segment(image, { maskSize: [0, 1] }), /maskSize/);
  await refused(segmenter.segment(image, { keepCrossing: "yes" }), /keepCrossing/);
  await refused(segmenter.segment(image, { signal: "now" }), /signal/);
  await refused(segmenter.segment(), /expected an ImageBitmap.*found Undefined/, "bad-image");
  segmenter.release();
});

test("the constructors throw nothing else either", () => {
  const ours = (error) => error instanceof HeadwaterError && error.code === "bad-argument";
  assert.throws(() => new Segmenter(), ours);
  assert.throws(() => new Mask(), ours);
  assert.throws(() => new Mask(2, 2, null), ours);
  assert.throws(() => new Mask(2, 2, [1, 2, 3, 4]), ours);
  assert.throws(() => new Mask(1.5, 2, new Uint8ClampedArray(3)), ours);
});

test("addresses of servers without a scheme, or with /v2, are refused with the right one", async () => {
  await refused(load({ server: "127.0.0.1:8181" }), /did you mean "http:\/\/127\.0\.0\.1:8181"/);
  await refused(load({ server: "localhost:8080" }), /did you mean "http:\/\/localhost:8080"/);
  await refused(load({ server: "cut.example.com/api" }), /did you mean "http:\/\/cut\.example\.com\/api"/);
  await refused(load({ server: "https://cut.example.com/v2" }), /without \/v2/);
  await refused(load({ server: "/v2/" }), /without \/v2/);
  await refused(load({ server: "https://me:word@cut.example.com" }), /option headers/);
  await refused(load({ server: "ftp://cut.example.com" }), /expected an address/);
  assert.deepEqual(server.requests, []);
  for (const address of ["/", "./", "../x", "http://page.test", new URL("http://page.test/")]) {
    server.answer = () => Response.json({ name: "net" });
    (await load({ server: address, split: "U1" })).release();
  }
});

test("an aborted signal is heard before anything is opened", async () => {
  await refused(load({ signal: AbortSignal.abort(), wasm }), /aborted/, "aborted");
  assert.equal(gpu.opened.devices, 0);
});
