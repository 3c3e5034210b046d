// A model file behind HTTP: its header in one request, then the ranges that are asked for, kept piece by piece.

import { check, pause } from "./abort.js";
import { PIECE_BYTES, Pieces, keepHeader, recallHeader } from "./cache.js";
import { HeadwaterError } from "./errors.js";
import { PREFIX_BYTES, headerEnd, statedBytes } from "./header.js";
import { type Interval, meet, sum, without } from "./intervals.js";
import { type Answer, Broken, type Content, type Version, ask, sameVersion, shown } from "./range.js";
import type { Carried } from "./requests.js";
import type { ModelBytes, Price, Reading } from "./source.js";
import { Tape } from "./tape.js";

/**
 * What the first request asks for. The header's length stands in the file itself; asking for it first would cost a
 * round trip on each visit. IS-Net's header is 117 kB, and what comes behind a header is not wasted: it is the first
 * layers' weights, which every split but `remote` needs.
 */
const LEAD_BYTES = 128 * 1024;

/** After so many names for one file a server's ETags are not compared any more. */
const MAX_VERSIONS = 6;

/** How often a connection may break while one range is read without a byte more having come. */
const MAX_BREAKS = 3;

/** How an {@link HttpSource} is opened. */
export interface HttpOptions {
  /** Whether bytes are kept for the next visit. */
  cache: boolean;
  /** What each request carries. */
  carried?: Carried | undefined;
  /** Whether nothing is asked of the server: the header is taken from the cache, as it was last seen. */
  cachedOnly?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Called as the header comes. `total` is null until it is known. */
  onHeader?: ((loaded: number, total: number | null) => void) | undefined;
}

/** The model at one address. */
export class HttpSource implements ModelBytes {
  readonly size: number;
  readonly #url: URL;
  readonly #carried: Carried | undefined;
  /** How the server calls the file whose header is at hand; several names where it answers with changing ones. */
  readonly #versions: Version[];
  /** Whether its names are compared no more. */
  #unstable = false;
  /** The file's first bytes: the header and perhaps more. */
  readonly #lead: Uint8Array<ArrayBuffer>;
  readonly #headerEnd: number;
  #tape: Tape | undefined;
  /** Whether the server is believed to answer with parts. */
  #parts: boolean;
  /** Whether it did when it was last asked for one. */
  readonly #gaveParts: boolean;
  #headerKept: boolean;
  #pieces: Pieces | undefined;
  /** Of the tape, up to where it is kept. */
  #kept = 0;
  readonly #cache: boolean;

  private constructor(url: URL, { cache, carried }: HttpOptions, start: Start) {
    this.#url = url;
    this.#cache = cache;
    this.#carried = carried;
    this.#versions = [start.version];
    this.#lead = start.lead;
    this.#headerEnd = headerEnd(start.lead, shown(url));
    this.#tape = start.tape;
    this.#parts = start.tape === undefined;
    this.#gaveParts = start.parts;
    this.#headerKept = start.recalled;
    this.size = start.bytes ?? statedBytes(start.lead.subarray(0, this.#headerEnd), shown(url));
  }

  /**
   * Reads the header.
   *
   * @throws HeadwaterError `download`, `bad-model`, `timeout`, `aborted`
   */
  static async open(url: URL, options: HttpOptions): Promise<HttpSource> {
    const cache = options.cache && /^https?:$/.test(url.protocol);
    const address = new URL(url);
    address.hash = "";
    const start = await readStart(address, { ...options, cache });
    try {
      const source = new HttpSource(address, { ...options, cache }, start);
      const header = source.#lead.slice(0, source.#headerEnd);
      const { version, parts } = start;
      if (cache && !start.recalled) {
        source.#headerKept = await keepHeader(address, { header, bytes: source.size, version, parts });
      }
      return source;
    } catch (error) {
      start.tape?.close();
      throw error;
    }
  }

  async identify(sha256: string): Promise<void> {
    if (!this.#cache) return;
    this.#pieces = await Pieces.open(sha256, [this.#headerEnd, this.size]);
    this.#kept = this.#headerEnd;
    const behind: Interval = [this.#headerEnd, this.#lead.length];
    if (!this.#tape && !this.#pieces?.known.some(([start, end]) => start <= behind[0] && behind[1] <= end)) {
      await this.#pieces?.put(behind[0], this.#lead.slice(...behind));
    }
  }

  cost(ranges: readonly Interval[]): number {
    const missing = this.#missing(ranges);
    const end = missing.at(-1)?.[1];
    if (!this.#tape || end === undefined) return sum(ranges);
    return sum(ranges) - sum(missing) + Math.max(0, end - this.#tape.told);
  }

  uncached(ranges: readonly Interval[]): Interval[] {
    return (this.#pieces?.known ?? []).reduce<Interval[]>(without, [...ranges]);
  }

  price(ranges: readonly Interval[]): Price {
    const header = this.#headerEnd;
    const uncached = this.uncached(ranges);
    const totalBytes = header + sum(ranges);
    const cachedBytes = totalBytes - sum(uncached) - (this.#headerKept ? 0 : header);
    // A page of another origin asks for the header again, see readStart, and with it for what comes behind.
    const asked = this.#headerKept && sameOrigin(this.#url) ? 0 : Math.max(header, Math.min(LEAD_BYTES, this.size));
    const missing = without(uncached, [0, asked]);
    if (this.#gaveParts) return { totalBytes, cachedBytes, downloadBytes: asked + sum(missing) };
    const end = uncached.at(-1)?.[1];
    return { totalBytes, cachedBytes, downloadBytes: end ?? Math.min(asked, header) };
  }

  async read(start: number, end: number, reading: Reading = {}): Promise<Uint8Array> {
    if (!(start >= 0 && start <= end && end <= this.size)) {
      throw new HeadwaterError("bad-model", `${shown(this.#url)}: bytes ${start} to ${end} of ${this.size}`);
    }
    const out = new Out([start, end], reading);
    if (meet(out.range, [0, this.#lead.length])) out.take(0, this.#lead);
    for (const piece of this.#pieces?.known ?? []) {
      check(reading.signal);
      if (!out.missing.some((gap) => meet(gap, piece))) continue;
      const bytes = await this.#pieces?.take(piece);
      if (bytes) out.take(piece[0], bytes);
    }
    while (out.missing[0]) await this.#fetch(out, out.missing[0], reading);
    return out.bytes;
  }

  async close(): Promise<void> {
    if (this.#tape) await this.#keepTape(this.#tape.at);
    this.#tape?.close();
    this.#tape = undefined;
    await this.#pieces?.settled();
  }

  #missing(ranges: readonly Interval[]): Interval[] {
    const taken: Interval[] = [[0, this.#lead.length], ...(this.#pieces?.known ?? [])];
    return taken.reduce<Interval[]>(without, [...ranges]);
  }

  /** Fills a gap from the network, going on where a broken connection left off. */
  async #fetch(out: Out, gap: Interval, reading: Reading): Promise<void> {
    let breaks = 0;
    while (out.at(gap) < gap[1]) {
      const before = out.at(gap);
      try {
        if (this.#tape || !this.#parts) await this.#wind(out, gap, reading);
        else await this.#fetchPart(out, [before, gap[1]], reading);
      } catch (error) {
        breaks = out.at(gap) > before ? 1 : breaks + 1;
        if (!(error instanceof Broken) || breaks >= MAX_BREAKS) throw error;
        this.#tape?.close();
        this.#tape = undefined;
        await pause(200 * breaks, reading.signal);
      }
    }
  }

  async #fetchPart(out: Out, range: Interval, reading: Reading): Promise<void> {
    const answer = await this.#ask(range, reading.signal);
    if (answer.kind === "whole") {
      this.#startTape(answer);
      return;
    }
    const { body, bytes } = answer;
    let kept = range[0];
    let at = range[0];
    try {
      for (let chunk = await body.next(); chunk; chunk = await body.next()) {
        if (at + chunk.length > bytes[1]) {
          throw new HeadwaterError("download", `${shown(this.#url)} sends more than bytes ${bytes[0]} to ${bytes[1]}`);
        }
        out.take(at, chunk);
        at += chunk.length;
        const boundary = at - (at % PIECE_BYTES);
        if (boundary > kept) {
          await this.#pieces?.put(kept, out.copy([kept, boundary]));
          kept = boundary;
        }
      }
    } finally {
      body.cancel();
      await this.#pieces?.put(kept, out.copy([kept, at]));
    }
    if (at < bytes[1]) throw new Broken(`${shown(this.#url)}: expected bytes to ${bytes[1]}, found them to ${at}`);
  }

  /** Asks for bytes of the version whose header is at hand. */
  async #ask(range: Interval | undefined, signal: AbortSignal | undefined): Promise<Content> {
    // What is kept here need not be kept in the browser's HTTP cache once more.
    const http = this.#pieces ? "no-store" : "default";
    const answer = await ask(this.#url, { range, signal, http, carried: this.#carried });
    if (answer.kind === "unchanged") throw new HeadwaterError("internal", "unchanged, though nothing was compared");
    try {
      if (answer.total !== null && answer.total !== this.size) {
        throw changed(this.#url, `${this.size} bytes long, then ${answer.total}`);
      }
      if (!this.#unstable && !this.#versions.some((known) => sameVersion(known, answer.version))) {
        await this.#confirm(answer, signal);
      }
      return answer;
    } catch (error) {
      answer.body.cancel();
      throw error;
    }
  }

  /**
   * Whether an answer with another ETag or date is of the same file all the same: several servers behind one address
   * may each make up their own. The header states the hash of the weights, so a file with the same header and length is
   * the same.
   */
  async #confirm({ version, total }: Content, signal: AbortSignal | undefined): Promise<void> {
    const names = [this.#versions[0] as Version, version].map(({ etag, modified }) => etag ?? modified);
    const found = `ETag ${names.join(", then ")}`;
    if (total === null) {
      const why = "and it does not state its length, so that nothing tells a new file from an old one";
      throw new HeadwaterError("download", `${shown(this.#url)}: its ETag is unstable (${found}), ${why}`);
    }
    const whole: Interval = [0, this.#headerEnd];
    const answer = await ask(this.#url, { range: whole, signal, http: "no-store", carried: this.#carried });
    if (answer.kind === "unchanged") throw new HeadwaterError("internal", "unchanged, though nothing was compared");
    const tape = new Tape(answer.body, shown(this.#url));
    try {
      await tape.wind(this.#headerEnd, () => undefined);
      const header = tape.copy(whole);
      if (header.some((byte, i) => byte !== this.#lead[i])) throw changed(this.#url, found);
      if (answer.kind === "part") await tape.end();
    } finally {
      tape.close();
    }
    this.#versions.push(version, answer.version);
    this.#unstable = this.#versions.length > MAX_VERSIONS;
  }

  async #wind(out: Out, gap: Interval, reading: Reading): Promise<void> {
    if (!this.#tape) {
      const answer = await this.#ask(undefined, reading.signal);
      if (answer.kind === "part") throw new HeadwaterError("download", `${shown(this.#url)} gave a part of a whole`);
      this.#startTape(answer);
    }
    const tape = this.#tape;
    if (!tape) return;
    await tape.wind(gap[1], (count) => reading.onBytes?.(count));
    await this.#keepTape(tape.at - (tape.at % PIECE_BYTES));
    out.fill(gap[0], tape.copy(gap));
  }

  #startTape(answer: Content): void {
    this.#tape = new Tape(answer.body, shown(this.#url));
    this.#kept = this.#headerEnd;
  }

  async #keepTape(end: number): Promise<void> {
    while (this.#pieces && this.#tape && this.#kept < end) {
      const boundary = Math.min(end, this.#kept - (this.#kept % PIECE_BYTES) + PIECE_BYTES);
      await this.#pieces.put(this.#kept, this.#tape.copy([this.#kept, boundary]));
      this.#kept = boundary;
    }
  }
}

/** A range that is being filled. */
class Out {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gaps, in order. */
  missing: Interval[];
  readonly range: Interval;
  readonly #reading: Reading;

  constructor(range: Interval, reading: Reading) {
    this.range = range;
    this.#reading = reading;
    this.bytes = new Uint8Array(range[1] - range[0]);
    this.missing = range[0] < range[1] ? [range] : [];
  }

  /** How far the gap that began as `gap` is filled. */
  at(gap: Interval): number {
    return Math.min(gap[1], this.missing.find((left) => meet(left, gap))?.[0] ?? gap[1]);
  }

  /** Takes what is missing from `bytes`, which start at `start` of the file, and tells of it. */
  take(start: number, bytes: Uint8Array): void {
    const before = sum(this.missing);
    this.fill(start, bytes);
    const count = before - sum(this.missing);
    if (count > 0) this.#reading.onBytes?.(count);
  }

  /** Takes what is missing, silently. */
  fill(start: number, bytes: Uint8Array): void {
    const end = start + bytes.length;
    for (const [from, to] of this.missing) {
      if (!meet([from, to], [start, end])) continue;
      const part = bytes.subarray(Math.max(0, from - start), to - start);
      this.bytes.set(part, Math.max(from, start) - this.range[0]);
    }
    this.missing = without(this.missing, [start, end]);
  }

  /** A copy of bytes that are there. */
  copy([start, end]: Interval): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(start - this.range[0], end - this.range[0]);
  }
}

interface Start {
  lead: Uint8Array<ArrayBuffer>;
  /** Of the file, where the server says it. */
  bytes: number | null;
  version: Version;
  tape: Tape | undefined;
  /** The header came from the cache. */
  recalled: boolean;
  /** The server answered with a part when it was last asked for one. */
  parts: boolean;
}

async function readStart(url: URL, options: HttpOptions): Promise<Start> {
  // A page of another origin may not set the headers that compare versions without asking first.
  const kept = options.cache && (options.cachedOnly || sameOrigin(url)) ? await recallHeader(url) : undefined;
  const recalled = (): Start => {
    const { header, bytes, version, parts } = kept as NonNullable<typeof kept>;
    options.onHeader?.(header.length, header.length);
    return { lead: new Uint8Array(header), bytes, version, tape: undefined, recalled: true, parts };
  };
  if (options.cachedOnly) {
    if (kept) return recalled();
    throw new HeadwaterError("download", `${shown(url)}: its header is not cached`);
  }
  let answer: Answer;
  try {
    const { signal, carried } = options;
    answer = await ask(url, { range: [0, LEAD_BYTES], since: kept?.version, http: "no-cache", signal, carried });
  } catch (error) {
    // Without a network the model is taken as it was last seen.
    if (kept && error instanceof Broken) return recalled();
    throw error;
  }
  if (answer.kind === "unchanged") return recalled();
  const started = { version: answer.version, bytes: answer.total, recalled: false, parts: answer.kind === "part" };
  const tape = new Tape(answer.body, shown(url));
  try {
    const told = (total: number | null) => (): void => options.onHeader?.(tape.at, total);
    await tape.wind(PREFIX_BYTES + 1, told(null));
    const end = headerEnd(tape.copy([0, tape.at]), shown(url));
    if (answer.kind === "whole") {
      await tape.wind(end, told(end));
      return { ...started, lead: tape.copy([0, end]), tape };
    }
    await tape.wind(answer.bytes[1], told(Math.max(end, answer.bytes[1])));
    let lead = tape.copy([0, answer.bytes[1]]);
    await tape.end();
    while (lead.length < end) lead = await readOn(url, lead, end, options, started);
    return { ...started, lead, tape: undefined };
  } catch (error) {
    tape.close();
    throw error;
  }
}

/** The rest of a header that is longer than the first request. */
async function readOn(
  url: URL,
  lead: Uint8Array<ArrayBuffer>,
  end: number,
  options: HttpOptions,
  started: { bytes: number | null; version: Version },
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, carried } = options;
  let at = lead.length;
  const next = (): Promise<Answer> => ask(url, { range: [at, end], http: "no-cache", signal, carried });
  let answer = await next();
  if (answer.kind === "part" && !sameVersion(answer.version, started.version)) {
    // Two halves could be of two files: all of it once more, in one answer.
    answer.body.cancel();
    at = 0;
    answer = await next();
  }
  const short = answer.kind === "part" && at === 0 && answer.bytes[1] < end;
  if (answer.kind !== "part" || answer.total !== started.bytes || short) {
    if (answer.kind !== "unchanged") answer.body.cancel();
    throw changed(url, "its length or its ETag is another one with each answer");
  }
  started.version = answer.version;
  const rest = new Tape(answer.body, shown(url));
  try {
    const count = answer.bytes[1] - at;
    await rest.wind(count, () => options.onHeader?.(at + rest.at, end));
    const longer = new Uint8Array(at + count);
    longer.set(lead.subarray(0, at));
    longer.set(rest.copy([0, count]), at);
    return longer;
  } finally {
    rest.close();
  }
}

function changed(url: URL, found: string): HeadwaterError {
  return new HeadwaterError("download", `${shown(url)} was changed while it was being read (${found}): load it again`);
}

function sameOrigin(url: URL): boolean {
  return typeof location !== "undefined" && location.origin === url.origin;
}
