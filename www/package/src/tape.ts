// A whole file from a server that gives no parts of it: read from its start, and only as far as is needed.

import { HeadwaterError } from "./errors.js";
import type { Interval } from "./intervals.js";
import type { Body } from "./range.js";

/** Bytes of a stream, from its start, kept until it is closed. */
export class Tape {
  readonly #body: Body;
  readonly #place: string;
  readonly #got: { start: number; bytes: Uint8Array }[] = [];
  #at = 0;
  #told = 0;

  constructor(body: Body, place: string) {
    this.#body = body;
    this.#place = place;
  }

  /** How many bytes have arrived. */
  get at(): number {
    return this.#at;
  }

  /** How many of them were reported. Chunks may go on beyond what was asked for. */
  get told(): number {
    return this.#told;
  }

  /**
   * Reads on until byte `end` is there. `onBytes` gets how many more bytes up to it have come.
   *
   * @throws HeadwaterError `download` when the file ends before it, and as the stream does.
   */
  async wind(end: number, onBytes: (count: number) => void): Promise<void> {
    for (;;) {
      const count = Math.min(this.#at, end) - this.#told;
      if (count > 0) {
        this.#told += count;
        onBytes(count);
      }
      if (this.#at >= end) return;
      const bytes = await this.#body.next();
      if (!bytes) {
        throw new HeadwaterError("download", `${this.#place}: expected ${end} bytes or more, found ${this.#at}`);
      }
      this.#got.push({ start: this.#at, bytes });
      this.#at += bytes.length;
    }
  }

  /** A copy of bytes that have arrived. */
  copy([from, to]: Interval): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(to - from);
    for (const { start, bytes } of this.#got) {
      if (start >= to || start + bytes.length <= from) continue;
      const part = bytes.subarray(Math.max(0, from - start), to - start);
      out.set(part, Math.max(0, start - from));
    }
    return out;
  }

  /**
   * Closes once the request has ended by itself, of which all is there. A browser counts what is cancelled a moment
   * before its end as nothing, and gives its connection up.
   */
  async end(): Promise<void> {
    await this.#body.next().catch(() => undefined);
    this.close();
  }

  /** Ends the request and forgets the bytes. */
  close(): void {
    this.#got.length = 0;
    this.#body.cancel();
  }
}
