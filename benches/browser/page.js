// What runs in the page: each contender loads the net, and then turns a picture of size x size pixels into a mask of
// the same size. The picture is at the net's size already, so that nobody's resize makes a difference.

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

async function headwater(split, { size, server }) {
  const { Segmenter } = await import("/headwater/index.js");
  const options = { split, size, fallback: "none", ...(split === "local" ? {} : { server }) };
  const segmenter = await Segmenter.load("/models/isnet.safetensors", options);
  return async (picture) => {
    const { mask, report } = await segmenter.segment(picture, { maskSize: [size, size] });
    return { alpha: mask.alpha, report };
  };
}

async function onnx(entry, { size, threads, provider }) {
  const ort = await import(entry);
  if (threads) ort.env.wasm.numThreads = threads;
  const bytes = new Uint8Array(await (await kept("/onnx/model.onnx")).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (picture) => {
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, size, size);
    const plane = size * size;
    const values = new Float32Array(3 * plane);
    for (let i = 0; i < plane; i += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        values[channel * plane + i] = (data[4 * i + channel] - 128) / 256;
      }
    }
    const input = new ort.Tensor("float32", values, [1, 3, size, size]);
    const output = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]];
    const alpha = Uint8ClampedArray.from(await output.getData(), (value) => Math.round(255 * value));
    input.dispose();
    output.dispose();
    return { alpha };
  };
}

/** The peer keeps no model itself; a page that cares does it like this, so it counts as kept on the second visit. */
async function kept(address) {
  const cache = await caches.open("peer");
  const found = await cache.match(address);
  if (found) return found;
  const response = await fetch(address);
  await cache.put(address, response.clone());
  return response;
}

const CONTENDERS = {
  "headwater local": (options) => headwater("local", options),
  "headwater U3": (options) => headwater("U3", options),
  "onnxruntime-web webgpu": (options) => onnx("/ort/ort.webgpu.min.mjs", { ...options, provider: "webgpu" }),
  "onnxruntime-web wasm, 1 thread": (options) =>
    onnx("/ort/ort.wasm.min.mjs", { ...options, provider: "wasm", threads: 1 }),
  "onnxruntime-web wasm, 2 threads": (options) =>
    onnx("/ort/ort.wasm.min.mjs", { ...options, provider: "wasm", threads: 2 }),
};

globalThis.bench = {
  names: Object.keys(CONTENDERS),

  async adapter() {
    const { vendor, architecture, device, description } = (await navigator.gpu.requestAdapter()).info;
    return [vendor, architecture, device, description].filter(Boolean).join(" ");
  },

  /** Milliseconds until it is ready. */
  async load(name, options) {
    const start = performance.now();
    globalThis.run = await CONTENDERS[name](options);
    return performance.now() - start;
  },

  /** Times of a first run and of `runs` more, fewer but one at least where `seconds` are over; the last mask, and what the Wasm memories have grown to. */
  async runs(address, size, runs, seconds) {
    const blob = await (await fetch(address)).blob();
    const sized = { resizeWidth: size, resizeHeight: size, resizeQuality: "high" };
    const picture = await createImageBitmap(blob, sized);
    const millis = [];
    const began = performance.now();
    let result;
    do {
      const start = performance.now();
      result = await globalThis.run(picture);
      millis.push(performance.now() - start);
    } while (millis.length < 2 || (millis.length <= runs && performance.now() - began < 1000 * seconds));
    const wasm_bytes = [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    return { millis, alpha: Array.from(result.alpha), report: result.report, wasm_bytes };
  },
};
