// The two parts of a split that the client runs: from the picture to the tensors that cross upwards, and from those
// that come back to the mask. Headwater runs first; what came back to it is what the peer's tail is given.
import { WASM_1, WASM_2, WEBGPU, alphaOf, pixelReader, runtime } from "./onnx.js";

/**
 * By its own report. Its head begins with an ImageBitmap and ends with the tensors on the host; its tail begins with
 * tensors on the host and ends with the mask's bytes. Encoding, the server and the network are in neither.
 */
async function headwater({ split, size, server }) {
  const { Segmenter } = await import("/headwater/index.js");
  const options = { split, size, server, codec: "f32", fallback: "none" };
  const segmenter = await Segmenter.load("/models/isnet.safetensors", options);
  return async (picture) => {
    const { mask, report, crossing } = await segmenter.segment(picture, { maskSize: [size, size], keepCrossing: true });
    const { head_millis, tail_millis } = report;
    return { alpha: mask.alpha, head_millis, tail_millis, ...crossing };
  };
}

/**
 * Its head begins with the input's numbers, the picture having been read before, and ends with the tensors on the
 * host; its tail is timed as ours is. What the head keeps for the tail stays on the GPU, where there is one.
 */
async function onnx(which, { split, size, up, down }) {
  const { ort, session } = await runtime(which);
  const tail = await session(`/onnx/isnet_${split}_tail/1/model.onnx`);
  const returned = new Set(down.map(({ tensor }) => tensor));
  const skips = tail.inputNames.filter((name) => !returned.has(name));
  const places = [...up.map(({ tensor }) => [tensor, "cpu"]), ...skips.map((name) => [name, "gpu-buffer"])];
  const kept = which.provider === "webgpu" ? { preferredOutputLocation: Object.fromEntries(places) } : {};
  const head = await session(`/onnx/isnet_${split}_head/1/model.onnx`, kept);
  const read = pixelReader(size);
  return async (picture) => {
    const values = read(picture);
    const answer = down.map(({ tensor, shape, values }) => [tensor, shape, Float32Array.from(values)]);

    let start = performance.now();
    const input = new ort.Tensor("float32", values, [1, 3, size, size]);
    const made = await head.run({ [head.inputNames[0]]: input });
    const sent = [];
    for (const { tensor, shape } of up) sent.push({ tensor, shape, values: await made[tensor].getData() });
    const head_millis = performance.now() - start;

    start = performance.now();
    const given = Object.fromEntries(skips.map((name) => [name, made[name]]));
    for (const [name, shape, values] of answer) given[name] = new ort.Tensor("float32", values, shape);
    const output = (await tail.run(given))[tail.outputNames[0]];
    const alpha = await alphaOf(output);
    const tail_millis = performance.now() - start;

    for (const tensor of new Set([input, output, ...Object.values(made), ...Object.values(given)])) tensor.dispose();
    return { alpha, head_millis, tail_millis, up: sent };
  };
}

export const PARTS = {
  headwater,
  "onnxruntime-web webgpu": (options) => onnx(WEBGPU, options),
  "onnxruntime-web wasm, 1 thread": (options) => onnx(WASM_1, options),
  "onnxruntime-web wasm, 2 threads": (options) => onnx(WASM_2, options),
};
