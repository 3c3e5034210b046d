// In the page: one subject at a time, each with `create()`, `run(pixels)` to alpha of 0 to 1, and `end()`.

/** Headwater in one split; its bytes are kept by the browser, as they are for a visitor. */
export async function headwater(size, split) {
  const { Segmenter } = await import("/package/index.js");
  let segmenter;
  return {
    async create() {
      segmenter = await Segmenter.load("/models/isnet.safetensors", { server: "/", split, size, fallback: "none" });
    },
    async run(pixels) {
      const { mask } = await segmenter.segment(pixels, { maskSize: [size, size] });
      return Float32Array.from(mask.alpha, (level) => level / 255);
    },
    end: () => segmenter.release(),
  };
}

/** ONNX Runtime Web with the whole net at this size, on the provider `webgpu` or `wasm`. */
export async function onnxruntime(size, provider) {
  const ort = await import(`/ort/ort.${provider === "webgpu" ? "webgpu" : "wasm"}.min.mjs`);
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  const net = await caches.open("net");
  let session;
  return {
    async create() {
      // Kept by the browser too: the second creation shall not pay for the network.
      if (!(await net.match("/net/model.onnx"))) await net.add("/net/model.onnx");
      const bytes = await (await net.match("/net/model.onnx")).arrayBuffer();
      session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
    },
    async run(pixels) {
      const input = new Float32Array(3 * size * size);
      for (let i = 0; i < size * size; i += 1) {
        for (let c = 0; c < 3; c += 1) input[c * size * size + i] = (pixels.data[4 * i + c] - 128) / 256;
      }
      const tensor = new ort.Tensor("float32", input, [1, 3, size, size]);
      const outputs = await session.run({ [session.inputNames[0]]: tensor });
      const alpha = Float32Array.from(await outputs[session.outputNames[0]].getData());
      tensor.dispose();
      return alpha;
    },
    end: () => session.release(),
  };
}

/** The photograph's pixels at the net's size: what every subject is given. */
export async function pixelsOf(address, size) {
  const blob = await (await fetch(address)).blob();
  const bitmap = await createImageBitmap(blob, { resizeWidth: size, resizeHeight: size, resizeQuality: "high" });
  const context = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, size, size);
}

/** Creates, runs once, runs `runs` times, creates again; milliseconds, and the first alpha. */
export async function measure(subject, pixels, runs) {
  const timed = async (what) => {
    const start = performance.now();
    const made = await what();
    return [performance.now() - start, made];
  };
  const [cold] = await timed(() => subject.create());
  const [first, alpha] = await timed(() => subject.run(pixels));
  const following = [];
  for (let i = 0; i < runs; i += 1) following.push((await timed(() => subject.run(pixels)))[0]);
  await subject.end();
  const [warm] = await timed(() => subject.create());
  await subject.end();
  following.sort((a, b) => a - b);
  return { cold, warm, first, following: following[following.length >> 1], alpha: Array.from(alpha) };
}
