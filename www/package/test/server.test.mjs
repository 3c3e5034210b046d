// The way to the server, against a real one.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { HeadwaterError } from "../lib/errors.js";
import { Server } from "../lib/server.js";

let http;
let address;
let handler;
const seen = [];

before(async () => {
  http = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks) });
      handler(response);
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${http.address().port}`;
});

after(() => {
  http.closeAllConnections();
  http.close();
});

const fails = (promise, code, message) =>
  assert.rejects(promise, (error) => {
    assert(error instanceof HeadwaterError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

test("a post and its answer arrive whole", async () => {
  handler = (response) => {
    response.writeHead(503, { "Inference-Header-Content-Length": "3", "Content-Type": "a/b", "Retry-After": "7" });
    response.end("{}!");
  };
  const server = new Server(`${address}/base/`, "http://page.test/");
  const answer = await server.send("/v2/models/net/infer", 2, new Uint8Array([123, 125, 9]), 100);
  const request = seen.at(-1);
  assert.equal(request.method, "POST");
  assert.equal(request.url, "/base/v2/models/net/infer");
  assert.equal(request.headers["inference-header-content-length"], "2");
  assert.equal(request.headers["content-type"], "application/octet-stream");
  assert.deepEqual([...request.body], [123, 125, 9]);
  const { body, ...rest } = answer;
  assert.deepEqual(rest, { status: 503, jsonBytes: "3", contentType: "a/b", retryAfter: 7, receivedBytes: 3 });
  assert.equal(Buffer.from(body).toString(), "{}!");
});

test("without a body it is a GET, and missing headers are said to be missing", async () => {
  handler = (response) => response.end();
  const answer = await new Server(address, "http://page.test/").send("/v2", undefined, undefined, 100);
  assert.equal(seen.at(-1).method, "GET");
  assert.equal(answer.jsonBytes, undefined);
  assert.equal(answer.retryAfter, undefined);
  assert.equal(answer.contentType, "");
  assert.equal(answer.body.length, 0);
});

test("a compressed answer counts as what travelled, and is limited as what it holds", async () => {
  const packed = gzipSync(Buffer.alloc(5000));
  handler = (response) => {
    response.writeHead(200, { "Content-Encoding": "gzip", "Content-Length": packed.length });
    response.end(packed);
  };
  const server = new Server(address, "http://page.test/");
  const answer = await server.send("/v2", undefined, undefined, 5000);
  assert.equal(answer.body.length, 5000);
  assert.equal(answer.receivedBytes, packed.length);
  await fails(server.send("/v2", undefined, undefined, 4999), "bad-message", /more than the 4999/);
});

test("an answer that is too large is refused, announced or not", async () => {
  const server = new Server(address, "http://page.test/");
  handler = (response) => response.end(Buffer.alloc(101));
  await fails(server.send("/v2", undefined, undefined, 100), "bad-message", /announces 101/);
  handler = (response) => {
    response.write(Buffer.alloc(90));
    // Never ends: what is over the limit must not be waited for.
    setTimeout(() => response.write(Buffer.alloc(90)), 20);
  };
  await fails(server.send("/v2", undefined, undefined, 100), "bad-message", /more than the 100/);
  handler = (response) => response.end(Buffer.alloc(100));
  assert.equal((await server.send("/v2", undefined, undefined, 100)).body.length, 100);
});

test("redirects are not followed", async () => {
  handler = (response) => response.writeHead(307, { Location: "/elsewhere" }).end();
  const before = seen.length;
  await fails(
    new Server(address, "http://page.test/").send("/v2", undefined, undefined, 100),
    "bad-message",
    /redirects/,
  );
  assert.equal(seen.length, before + 1);
});

test("a slow server times out, before and within its answer", async () => {
  const server = new Server(address, "http://page.test/", 60);
  handler = () => undefined;
  await fails(server.send("/v2", undefined, undefined, 100), "timeout", /within 0.06 s/);
  handler = (response) => response.write("a");
  await fails(server.send("/v2", undefined, undefined, 100), "timeout", /within 0.06 s/);
});

test("an abort ends it, before and within the answer", async () => {
  const server = new Server(address, "http://page.test/");
  for (const slow of [() => undefined, (response) => response.write("a")]) {
    const abort = new AbortController();
    server.signal = abort.signal;
    handler = (response) => {
      slow(response);
      setTimeout(() => abort.abort(), 20);
    };
    await fails(server.send("/v2", undefined, undefined, 100), "aborted", /aborted/);
  }
  await fails(server.send("/v2", undefined, undefined, 100), "aborted", /aborted/);
});

test("a server that is not there, or goes away, is unreachable", async () => {
  const closed = createServer();
  await new Promise((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address();
  await new Promise((resolve) => closed.close(resolve));
  const gone = new Server(`http://127.0.0.1:${port}`, "http://page.test/");
  await fails(gone.send("/v2", undefined, undefined, 100), "server-unreachable", /cannot be reached/);
  handler = (response) => {
    response.writeHead(200, { "Content-Length": "50" });
    response.write("half");
    setTimeout(() => response.destroy(), 20);
  };
  const breaking = new Server(address, "http://page.test/");
  await fails(breaking.send("/v2", undefined, undefined, 100), "server-unreachable", /broke/);
});

test("addresses are checked, and may be relative to the page", async () => {
  const wrong = ["", " ", "ftp://a", "http://a/?q=1", "http://a/#x", "http://me@a", "http://[", 5];
  for (const address of wrong) {
    assert.throws(() => new Server(address, "http://page.test/"), { code: "bad-argument" }, String(address));
  }
  assert.throws(() => new Server("/", "http://page.test/", 0), { code: "bad-argument" });
  handler = (response) => response.end();
  await new Server("/", `${address}/app/`).send("/v2", undefined, undefined, 100);
  assert.equal(seen.at(-1).url, "/v2");
});
