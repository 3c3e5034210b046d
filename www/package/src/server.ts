// Carries the wire's messages by fetch. The browser's twin of src/platform/native.rs, with the same kinds of errors.

import { Deadline, abortError, raced } from "./abort.js";
import { HeadwaterError } from "./errors.js";
import type { ServerAnswer, ServerFace } from "./face.js";
import { resolve } from "./source.js";

/** Bytes of JSON before the tensors. */
const HEADER_LENGTH = "Inference-Header-Content-Length";

/** How long a post may take where nobody says otherwise, in milliseconds; as natively. */
export const DEFAULT_TIMEOUT_MILLIS = 120_000;

/** A server, as the Wasm module uses it. */
export class Server implements ServerFace {
  readonly #base: string;
  readonly #timeout: number;
  /** Aborts what is sent from now on: of the call that runs. */
  signal: AbortSignal | undefined;

  /**
   * `address` goes before `/v2` and may be relative to `base`; `timeout` is in milliseconds.
   *
   * @throws HeadwaterError `bad-argument` when either is none.
   */
  constructor(address: string, base: string, timeout: number = DEFAULT_TIMEOUT_MILLIS) {
    const wanted = "expected an address such as https://cut.example.com";
    if (typeof address !== "string" || address.trim() === "") {
      throw new HeadwaterError("bad-argument", `server ${JSON.stringify(address)}: ${wanted}`);
    }
    const url = resolve(address, base, "server");
    if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "" || url.username !== "") {
      throw new HeadwaterError("bad-argument", `server ${JSON.stringify(address.slice(0, 200))}: ${wanted}`);
    }
    if (!(timeout > 0)) {
      throw new HeadwaterError("bad-argument", `timeout ${timeout}: expected milliseconds above 0`);
    }
    this.#base = url.href.replace(/\/+$/, "");
    this.#timeout = timeout;
  }

  /**
   * Sends one request and reads the whole answer, whatever its status.
   *
   * @throws HeadwaterError `server-unreachable` when no connection is made or it breaks, `timeout`, `aborted`,
   * `bad-message` when the answer is a redirect or has more than `maxAnswerBytes`.
   */
  async send(
    path: string,
    jsonBytes: number | undefined,
    body: Uint8Array | undefined,
    maxAnswerBytes: number,
  ): Promise<ServerAnswer> {
    const late = `${this.#base} did not answer within ${this.#timeout / 1000} s`;
    const deadline = new Deadline(this.#timeout, late, this.signal);
    const broken = (message: string, error: unknown): HeadwaterError => {
      if (deadline.signal.aborted) return abortError(deadline.signal);
      // One of ours comes from the reading.
      if (error instanceof HeadwaterError) return error;
      return new HeadwaterError("server-unreachable", `${this.#base} ${message}`, { cause: error });
    };
    try {
      const headers: Record<string, string> = {};
      if (body) headers["Content-Type"] = "application/octet-stream";
      if (jsonBytes !== undefined) headers[HEADER_LENGTH] = String(jsonBytes);
      const request = fetch(this.#base + path, {
        method: body ? "POST" : "GET",
        headers,
        // fetch takes a copy. Wasm memory that is shared does not occur here.
        body: (body as Uint8Array<ArrayBuffer> | undefined) ?? null,
        // A redirected post would become a GET, or send the tensors to somebody else.
        redirect: "manual",
        cache: "no-store",
        signal: deadline.signal,
      });
      const response = await raced(request, deadline.signal).catch((error: unknown) => {
        throw broken("cannot be reached (it is down, or allows no requests from this page)", error);
      });
      if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400)) {
        await response.body?.cancel();
        throw new HeadwaterError(
          "bad-message",
          `the server ${this.#base} redirects, which is not followed: give its real address`,
        );
      }
      const bytes = await this.#readBody(response, maxAnswerBytes, deadline.signal).catch((error: unknown) => {
        throw broken("broke the connection off", error);
      });
      const later = response.headers.get("retry-after");
      return {
        status: response.status,
        jsonBytes: response.headers.get(HEADER_LENGTH) ?? undefined,
        contentType: response.headers.get("content-type") ?? "",
        retryAfter: later !== null && /^\d{1,9}$/.test(later) ? Number(later) : undefined,
        body: bytes,
        // What fetch gives is unpacked; the stated length, which scripts of other origins see too, is not.
        receivedBytes: Number(response.headers.get("content-length")) || bytes.length,
      };
    } finally {
      deadline.stop();
    }
  }

  async #readBody(response: Response, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    const stated = Number(response.headers.get("content-length") ?? 0);
    const reader = response.body?.getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      if (stated > limit) {
        const message = `${this.#base} announces ${stated} bytes, at most ${limit} could be right`;
        throw new HeadwaterError("bad-message", message);
      }
      while (reader) {
        const { done, value } = await raced(reader.read(), signal);
        if (done) break;
        length += value.length;
        if (length > limit) {
          const message = `${this.#base} answers with more than the ${limit} bytes that could be right`;
          throw new HeadwaterError("bad-message", message);
        }
        chunks.push(value);
      }
    } finally {
      reader?.cancel().catch(() => undefined);
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }
}
