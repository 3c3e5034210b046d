// What a load would download, by the byte: measured against what it then does. Wasm, server and Cache API are
// stand-ins in memory.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ADDRESS, FakeCaches, FakeServer, MIB, SHA, modelFile } from "./helpers.mjs";

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
  `export default async () => undefined;
   export const on_panic = () => undefined;
   export const Device = { open: async () => { throw Object.assign(new Error("none"), { code: "no-adapter" }); } };
   export const Model = { open: (source) => globalThis.openModel(source) };
   export const Session = {};`,
);

globalThis.location = { origin: "http://page.test", href: "http://page.test/" };
Object.defineProperty(globalThis, "navigator", { value: { gpu: {} }, configurable: true });
globalThis.fetch = (url, init) => server.fetch(url, init);

const { Segmenter } = await import(pathToFileURL(join(folder, "index.js")));
const { openSource } = await import(pathToFileURL(join(folder, "source.js")));
const wasm = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));

const HEADER = 400;
const file = modelFile(3 * MIB, HEADER, SHA);
/** What the split `U3` reads: more than the first request brings, with a gap. */
const RANGES = [
  [HEADER, 700_000],
  [2 * MIB, 2 * MIB + 1000],
];
const NEEDED = HEADER + 700_000 - HEADER + 1000;
let server, freed;

beforeEach(() => {
  server = new FakeServer(file);
  globalThis.caches = new FakeCaches();
  server.settings.answer = ({ url }) =>
    url.includes("/v2/") ? Response.json({ name: "net", parameters: { model_sha256: SHA } }) : undefined;
  freed = 0;
  globalThis.openModel = async (source) => {
    await source.read(0, HEADER);
    return {
      describe: () => ({ name: "net", sha256: SHA, size: [64, 64], splits: [] }),
      weight_ranges: () => RANGES,
      free: () => (freed += 1),
    };
  };
});

const options = { split: "U3", server: "http://page.test", wasm };
const estimate = (more = {}) => Segmenter.estimate(ADDRESS, { ...options, ...more });

/** Bytes of bodies that a load fetches. */
async function load(ranges = RANGES, more = {}) {
  server.sent = 0;
  const source = await openSource(new URL(ADDRESS), { cache: true, ...more });
  await source.identify(SHA);
  for (const [start, end] of ranges) await source.read(start, end);
  await source.close();
  return server.sent;
}

const figures = ({ totalBytes, cachedBytes, downloadBytes }) => [totalBytes, cachedBytes, downloadBytes];

test("an estimate reads the header and no more, and a load downloads exactly what it says", async () => {
  server.settings.chunk = 1000;
  const found = await estimate();
  assert.equal(server.requests.length, 1, "requests");
  assert.equal(found.split, "U3");
  assert.equal(found.totalBytes, NEEDED);
  assert.equal(found.cachedBytes + found.downloadBytes, NEEDED);
  assert.equal(await load(), found.downloadBytes);
  assert.deepEqual(figures(await estimate()), [NEEDED, NEEDED, 0]);
  assert.equal(await load(), 0);
  assert.equal(freed, 2, "models freed");
});

test("remote needs the header alone", async () => {
  assert.deepEqual(figures(await estimate({ split: "remote" })), [HEADER, HEADER, 0]);
  assert.equal(await load([]), 0);
});

test("without a cache everything is downloaded, the first request's bytes among it", async () => {
  server.settings.chunk = 1000;
  const found = await estimate({ cache: false });
  assert.deepEqual([found.totalBytes, found.cachedBytes], [NEEDED, 0]);
  assert.equal(await load(RANGES, { cache: false }), found.downloadBytes);
});

test("a server without ranges sends the file up to the last byte that is missing", async () => {
  Object.assign(server.settings, { ranges: false, chunk: 1000 });
  for (let visit = 0; visit < 2; visit += 1) {
    const { downloadBytes } = await estimate();
    const sent = await load();
    // What is on its way when the request is ended is lost.
    assert.ok(sent >= downloadBytes && sent <= downloadBytes + 2000, `visit ${visit}: ${sent} of ${downloadBytes}`);
    assert.equal(visit === 0, downloadBytes > 0);
  }
});

test("preload fills the cache with progress, and isCached says so", async () => {
  const steps = [];
  assert.equal(await Segmenter.isCached(ADDRESS, options), false);
  assert.deepEqual(server.requests, [], "isCached asks nothing of the server");
  const found = await Segmenter.preload(ADDRESS, { ...options, onProgress: (progress) => steps.push(progress) });
  assert.deepEqual(figures(found), [NEEDED, NEEDED, 0]);
  const weights = steps.filter(({ stage }) => stage === "weights");
  assert.equal(weights[0].loaded, 0);
  assert.equal(weights.at(-1).loaded, weights.at(-1).total);
  server.requests = [];
  assert.equal(await Segmenter.isCached(ADDRESS, options), true);
  assert.equal(await Segmenter.isCached(ADDRESS, { ...options, cache: false }), false);
  assert.deepEqual(server.requests, []);
  assert.equal(await load(), 0);
});

test("preload goes on where an aborted one ended", async () => {
  const controller = new AbortController();
  const onProgress = ({ stage, loaded }) => stage === "weights" && loaded > 300_000 && controller.abort();
  server.settings.chunk = 10_000;
  await assert.rejects(Segmenter.preload(ADDRESS, { ...options, signal: controller.signal, onProgress }), {
    name: "HeadwaterError",
    code: "aborted",
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.sent = 0;
  await Segmenter.preload(ADDRESS, options);
  assert.ok(server.sent > 0 && server.sent < NEEDED - 250_000, `${server.sent} bytes again`);
});

test("preload says when the browser caches nothing", async () => {
  caches.room = 0;
  await assert.rejects(Segmenter.preload(ADDRESS, options), { code: "storage" });
  await assert.rejects(Segmenter.preload(ADDRESS, { ...options, cache: false }), { code: "bad-argument" });
});

test("clear removes one model or all of them, and nothing of others", async () => {
  const other = "http://page.test/models/other.safetensors";
  await caches.open("somebody-elses");
  await Segmenter.preload(ADDRESS, options);
  await Segmenter.preload(other, options);
  await Segmenter.clear(`${ADDRESS}#part`);
  assert.equal(await Segmenter.isCached(ADDRESS, options), false);
  assert.ok((await estimate()).downloadBytes > 0);
  await Segmenter.preload(other, options);
  await Segmenter.clear();
  assert.deepEqual(await caches.keys(), ["somebody-elses"]);
  await assert.rejects(Segmenter.clear(new ArrayBuffer(8)), { code: "bad-argument" });
});

test("a model in memory costs nothing and is always there", async () => {
  const model = file.buffer;
  const found = await Segmenter.estimate(model, options);
  assert.deepEqual(figures(found), [NEEDED, NEEDED, 0]);
  assert.equal(await Segmenter.isCached(model, options), true);
  await Segmenter.preload(model, options);
});

test("auto without a device and without a server is refused as a load would be", async () => {
  await assert.rejects(Segmenter.estimate(ADDRESS, { wasm }), { code: "no-adapter" });
  const { split } = await Segmenter.estimate(ADDRESS, { wasm, server: "http://page.test" });
  assert.equal(split, "remote");
  await assert.rejects(Segmenter.estimate(ADDRESS, { wasm, split: "U3" }), { code: "bad-argument" });
  assert.equal(freed, 2, "models freed");
});
