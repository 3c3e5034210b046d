// A server that is wrong or down is found out while loading, before weights are downloaded for it.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { modelFile } from "./helpers.mjs";
import { failure, fresh, load, main, nothing, task, wasm } from "./stand-in.mjs";

const { Segmenter } = main;
let gpu;
let server;
beforeEach(() => ({ gpu, server } = fresh()));

const DESCRIPTION = "http://page.test/v2/models/net";
const html = (status) => () => new Response("<h1>", { status, headers: { "content-type": "text/html" } });
const json = (status, body) => () => Response.json(body, { status });

test("a good server is asked once, and only for splits that need it", async () => {
  for (const [split, requests] of [
    ["U1", 1],
    ["remote", 1],
    ["auto", 1],
    ["local", 0],
  ]) {
    server.requests = [];
    const segmenter = await load({ server: "/", split });
    assert.deepEqual(server.requests, Array(requests).fill("GET /v2/models/net"), split);
    segmenter.release();
  }
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a wrong server rejects, with its address and what came instead", async () => {
  const wrong = [
    ["another web server", html(404), "bad-message", /status 404 \("text\/html", 4 bytes\).*Headwater server/],
    ["a page for everything", html(200), "bad-message", /status 200 \("text\/html", 4 bytes\)/],
    ["other JSON", json(200, { hello: 1 }), "bad-message", /status 200/],
    ["another model's server", json(404, { error: "no model net", code: "bad-argument" }), "bad-argument", /no model/],
    ["a locked server", json(401, { error: "who are you?" }), "server-error", /401.*who are you/],
    ["another model", json(200, { name: "net", parameters: { model_sha256: "x" } }), "mismatch", /expected.*found x/],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "/" } }), "bad-message", /redirects/],
  ];
  for (const [what, answer, code, message] of wrong) {
    server.answer = answer;
    for (const split of ["auto", "remote", "U1"]) {
      await assert.rejects(load({ server: "/", split }), (error) => {
        assert.equal(error.code, code, `${what}, ${split}: ${error.message}`);
        assert.match(error.message, message, what);
        assert(error.message.startsWith(DESCRIPTION), error.message);
        return true;
      });
    }
  }
  await task();
  assert.deepEqual(gpu.alive, nothing);
});

test("a server that is down rejects where it is needed, and auto does without", async () => {
  const down = [
    ["server-unreachable", () => Promise.reject(new TypeError("fetch failed")), /cannot be reached/],
    ["server-error", html(502), /502/],
  ];
  for (const [code, answer, message] of down) {
    server.answer = answer;
    for (const split of ["remote", "U1"]) {
      await assert.rejects(load({ server: "/", split }), { code, message });
    }
    const segmenter = await load({ server: "/" });
    assert.equal(segmenter.split, "local");
    assert(
      segmenter.reasons.some((reason) => reason.includes(DESCRIPTION)),
      segmenter.reasons.join(" "),
    );
    segmenter.release();
    gpu.gflops = 5;
    assert.equal((await load({ server: "/" })).split, "local", "a slow device is better than none");
    gpu.gflops = 1000;
    gpu.deviceErrors = [failure("no-adapter")];
    // Without a device the server is needed, too.
    globalThis.navigator.gpu = undefined;
    await assert.rejects(load({ server: "/" }), { code, message });
    globalThis.navigator.gpu = {};
    gpu.deviceErrors = [];
  }
});

test("a busy server is there", async () => {
  server.answer = () => Response.json({ error: "busy" }, { status: 503, headers: { "retry-after": "3" } });
  (await load({ server: "/", split: "U1" })).release();
});

test("a wrong server ends the download of the weights", async () => {
  const file = modelFile(1000);
  let weights = 0;
  const blob = new Blob([file]);
  const slice = blob.slice.bind(blob);
  blob.slice = (start, end) => {
    if (start >= 200) weights += 1;
    return slice(start, end);
  };
  let answered;
  server.answer = () => new Promise((resolve) => (answered = resolve));
  gpu.pieces = 50;
  const loading = Segmenter.load(blob, { wasm, server: "/", split: "U1" });
  loading.catch(() => undefined);
  while (gpu.made < 2) await task();
  assert.equal(weights, 1, "the weights did not wait for the answer");
  answered(new Response("?", { status: 404 }));
  await assert.rejects(loading, { code: "bad-message" });
  for (let i = 0; i < 10; i += 1) await task();
  assert(gpu.made < 10, `${gpu.made} of 50 pieces were made`);
  assert.deepEqual(gpu.alive, nothing);
});

test("headers and credentials go with every request to the server", async () => {
  const seen = [];
  server.answer = (_, { headers, credentials }) => {
    seen.push([headers.get("authorization"), credentials]);
  };
  let count = 0;
  const headers = () => ({ Authorization: `Bearer ${(count += 1)}` });
  await load({ server: "/", split: "U1", headers, credentials: "include" });
  await load({ server: "/", split: "U1", headers: { Authorization: "Bearer fixed" } });
  assert.deepEqual(seen, [
    ["Bearer 1", "include"],
    ["Bearer fixed", undefined],
  ]);
  const failing = () => Promise.reject(new Error("the session has ended"));
  await assert.rejects(load({ server: "/", split: "U1", headers: failing }), {
    code: "bad-argument",
    message: /function headers.*the session has ended/,
  });
  const secret = () => ({ Authorization: "pass\nword" });
  await assert.rejects(load({ server: "/", split: "U1", headers: secret }), ({ code, message }) => {
    return code === "bad-argument" && /Authorization/.test(message) && !/word/.test(message);
  });
});
