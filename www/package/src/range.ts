// One HTTP request for some bytes of a file, and everything that can be wrong with its answer.

import { Deadline, abortError, raced } from "./abort.js";
import { HeadwaterError } from "./errors.js";
import type { Interval } from "./intervals.js";
import { type Carried, carry } from "./requests.js";

/** How long a server may send nothing before it is given up, in milliseconds. */
const STALL_MILLIS = 30_000;

const NOTHING: Carried = { name: "modelHeaders", headers: undefined, credentials: undefined };

/** By what a server tells one version of a file from another. */
export interface Version {
  etag: string | null;
  modified: string | null;
}

/**
 * Whether two answers can be of one version. Of one ETag the weak and the strong form are equal: proxies that compress
 * make one of the other, and the bytes of a range that is not compressed are the same.
 */
export function sameVersion(a: Version, b: Version): boolean {
  if (a.etag !== null && b.etag !== null) return strong(a.etag) === strong(b.etag);
  return a.modified === null || b.modified === null || a.modified === b.modified;
}

function strong(etag: string): string {
  return etag.replace(/^W\//, "");
}

/** A connection that failed or broke: code `download`, and asking again may help. */
export class Broken extends HeadwaterError {
  constructor(message: string, cause?: unknown) {
    super("download", message, { cause });
  }
}

/** What came. `total` is the file's length where the server says it. A body is read to its end or cancelled. */
export type Answer = Content | { kind: "unchanged" };

/** An answer with bytes. */
export type Content =
  | { kind: "part"; bytes: Interval; total: number | null; version: Version; body: Body }
  | { kind: "whole"; total: number | null; version: Version; body: Body };

/** How {@link ask} goes about it. */
export interface Asking {
  /** Without it the whole file is asked for. */
  range?: Interval | undefined;
  /** The version at hand: the server may answer that it is still the one. */
  since?: Version | undefined;
  /** What the browser's own HTTP cache may do. */
  http: RequestCache;
  /** Headers and credentials of the caller's. */
  carried?: Carried | undefined;
  signal?: AbortSignal | undefined;
}

/** An address fit for a message: without its query, which may be a secret, and not endless. */
export function shown(url: URL): string {
  return (/^https?:$/.test(url.protocol) ? url.origin + url.pathname : url.href).slice(0, 200);
}

/**
 * Asks for bytes of `url`.
 *
 * @throws HeadwaterError `download` when it cannot be reached, answers with an error or an HTML page, or with other
 * bytes than those asked for; `bad-model` when the file ends before them; `timeout`; `aborted`.
 */
export async function ask(url: URL, asking: Asking): Promise<Answer> {
  const place = shown(url);
  const { range, since } = asking;
  const deadline = new Deadline(STALL_MILLIS, `${place} sent nothing for ${STALL_MILLIS / 1000} s`, asking.signal);
  try {
    const carried = await carry(asking.carried ?? NOTHING, deadline.signal);
    const { headers } = carried;
    if (range) headers.set("Range", `bytes=${range[0]}-${range[1] - 1}`);
    if (since?.etag) headers.set("If-None-Match", since.etag);
    else if (since?.modified) headers.set("If-Modified-Since", since.modified);
    const request = fetch(url, { ...carried, cache: asking.http, signal: deadline.signal });
    const response = await raced(request, deadline.signal).catch((error: unknown) => {
      if (deadline.signal.aborted) throw abortError(deadline.signal);
      throw new Broken(`${place} cannot be reached (no connection, or no leave to read it from this page)`, error);
    });
    deadline.rest();
    return read(response, range, since !== undefined, place, deadline);
  } catch (error) {
    deadline.stop();
    throw error;
  }
}

function read(
  response: Response,
  range: Interval | undefined,
  conditional: boolean,
  place: string,
  deadline: Deadline,
): Answer {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const refuse = (found: string): never => {
    response.body?.cancel().catch(() => undefined);
    throw new HeadwaterError("download", `${place}: ${found}`);
  };
  if (status === 304 && conditional) {
    deadline.stop();
    // It is empty, but what is never read to its end counts as cancelled, and is shown as a failure.
    response.arrayBuffer().catch(() => undefined);
    return { kind: "unchanged" };
  }
  if (status === 416) {
    response.body?.cancel().catch(() => undefined);
    throw new HeadwaterError("bad-model", `${place}: bytes ${range?.[0]} and on are not there, the file is too short`);
  }
  if (status !== 200 && status !== 206) refuse(`expected a model file, found status ${status}`);
  if (/^text\/html\b/i.test(type)) refuse(`expected a model file, found an HTML page (status ${status})`);
  const version = { etag: headers.get("etag"), modified: headers.get("last-modified") };
  const stated = byteCount(headers.get("content-length"));
  const body = new Body(response, place, deadline);
  if (status === 200) {
    // Of an encoded body the length is another one.
    return { kind: "whole", total: headers.get("content-encoding") ? null : stated, version, body };
  }
  if (!range) return refuse("status 206, though no range was asked for");
  const encoding = headers.get("content-encoding");
  if (encoding && encoding !== "identity")
    return refuse(`expected a part of the file itself, found one in ${encoding}`);
  if (/^multipart\//i.test(type)) return refuse(`expected bytes ${range[0]} to ${range[1]}, found ${type}`);
  const found = headers.get("content-range");
  if (found === null && response.type === "cors") {
    // Another origin's server that does not expose Content-Range; the body's length is still checked.
    const end = stated === null ? range[1] : range[0] + stated;
    if (end <= range[1] && end > range[0]) return { kind: "part", bytes: [range[0], end], total: null, version, body };
  }
  const parts = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(found ?? "");
  const bytes: Interval = [Number(parts?.[1]), Number(parts?.[2]) + 1];
  const total = parts?.[3] === "*" ? null : Number(parts?.[3]);
  // Fewer bytes than asked for are allowed: the rest is asked for again.
  const fits = bytes[0] === range[0] && bytes[1] <= range[1] && bytes[0] < bytes[1];
  if (!parts || !fits || (total !== null && bytes[1] > total)) {
    return refuse(`expected bytes ${range[0]} to ${range[1]}, found Content-Range ${found ?? "nowhere"}`);
  }
  return { kind: "part", bytes, total, version, body };
}

/** A body as it arrives. */
export class Body {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #place: string;
  readonly #deadline: Deadline;

  constructor(response: Response, place: string, deadline: Deadline) {
    this.#reader = response.body?.getReader();
    this.#place = place;
    this.#deadline = deadline;
  }

  /** The next bytes; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { signal } = this.#deadline;
    this.#deadline.restart();
    try {
      const read = this.#reader && (await raced(this.#reader.read(), signal));
      // Nobody is to blame for the time that the reader of this stream takes.
      this.#deadline.rest();
      if (!read?.value) this.cancel();
      return read?.value;
    } catch (error) {
      this.cancel();
      if (signal.aborted) throw abortError(signal);
      throw new Broken(`${this.#place}: the connection broke`, error);
    }
  }

  /** Ends the request. */
  cancel(): void {
    this.#deadline.stop();
    this.#reader?.cancel().catch(() => undefined);
  }
}

function byteCount(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
