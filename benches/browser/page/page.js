// What runs in the page: contenders load a net, and then turn a picture of size x size pixels into a mask of the same
// size. The picture is at the net's size already, so that nobody's resize makes a difference.
import { PARTS } from "./parts.js";
import { WHOLE } from "./whole.js";

/** Every Wasm memory of this page, for their size. */
const memories = new Set();
for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (source, imports) => {
    const made = await original.call(WebAssembly, source, imports);
    const found = [
      ...Object.values(imports ?? {}).flatMap(Object.values),
      ...Object.values((made.instance ?? made).exports),
    ];
    for (const value of found) if (value instanceof WebAssembly.Memory) memories.add(value);
    return made;
  };
}

const CONTENDERS = { whole: WHOLE, parts: PARTS };

globalThis.bench = {
  /** Of `whole` or `parts`, in the order in which they have to run. */
  names: (kind) => Object.keys(CONTENDERS[kind]),

  async adapter() {
    const { vendor, architecture, device, description } = (await navigator.gpu.requestAdapter()).info;
    return [vendor, architecture, device, description].filter(Boolean).join(" ");
  },

  /** Milliseconds until it is ready. */
  async load(kind, name, options) {
    const start = performance.now();
    globalThis.run = await CONTENDERS[kind][name](options);
    return performance.now() - start;
  },

  /**
   * Times of a first run and of `runs` more; fewer, but one at least, where `seconds` are over, and none where the
   * first alone has used them up. With them what the last run made, and what the Wasm memories have grown to.
   */
  async runs(address, size, runs, seconds) {
    const blob = await (await fetch(address)).blob();
    const sized = { resizeWidth: size, resizeHeight: size, resizeQuality: "high" };
    const picture = await createImageBitmap(blob, sized);
    const times = [];
    const began = performance.now();
    const over = () => performance.now() - began >= 1000 * seconds;
    let made;
    do {
      const start = performance.now();
      made = await globalThis.run(picture);
      // Contenders that run parts say themselves how long those took: what stands between is not theirs.
      const { head_millis, tail_millis } = made;
      const millis = head_millis === undefined ? performance.now() - start : head_millis + tail_millis;
      times.push({ millis, head_millis, tail_millis });
    } while (!over() ? times.length <= runs : times.length === 1 && times[0].millis < 1000 * seconds);
    const wasm_bytes = [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    const { alpha, up, down } = made;
    return { times, alpha: Array.from(alpha), up: up && plain(up), down: down && plain(down), wasm_bytes };
  },
};

/** Tensors as they can leave the page. */
function plain(tensors) {
  return tensors.map(({ tensor, shape, values }) => ({ tensor, shape, values: Array.from(values) }));
}
