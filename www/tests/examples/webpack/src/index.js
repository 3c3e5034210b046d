import "./in-worker.js";
import { Segmenter } from "headwater";

const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
const segmenter = await Segmenter.load("/models/isnet.safetensors", {
  size: 64,
  onProgress: ({ stage, loaded, total }) => console.log(stage, loaded, total),
});
input.onchange = async () => {
  const photo = input.files[0];
  const { mask } = await segmenter.segment(photo);
  document.body.append(await mask.cutout(photo));
};
document.body.append(input);
