#!/usr/bin/env python3
"""Makes the mask goldens: what IS-Net, run by ONNX Runtime, makes of tests/photos.

    pip install onnx onnxruntime numpy pillow
    python tests/golden/make_masks.py medium.onnx [tests/golden/masks]

`medium.onnx` is the model `/models/medium` of the npm package @imgly/background-removal-data 1.4.5,
its chunks joined in order (88,188,479 bytes; `headwater pull isnet` fetches the same).

The file's weights are f16 and so is its arithmetic. The goldens are f32 arithmetic with those
weights, which is what Headwater computes in f32: every f16 constant is widened and every Cast goes.
The file also bakes the sizes of 1024 into its Resizes; here each becomes its scale, an exact power
of two, so that the net runs at 512 as well.

JPEG decoders may differ by some levels, and do: libjpeg (Pillow's) and zune-jpeg (ours) differ by 0.14 to
0.25 on average and by up to 6 on these photographs. That alone moves ONNX Runtime's own mask of the rocket
at 512 by a mean of 1.6e-3 and its IoU to 0.988. So the pixels that were used are stored as well, without
loss, as `tests/golden/pixels/<photo>.webp`.

Each mask is the net's own output before anything is resized back: SIZE x SIZE, alpha quantised to
12 bits (0..4095, the value itself, in a 16-bit grey PNG).
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIZES = (1024, 512)
OUTPUT = "output"


def widened(tensor):
    if tensor.data_type != TensorProto.FLOAT16:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)


def resize_scales(model):
    """The scale of each Resize by its output's name, from the shapes at the model's own size."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    shapes = {
        info.name: [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        for info in [*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output]
    }
    scales = {}
    for node in model.graph.node:
        if node.op_type == "Resize":
            before, after = shapes[node.input[0]], shapes[node.output[0]]
            ratio = [b / a for a, b in zip(before, after, strict=True)]
            assert all(value > 0 and np.log2(value).is_integer() for value in ratio), (node.name, before, after)
            scales[node.output[0]] = ratio
    return scales


def f32_model(model, size):
    """The model in f32 at `size`, with the one output that is the mask."""
    scales = resize_scales(model)
    graph = model.graph
    constants = {tensor.name: widened(tensor) for tensor in graph.initializer}
    renamed, producers = {}, {}
    for node in graph.node:
        if node.op_type == "Cast":
            renamed[node.output[0]] = node.input[0]
        elif node.op_type == "Constant":
            tensor = widened(node.attribute[0].t)
            tensor.name = node.output[0]
            constants[tensor.name] = tensor
        else:
            producers[node.output[0]] = node

    def source(name):
        while name in renamed:
            name = renamed[name]
        return name

    # Depth first from the mask: topological order, and nothing that the mask does not need.
    nodes, initializers, done = [], {}, set()

    def visit(name):
        name = source(name)
        if name in constants:
            initializers[name] = constants[name]
        if name in done or name not in producers:
            return name
        done.add(name)
        node = onnx.NodeProto()
        node.CopyFrom(producers[name])
        if node.op_type == "Resize":
            scale = numpy_helper.from_array(np.array(scales[name], dtype=np.float32), f"{name}.scales")
            constants[scale.name] = scale
            inputs = [node.input[0], "", scale.name]
        else:
            inputs = list(node.input)
        node.ClearField("input")
        node.input.extend([visit(each) if each else "" for each in inputs])
        nodes.append(node)
        return name

    # Where a Cast made the output, the tensor beneath it bears the mask.
    mask = visit(OUTPUT)
    dims = [1, 3, size, size]
    result = helper.make_graph(
        nodes,
        "isnet",
        [helper.make_tensor_value_info(graph.input[0].name, TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info(mask, TensorProto.FLOAT, [1, 1, size, size])],
        list(initializers.values()),
    )
    made = helper.make_model(result, opset_imports=model.opset_import)
    made.ir_version = model.ir_version
    onnx.checker.check_model(made, full_check=True)
    return made


def input_tensor(photo, size):
    """RGB, PIL's bilinear resize (antialiased when it shrinks, rounded to bytes), (x - 128) / 256."""
    pixels = np.asarray(photo.convert("RGB").resize((size, size), Image.Resampling.BILINEAR), dtype=np.float32)
    return ((pixels - 128) / 256).transpose(2, 0, 1)[None]


def main():
    here = Path(__file__).parent
    model = onnx.load(sys.argv[1])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else here / "masks"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = folder.parent / "pixels"
    pixels.mkdir(parents=True, exist_ok=True)
    for path in sorted((here.parent / "photos").glob("*.jpg")):
        target = pixels / f"{path.stem}.webp"
        Image.open(path).convert("RGB").save(target, lossless=True, quality=100, method=6)
        stored = np.asarray(Image.open(target))
        assert (stored == np.asarray(Image.open(path).convert("RGB"))).all(), target
    sys.setrecursionlimit(4 * len(model.graph.node) + 1000)
    for size in SIZES:
        session = onnxruntime.InferenceSession(
            f32_model(model, size).SerializeToString(), providers=["CPUExecutionProvider"]
        )
        for path in sorted((here.parent / "photos").glob("*.jpg")):
            (alpha,) = session.run(None, {session.get_inputs()[0].name: input_tensor(Image.open(path), size)})
            assert alpha.shape == (1, 1, size, size) and alpha.dtype == np.float32, alpha.shape
            assert alpha.min() >= 0 and alpha.max() <= 1, (alpha.min(), alpha.max())
            target = folder / f"{path.stem}-{size}.png"
            Image.fromarray(np.round(alpha[0, 0] * 4095).astype(np.uint16)).save(target, optimize=True)
            print(f"{target.name}: mean alpha {alpha.mean():.4f}, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
