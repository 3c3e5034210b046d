// A web server of a folder's files, readable from every origin; what is not there comes from another server.
import { createReadStream, existsSync, statSync } from "node:fs";
import http from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".css": "text/css",
};

/** Serves `folder` on a free port. `behind` is the origin of a server that gets every other request. */
export async function openSite(folder, behind) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://site.test");
    const name = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const path = join(folder, name);
    if (request.method === "GET" && existsSync(path) && statSync(path).isFile()) {
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
      createReadStream(path).pipe(response);
    } else if (behind) {
      pass(request, response, new URL(request.url, behind));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function pass(request, response, address) {
  const headers = { ...request.headers, host: address.host };
  const asked = http.request(address, { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  asked.on("error", () => response.destroy());
  response.on("close", () => asked.destroy());
  request.pipe(asked);
}
