// onnxruntime-web, as a page would use it.

/** The runtime of `entry`, whose sessions run on `provider`. */
export async function runtime({ entry, provider, threads }) {
  const ort = await import(entry);
  if (threads) ort.env.wasm.numThreads = threads;
  return {
    ort,
    async session(address, more = {}) {
      const bytes = new Uint8Array(await (await kept(address)).arrayBuffer());
      // Layers that it cannot run on the GPU it would run on the CPU, and say nothing: then there is no session.
      const extra = provider === "webgpu" ? { session: { disable_cpu_ep_fallback: "1" } } : {};
      return ort.InferenceSession.create(bytes, { executionProviders: [provider], extra, ...more });
    },
  };
}

export const WEBGPU = { entry: "/ort/ort.webgpu.min.mjs", provider: "webgpu" };
export const WASM_1 = { entry: "/ort/ort.wasm.min.mjs", provider: "wasm", threads: 1 };
export const WASM_2 = { entry: "/ort/ort.wasm.min.mjs", provider: "wasm", threads: 2 };

/** The peer keeps no model itself; a page that cares does it like this, so it counts as kept on the second visit. */
async function kept(address) {
  const cache = await caches.open("peer");
  const found = await cache.match(address);
  if (found) return found;
  const response = await fetch(address);
  await cache.put(address, response.clone());
  return response;
}

/** Pictures of size x size as the net's input, planes of red, green and blue. */
export function pixelReader(size) {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (picture) => {
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, size, size);
    const plane = size * size;
    const values = new Float32Array(3 * plane);
    for (let i = 0; i < plane; i += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        values[channel * plane + i] = (data[4 * i + channel] - 128) / 256;
      }
    }
    return values;
  };
}

export async function alphaOf(output) {
  return Uint8ClampedArray.from(await output.getData(), (value) => Math.round(255 * value));
}
