// The whole net: from an ImageBitmap to the mask's bytes.
import { WASM_1, WASM_2, WEBGPU, alphaOf, pixelReader, runtime } from "./onnx.js";

async function headwater(split, { size, server }) {
  const { Segmenter } = await import("/headwater/index.js");
  const options = { split, size, fallback: "none", ...(split === "local" ? {} : { server }) };
  const segmenter = await Segmenter.load("/models/isnet.safetensors", options);
  return async (picture) => {
    const { mask } = await segmenter.segment(picture, { maskSize: [size, size] });
    return { alpha: mask.alpha };
  };
}

async function onnx(which, { size }) {
  const { ort, session } = await runtime(which);
  const net = await session("/onnx/isnet_remote/1/model.onnx");
  const read = pixelReader(size);
  return async (picture) => {
    const input = new ort.Tensor("float32", read(picture), [1, 3, size, size]);
    const output = (await net.run({ [net.inputNames[0]]: input }))[net.outputNames[0]];
    const alpha = await alphaOf(output);
    input.dispose();
    output.dispose();
    return { alpha };
  };
}

export const WHOLE = {
  "headwater local": (options) => headwater("local", options),
  "headwater U3": (options) => headwater("U3", options),
  "onnxruntime-web webgpu": (options) => onnx(WEBGPU, options),
  "onnxruntime-web wasm, 1 thread": (options) => onnx(WASM_1, options),
  "onnxruntime-web wasm, 2 threads": (options) => onnx(WASM_2, options),
};
