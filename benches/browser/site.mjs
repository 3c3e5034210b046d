// Serves what the benchmark's page needs, isolated as a peer wants it for its threads, and passes the rest on to
// `headwater serve`.
import { createReadStream, existsSync, statSync } from "node:fs";
import http from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".html": "text/html",
};

/** `folders` are by prefix; `behind` is the address that everything else goes to. */
export async function openSite(folders, behind) {
  const server = http.createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://here").pathname);
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
    if (!prefix) return pass(request, response, behind);
    const file = join(folders[prefix], path.slice(prefix.length));
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    const headers = { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" };
    response.writeHead(200, { ...headers, "Content-Length": statSync(file).size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return `http://127.0.0.1:${server.address().port}`;
}

function pass(request, response, behind) {
  const onward = http.request(new URL(request.url, behind), { method: request.method, headers: request.headers });
  onward.on("response", (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
}
