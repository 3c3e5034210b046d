// A model file, a server of one file and a Cache API, all in memory.

export const ADDRESS = "http://page.test/models/net.safetensors";
export const SHA = "ab".repeat(32);
export const MIB = 2 ** 20;

/** A safetensors file with one tensor of `dataBytes` bytes, its header padded to `headerBytes`, that states `sha256`. */
export function modelFile(dataBytes, headerBytes = 200, sha256) {
  const tensor = `"w":{"dtype":"F16","shape":[${dataBytes / 2}],"data_offsets":[0,${dataBytes}]}`;
  const metadata = sha256 ? { "headwater.v1": JSON.stringify({ name: "net", sha256 }) } : {};
  const json = `{"__metadata__":${JSON.stringify(metadata)},${tensor}}`.padEnd(headerBytes - 8, " ");
  const file = new Uint8Array(headerBytes + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes - 8), true);
  file.set(new TextEncoder().encode(json), 8);
  for (let i = headerBytes; i < file.length; i += 1) file[i] = (i * 2654435761) >>> 24;
  return file;
}

/** What fetch asks. `settings` are changed by tests as they go. */
export class FakeServer {
  requests = [];
  settings = { ranges: true, etag: '"1"', modified: null, chunk: 100_000, breakAfter: Infinity, down: false };

  constructor(file) {
    this.file = file;
  }

  /** Bytes of bodies that were really read. */
  sent = 0;

  async fetch(url, { headers = {}, signal } = {}) {
    const { settings, file } = this;
    const given = new Headers(headers);
    const request = { url: String(url), range: given.get("range"), etag: given.get("if-none-match"), headers: given };
    this.requests.push(request);
    if (settings.down) throw new TypeError("fetch failed");
    signal?.throwIfAborted();
    const found = new Headers();
    if (settings.etag) found.set("etag", settings.etag);
    if (settings.modified) found.set("last-modified", settings.modified);
    const answer = settings.answer?.(request, found);
    if (answer) return answer;
    if (request.etag !== null && request.etag === settings.etag)
      return new Response(null, { status: 304, headers: found });
    const range = settings.ranges && /^bytes=(\d+)-(\d+)$/.exec(request.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const end = range ? Math.min(file.length, Number(range[2]) + 1) : file.length;
    if (range && !settings.hideRange) found.set("content-range", `bytes ${start}-${end - 1}/${file.length}`);
    found.set("content-length", String(end - start));
    const response = new Response(this.body(start, end, signal), { status: range ? 206 : 200, headers: found });
    if (settings.hideRange) Object.defineProperty(response, "type", { value: "cors" });
    return response;
  }

  body(start, end, signal) {
    const server = this;
    let at = start;
    return new ReadableStream(
      {
        start(controller) {
          signal?.addEventListener("abort", () => controller.error(signal.reason));
        },
        async pull(controller) {
          await new Promise((resolve) => setImmediate(resolve));
          if (signal?.aborted) return;
          const { chunk, breakAfter } = server.settings;
          if (at - start >= breakAfter) return controller.error(new TypeError("terminated"));
          if (at === end) return controller.close();
          const next = Math.min(end, at + chunk);
          server.sent += next - at;
          controller.enqueue(server.file.slice(at, next));
          at = next;
        },
      },
      { highWaterMark: 0 },
    );
  }
}

/** A CacheStorage; `room` is how many bytes it takes. */
export class FakeCaches {
  stores = new Map();
  room = Infinity;

  async open(name) {
    if (!this.stores.has(name)) this.stores.set(name, new FakeCache(this));
    return this.stores.get(name);
  }

  async keys() {
    return [...this.stores.keys()];
  }

  async delete(name) {
    return this.stores.delete(name);
  }

  get used() {
    let used = 0;
    for (const { entries } of this.stores.values()) for (const { bytes } of entries.values()) used += bytes.length;
    return used;
  }
}

class FakeCache {
  entries = new Map();

  constructor(storage) {
    this.storage = storage;
  }

  async put(url, response) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (this.storage.used + bytes.length > this.storage.room) {
      throw new DOMException("no room", "QuotaExceededError");
    }
    this.entries.set(url, { bytes, headers: [...response.headers] });
  }

  async match(url) {
    const entry = this.entries.get(url);
    return entry && new Response(entry.bytes, { headers: entry.headers });
  }

  async keys() {
    return [...this.entries.keys()].map((url) => ({ url }));
  }

  async delete(request) {
    return this.entries.delete(request.url ?? request);
  }
}
