// Reading a model by HTTP: what is asked for, what is kept, and what each accident leads to.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { HeadwaterError } from "../lib/errors.js";
import { locate, openSource } from "../lib/source.js";
import { ADDRESS, FakeCaches, FakeServer, MIB, SHA, modelFile } from "./helpers.mjs";

const HEADER = 200;
const LEAD = 128 * 1024;
const file = modelFile(3 * MIB + 1000);
let server;

globalThis.location = { origin: "http://page.test", href: "http://page.test/" };
globalThis.fetch = (url, init) => server.fetch(url, init);

beforeEach(() => {
  server = new FakeServer(file);
  globalThis.caches = new FakeCaches();
});

async function open(options = {}) {
  const { address = ADDRESS, sha = SHA, ...rest } = options;
  const source = await openSource(locate(address, "http://page.test/"), { cache: true, ...rest });
  await source.identify(sha);
  return source;
}

async function readAll(source, ranges, reading) {
  for (const [start, end] of ranges) {
    const bytes = await source.read(start, end, reading);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(server.file.subarray(start, end)), `bytes ${start} to ${end}`);
  }
}

async function visit(ranges, options) {
  const source = await open(options);
  await readAll(source, ranges);
  await source.close();
  return source;
}

const fails = (promise, code, message) =>
  assert.rejects(promise, (error) => {
    assert(error instanceof HeadwaterError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

test("the first visit asks for the header once, and for no more than the ranges", async () => {
  const ranges = [
    [HEADER, 500_000],
    [2 * MIB, 2 * MIB + 10],
  ];
  const source = await visit(ranges);
  assert.equal(source.size, file.length);
  const asked = server.requests.map(({ range }) => range);
  assert.deepEqual(asked, [`bytes=0-${LEAD - 1}`, `bytes=${LEAD}-499999`, `bytes=${2 * MIB}-${2 * MIB + 9}`]);
  assert.equal(server.sent, 500_000 + 10);
});

test("the second visit asks only whether the header has changed", async () => {
  const ranges = [[HEADER, file.length]];
  await visit(ranges);
  server.requests = [];
  server.sent = 0;
  await visit(ranges);
  assert.deepEqual(
    server.requests.map(({ etag }) => etag),
    ['"1"'],
  );
  assert.equal(server.sent, 0);
});

test("without a network the model is taken as it was last seen", async () => {
  await visit([[HEADER, file.length]]);
  server.settings.down = true;
  await visit([[HEADER, file.length]]);
  await fails(open({ address: "/other.safetensors" }), "download", /cannot be reached/);
});

test("what an aborted load had is not loaded again", async () => {
  const abort = new AbortController();
  const source = await open();
  let got = 0;
  const onBytes = (count) => {
    got += count;
    if (got > 2 * MIB) abort.abort();
  };
  await fails(source.read(HEADER, file.length, { signal: abort.signal, onBytes }), "aborted", /aborted/);
  await source.close();
  const before = server.sent;
  assert(before < 3 * MIB, "the abort ended the download");
  await visit([[HEADER, file.length]]);
  assert(server.sent - before <= file.length - 2 * MIB, `${server.sent - before} bytes were sent again`);
});

test("another split that overlaps fetches only the difference", async () => {
  await visit([[HEADER, MIB]]);
  server.sent = 0;
  await visit([[500_000, 2 * MIB]]);
  assert.equal(server.sent, MIB);
});

test("progress adds up to what was announced, from the network, the cache and both", async () => {
  const ranges = [
    [HEADER, 700_000],
    [2 * MIB, 3 * MIB],
  ];
  for (const state of ["network", "both", "cache"]) {
    const source = await open();
    const wanted = state === "network" ? ranges.slice(0, 1) : ranges;
    const cost = source.cost(wanted);
    let told = 0;
    await readAll(source, wanted, { onBytes: (count) => (told += count) });
    await source.close();
    assert.equal(told, cost, state);
  }
});

test("a server that gives no parts is read once, as far as needed, and still tells progress", async () => {
  server.settings.ranges = false;
  const source = await open();
  assert.equal(source.size, file.length);
  const ranges = [
    [HEADER, 1000],
    [MIB, 2 * MIB],
  ];
  const cost = source.cost(ranges);
  let told = 0;
  await readAll(source, ranges, { onBytes: (count) => (told += count) });
  await source.close();
  assert.equal(server.requests.length, 1);
  assert.equal(told, cost);
  assert(server.sent < 2.2 * MIB, `${server.sent} bytes`);
  await visit(ranges);
  assert.deepEqual(
    server.requests.map(({ etag }) => etag),
    [null, '"1"'],
    "the cache has them",
  );
});

test("without a cache a server that gives no parts is asked again after a close", async () => {
  server.settings.ranges = false;
  const source = await open({ cache: false });
  await readAll(source, [[HEADER, MIB]]);
  await source.close();
  await readAll(source, [[HEADER, MIB]]);
  assert.equal(server.requests.length, 2);
});

test("a server that stops giving parts is still read", async () => {
  const source = await open();
  server.settings.ranges = false;
  await readAll(source, [[MIB, 2 * MIB]]);
});

test("a connection that breaks is gone on with where it broke", async () => {
  const source = await open();
  server.settings.breakAfter = 700_000;
  await readAll(source, [[LEAD, 2 * MIB]]);
  assert.deepEqual(
    server.requests.slice(1).map(({ range }) => Number(/=(\d+)/.exec(range)[1])),
    [LEAD, LEAD + 700_000, LEAD + 1_400_000],
  );
});

test("a connection that always breaks is given up", async () => {
  const source = await open();
  server.settings.breakAfter = 0;
  await fails(source.read(LEAD, 2 * MIB), "download", /connection broke/);
  assert.equal(server.requests.length, 4);
});

test("answers that are no model are told apart", async () => {
  const answers = [
    [() => new Response("gone", { status: 404 }), "download", /status 404/],
    [
      () => new Response("<!doctype html>", { headers: { "content-type": "text/html; charset=utf-8" } }),
      "download",
      /HTML/,
    ],
    [() => new Response("PK\u0003\u0004 something else entirely"), "bad-model", /safetensors/],
    [() => new Response("short"), "download", /found 5/],
    [() => new Response(null, { status: 416 }), "bad-model", /too short/],
    [() => new Response(null, { status: 304 }), "download", /status 304/],
  ];
  for (const [answer, code, message] of answers) {
    server.settings.answer = answer;
    await fails(open(), code, message);
  }
});

test("other bytes than those asked for are refused", async () => {
  const wrong = [
    [{ "content-range": `bytes 0-99/${file.length}` }, /Content-Range bytes 0-99/],
    [{ "content-range": `bytes ${MIB}-${2 * MIB}/${file.length}` }, /Content-Range/],
    [{ "content-range": "nonsense" }, /nonsense/],
    [{}, /nowhere/],
    [{ "content-type": "multipart/byteranges; boundary=x" }, /multipart/],
  ];
  const source = await open();
  for (const [headers, message] of wrong) {
    server.settings.answer = () => new Response(new Uint8Array(100), { status: 206, headers });
    await fails(source.read(MIB, 2 * MIB), "download", message);
  }
  const range = `bytes ${MIB}-${MIB + 9}/${file.length}`;
  server.settings.answer = () => new Response(new Uint8Array(11), { status: 206, headers: { "content-range": range } });
  await fails(source.read(MIB, 2 * MIB), "download", /more than/);
  server.settings.answer = () => new Response(new Uint8Array(0), { status: 206, headers: { "content-range": range } });
  await fails(source.read(MIB, 2 * MIB), "download", /expected bytes to/);
});

test("fewer bytes than asked for are gone on from", async () => {
  const source = await open();
  server.settings.answer = ({ range }, headers) => {
    const [start, last] = range.match(/\d+/g).map(Number);
    const end = Math.min(last + 1, start + 300_000);
    headers.set("content-range", `bytes ${start}-${end - 1}/${file.length}`);
    return new Response(file.slice(start, end), { status: 206, headers });
  };
  await readAll(source, [[MIB, 2 * MIB]]);
});

test("a file that is exchanged while it is read is noticed", async () => {
  const source = await open();
  server.file = server.file.slice();
  server.file[HEADER - 1] = "\n".charCodeAt(0);
  server.settings.etag = '"2"';
  await fails(source.read(MIB, 2 * MIB), "download", /changed.*"1", then "2"/);
  server.settings.etag = null;
  server.file = modelFile(4 * MIB);
  await fails(source.read(MIB, 2 * MIB), "download", /changed.*bytes long/);
});

test("a part of a file of another length is refused", async () => {
  const source = await open();
  server.settings.answer = ({ range }, headers) => {
    const [start, last] = range.match(/\d+/g).map(Number);
    headers.set("content-range", `bytes ${start}-${last}/${file.length + 1}`);
    return new Response(file.slice(start, last + 1), { status: 206, headers });
  };
  await fails(source.read(MIB, 2 * MIB), "download", /bytes long, then/);
});

test("weak and strong forms of one ETag are the same", async () => {
  let count = 0;
  server.settings.answer = (_, headers) => void headers.set("etag", (count += 1) % 2 ? '"x"' : 'W/"x"');
  await visit([
    [HEADER, 500_000],
    [MIB, MIB + 10],
    [2 * MIB, 2 * MIB + 10],
  ]);
  assert.equal(server.requests.length, 4, "nothing was asked for twice");
});

test("ETags that change with every answer are compared by header and length", async () => {
  let count = 0;
  server.settings.answer = (_, headers) => void headers.set("etag", `"${(count += 1)}"`);
  const ranges = Array.from({ length: 20 }, (_, i) => [HEADER + 150_000 * (i + 1), HEADER + 150_000 * (i + 1) + 10]);
  await visit(ranges, { cache: false });
  const headers = server.requests.filter(({ range }) => range === `bytes=0-${HEADER - 1}`);
  assert(headers.length >= 1 && headers.length <= 4, `the header was read ${headers.length} times`);
});

test("an ETag that changes is named where no length tells the file from another one", async () => {
  const source = await open();
  server.settings.answer = ({ range }, headers) => {
    const [start, last] = range.match(/\d+/g).map(Number);
    headers.set("content-range", `bytes ${start}-${last}/*`);
    headers.set("etag", '"2"');
    return new Response(file.slice(start, last + 1), { status: 206, headers });
  };
  await fails(source.read(MIB, 2 * MIB), "download", /unstable.*"1", then "2"/);
});

test("a long header whose parts have different ETags is read in one piece", async () => {
  server = new FakeServer(modelFile(1000, 300_000));
  let count = 0;
  server.settings.answer = (_, headers) => void headers.set("etag", `"${(count += 1)}"`);
  await visit([[300_000, 301_000]]);
  const asked = server.requests.map(({ range }) => range);
  assert.deepEqual(asked.slice(0, 3), [`bytes=0-${LEAD - 1}`, `bytes=${LEAD}-299999`, "bytes=0-299999"]);
});

test("a part that is compressed is refused", async () => {
  server.settings.answer = (_, headers) => void headers.set("content-encoding", "br");
  await fails(open(), "download", /found one in br/);
});

test("headers of the caller's go with every request, and never into a message", async () => {
  let token = 0;
  const carried = {
    name: "modelHeaders",
    headers: async () => ({ Authorization: `Bearer secret-${(token += 1)}` }),
    credentials: undefined,
  };
  const source = await open({ carried });
  await readAll(source, [[MIB, 2 * MIB]]);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.get("authorization")),
    ["Bearer secret-1", "Bearer secret-2"],
  );
  assert.equal(server.requests[1].range, `bytes=${MIB}-${2 * MIB - 1}`, "our own headers go too");
  server.settings.answer = () => new Response("no", { status: 401 });
  await assert.rejects(source.read(MIB, 3 * MIB), ({ message }) => /401/.test(message) && !/secret/.test(message));
});

test("another model at the same address replaces the old one", async () => {
  await visit([[HEADER, MIB]]);
  server.file = modelFile(2 * MIB, 300);
  server.settings.etag = '"2"';
  // The hash covers graph and weights, so that it can stay the same while every byte has moved.
  const source = await visit([[300, 2 * MIB]]);
  assert.equal(source.size, 2 * MIB + 300);
});

test("a damaged piece is fetched again", async () => {
  await visit([[HEADER, file.length]]);
  const [pieces] = [...caches.stores].filter(([name]) => name.includes(SHA)).map(([, cache]) => cache);
  const damaged = [...pieces.entries.keys()].find((url) => url.endsWith(`-${2 * MIB}`));
  pieces.entries.get(damaged).bytes = new Uint8Array(5);
  server.sent = 0;
  await visit([[HEADER, file.length]]);
  assert.equal(server.sent, MIB);
  server.sent = 0;
  await visit([[HEADER, file.length]]);
  assert.equal(server.sent, 0);
});

test("old models make room when the disk is full", async () => {
  caches.room = 5 * MIB;
  await visit([[HEADER, file.length]], { sha: "01".repeat(32) });
  await visit([[HEADER, file.length]], { sha: "02".repeat(32) });
  assert.deepEqual(
    [...caches.stores.keys()].filter((name) => name.includes("01".repeat(32))),
    [],
  );
  server.sent = 0;
  await visit([[HEADER, file.length]], { sha: "02".repeat(32) });
  assert.equal(server.sent, 0);
});

test("a cache that is full, refuses or is not there is done without", async () => {
  caches.room = MIB;
  await visit([[HEADER, file.length]]);
  globalThis.caches = { open: () => Promise.reject(new DOMException("private", "SecurityError")) };
  await visit([[HEADER, file.length]]);
  delete globalThis.caches;
  await visit([[HEADER, file.length]]);
});

test("cache: false keeps nothing", async () => {
  await visit([[HEADER, file.length]], { cache: false });
  assert.equal(caches.stores.size, 0);
});

test("two loads at once disturb each other in nothing", async () => {
  const ranges = [[HEADER, file.length]];
  await Promise.all([visit(ranges), visit(ranges)]);
  server.sent = 0;
  await visit(ranges);
  assert.equal(server.sent, 0);
});

test("a header longer than the first request is read on", async () => {
  server = new FakeServer(modelFile(1000, 300_000));
  const source = await visit([[300_000, 301_000]]);
  assert.equal(source.size, 301_000);
  assert.deepEqual(
    server.requests.map(({ range }) => range),
    [`bytes=0-${LEAD - 1}`, `bytes=${LEAD}-299999`, "bytes=300000-300999"],
  );
});

test("another origin that hides Content-Range is read by what the header states", async () => {
  server.settings.hideRange = true;
  server.settings.etag = null;
  const source = await visit([[MIB, 2 * MIB]], { address: "http://elsewhere.test/net.safetensors" });
  assert.equal(source.size, file.length);
});

test("models in memory are read by range", async () => {
  for (const model of [file.buffer, new Blob([file])]) {
    const source = await open({ address: model });
    await readAll(source, [
      [0, 8],
      [MIB, MIB + 5],
    ]);
    await fails(source.read(file.length - 1, file.length + 1), "bad-model", /expected 2/);
  }
});

test("what is no model's address is refused", async () => {
  await fails(open({ address: "file:///net.safetensors" }), "bad-argument", /File/);
  await fails(open({ address: "http://[" }), "bad-argument", /no address/);
  await fails(open({ address: 5 }), "bad-argument", /expected an address/);
});
