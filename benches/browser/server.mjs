// Files for the page, whole or by range, and how many bytes they took.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, resolve as place, sep } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Serves `folders`, `{ prefix: folder }`, on a free port. Scripts and Wasm go compressed, as web servers send them;
 * models do not. Pages are cross-origin isolated, without which the peer's Wasm has one thread.
 */
export async function serveFiles(folders) {
  const compressed = new Map();
  const count = { bytes: 0 };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
    const file = prefix && place(folders[prefix], path.slice(prefix.length));
    const size = file?.startsWith(place(folders[prefix]) + sep) && sizeOf(file);
    if (!size) return response.writeHead(404).end();
    const type = TYPES[extname(file)];
    response.setHeader("content-type", type ?? "application/octet-stream");
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("etag", `"${size}"`);
    if (type) {
      if (!compressed.has(file)) compressed.set(file, gzipSync(readFileSync(file), { level: 9 }));
      const body = compressed.get(file);
      count.bytes += body.length;
      return response
        .writeHead(200, { "content-encoding": "gzip", "content-length": body.length, "cache-control": "max-age=3600" })
        .end(body);
    }
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const [start, end] = asked ? [Number(asked[1]), Math.min(Number(asked[2] || size - 1), size - 1)] : [0, size - 1];
    const headers = { "content-length": end - start + 1, "accept-ranges": "bytes", "cache-control": "no-cache" };
    if (asked) headers["content-range"] = `bytes ${start}-${end}/${size}`;
    response.writeHead(asked ? 206 : 200, headers);
    if (request.method === "HEAD") return response.end();
    createReadStream(file, { start, end })
      .on("data", (chunk) => (count.bytes += chunk.length))
      .pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    /** Bytes of bodies since it was last asked. */
    taken() {
      const { bytes } = count;
      count.bytes = 0;
      return bytes;
    },
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}

function sizeOf(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : undefined;
}
