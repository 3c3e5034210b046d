// A server between the page and `headwater serve` that passes everything on, counts it, and can do each thing wrong.
import http from "node:http";

/** Answers of the server behind are passed on in pieces of this size. */
const PIECE = 64 * 1024;

export class Gate {
  /** Every request: `{ method, path, range, status, sent, body }`; `sent` counts the body's bytes as they go out. */
  requests = [];
  /** `(request, response) => true` when it has answered, or will. */
  hook = () => false;
  /** Changes a request's body before it is passed on; the length has to stay. */
  rewrite = (body) => body;
  /** `(record) => true` breaks the connection off, in the middle of an answer's body. */
  cut = () => false;
  /** Waits this long after each piece of a body. */
  pauseMillis = 0;
  /** Request headers that the server behind does not get to see. */
  hidden = [];
  /** Headers of answers that the page does not get to see. */
  withheld = [];
  #server = http.createServer((request, response) => this.#answer(request, response));
  #sockets = new Set();

  static async open(target) {
    const gate = new Gate();
    gate.target = new URL(target);
    gate.#server.on("connection", (socket) => {
      gate.#sockets.add(socket);
      socket.on("close", () => gate.#sockets.delete(socket));
    });
    await new Promise((resolve) => gate.#server.listen(0, "127.0.0.1", resolve));
    // A test that has failed must not keep the process.
    gate.#server.unref();
    gate.origin = `http://127.0.0.1:${gate.#server.address().port}`;
    return gate;
  }

  /** Everything as it was when it opened. */
  reset() {
    this.requests = [];
    this.hook = () => false;
    this.rewrite = (body) => body;
    this.cut = () => false;
    this.pauseMillis = 0;
    this.hidden = [];
    this.withheld = [];
  }

  /** Bytes of bodies that went out for paths that begin so. */
  sent(prefix) {
    return this.requests.filter(({ path }) => path.startsWith(prefix)).reduce((sum, { sent }) => sum + sent, 0);
  }

  /** No connection from now on, and none that lives on. */
  async close() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #answer(request, response) {
    const record = { method: request.method, path: request.url, range: request.headers.range, status: 0, sent: 0 };
    this.requests.push(record);
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      record.body = Buffer.concat(chunks);
      if (this.hook(request, response, record)) return;
      const headers = { ...request.headers, host: this.target.host };
      for (const name of this.hidden) delete headers[name];
      const body = this.rewrite(record.body, request);
      const behind = await new Promise((resolve, reject) => {
        http
          .request({ ...address(this.target), method: request.method, path: request.url, headers }, resolve)
          .on("error", reject)
          .end(body);
      });
      record.status = behind.statusCode;
      const answered = { ...behind.headers };
      for (const name of this.withheld) delete answered[name];
      response.writeHead(behind.statusCode, answered);
      for await (const chunk of behind) await this.#pass(chunk, response, record);
      response.end();
    } catch {
      // The page has gone away, or the server behind has: then so does this connection.
      response.destroy();
    }
  }

  async #pass(chunk, response, record) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      if (response.destroyed || this.cut(record)) throw new Error("gone");
      const piece = chunk.subarray(at, at + PIECE);
      record.sent += piece.length;
      if (!response.write(piece)) {
        await new Promise((resolve) => {
          const go = () => {
            response.off("drain", go).off("close", go);
            resolve();
          };
          response.on("drain", go).on("close", go);
        });
      }
      if (this.pauseMillis > 0) await new Promise((resolve) => setTimeout(resolve, this.pauseMillis));
    }
  }
}

function address({ hostname, port }) {
  return { hostname, port };
}
