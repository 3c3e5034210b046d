// Carries the wire's messages by fetch. The browser's twin of src/platform/native.rs, with the same kinds of errors.

import { Deadline, abortError, raced } from "./abort.js";
import { bad, shownValue } from "./arguments.js";
import { HeadwaterError } from "./errors.js";
import type { ServerAnswer, ServerFace } from "./face.js";
import { type Carried, carry } from "./requests.js";
import { resolve } from "./source.js";

/** Bytes of JSON before the tensors. */
const HEADER_LENGTH = "Inference-Header-Content-Length";

/** How long a post may take where nobody says otherwise, in milliseconds; as natively. */
export const DEFAULT_TIMEOUT_MILLIS = 120_000;

/**
 * The absolute address of a server, without a slash at its end. One without a scheme has to begin with `/` or `.`, since
 * a host's name alone would be taken for a path of the page.
 *
 * @throws HeadwaterError `bad-argument` when it is none.
 */
export function serverAddress(address: string | URL, base: string | undefined): string {
  const text = typeof address === "string" ? address.trim() : address instanceof URL ? address.href : "";
  const wanted = "an address such as https://cut.example.com, or one that begins with / or .";
  if (text === "") bad("server", address, wanted);
  const refuse = (why: string): never => {
    throw new HeadwaterError("bad-argument", `server ${shownValue(text)}: ${why}`);
  };
  if (!/^(https?:\/\/|[/.])/i.test(text)) {
    const host = /^[\w.-]+(:\d+)?([/?#]|$)/.test(text);
    refuse(host ? `expected a scheme: did you mean "http://${text.slice(0, 200)}"?` : `expected ${wanted}`);
  }
  const url = resolve(text, base, "server");
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "") refuse(`expected ${wanted}`);
  if (url.username !== "" || url.password !== "") refuse("expected no name or password in it: see the option headers");
  const path = url.pathname.replace(/\/+$/, "");
  if (/(^|\/)v2$/.test(path)) refuse("expected it without /v2, which is added");
  return url.origin + path;
}

/** A server, as the Wasm module uses it. */
export class Server implements ServerFace {
  /** Absolute, without a slash at its end. */
  readonly address: string;
  readonly #timeout: number;
  readonly #carried: Carried;
  /** Aborts what is sent from now on: of the call that runs. */
  signal: AbortSignal | undefined;
  /** Called when a request of the Wasm module's begins, with true, and when it has ended, with false. */
  onBusy: ((busy: boolean) => void) | undefined;

  /**
   * `address` goes before `/v2` and may be relative to `base`; `timeout` is in milliseconds.
   *
   * @throws HeadwaterError `bad-argument` when either is none.
   */
  constructor(
    address: string | URL,
    base: string | undefined,
    timeout: number = DEFAULT_TIMEOUT_MILLIS,
    carried: Carried = { name: "headers", headers: undefined, credentials: undefined },
  ) {
    this.address = serverAddress(address, base);
    if (typeof timeout !== "number" || !(timeout > 0)) bad("timeout", timeout, "milliseconds above 0");
    this.#timeout = timeout;
    this.#carried = carried;
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
    this.onBusy?.(true);
    const answer = await this.#exchange(path, jsonBytes, body, maxAnswerBytes, this.#timeout, this.signal);
    this.onBusy?.(false);
    return answer;
  }

  /** A GET, as {@link send}, that waits no longer than `millis`. */
  get(path: string, maxAnswerBytes: number, millis: number, signal: AbortSignal | undefined): Promise<ServerAnswer> {
    return this.#exchange(path, undefined, undefined, maxAnswerBytes, Math.min(millis, this.#timeout), signal);
  }

  async #exchange(
    path: string,
    jsonBytes: number | undefined,
    body: Uint8Array | undefined,
    maxAnswerBytes: number,
    millis: number,
    signal: AbortSignal | undefined,
  ): Promise<ServerAnswer> {
    const url = this.address + path;
    const late = `${url} did not answer within ${millis / 1000} s`;
    const deadline = new Deadline(millis, late, signal);
    const broken = (message: string, error: unknown): HeadwaterError => {
      if (deadline.signal.aborted) return abortError(deadline.signal);
      // One of ours comes from the reading.
      if (error instanceof HeadwaterError) return error;
      return new HeadwaterError("server-unreachable", `${url} ${message}`, { cause: error });
    };
    try {
      const carried = await carry(this.#carried, deadline.signal);
      if (body) carried.headers.set("Content-Type", "application/octet-stream");
      if (jsonBytes !== undefined) carried.headers.set(HEADER_LENGTH, String(jsonBytes));
      const request = fetch(url, {
        ...carried,
        method: body ? "POST" : "GET",
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
        throw new HeadwaterError("bad-message", `${url} redirects, which is not followed: give its real address`);
      }
      const bytes = await this.#readBody(url, response, maxAnswerBytes, deadline.signal).catch((error: unknown) => {
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

  async #readBody(url: string, response: Response, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    const stated = Number(response.headers.get("content-length") ?? 0);
    const reader = response.body?.getReader();
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      if (stated > limit) {
        const message = `${url} announces ${stated} bytes, at most ${limit} could be right`;
        throw new HeadwaterError("bad-message", message);
      }
      while (reader) {
        const { done, value } = await raced(reader.read(), signal);
        if (done) break;
        length += value.length;
        if (length > limit) {
          const message = `${url} answers with more than the ${limit} bytes that could be right`;
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
