"""PyTorch on CUDA, with cuDNN: an ONNX file's nodes as PyTorch's own functions, channels last."""

from peers import Skipped

try:
    import onnx
    import torch
    from onnx import helper, numpy_helper
    from torch.nn import functional
except ImportError:
    torch = None


class Net:
    """One ONNX file ready to run, as `peers.Net`. Knows the operators of IS-Net and no others."""

    def __init__(self, path, precision, stay=()):
        self.device = cuda_device()
        self.dtype = torch.float16 if precision == "f16" else torch.float32
        self.tf32 = precision == "tf32"
        self.stay = set(stay)
        self.graph = onnx.load(str(path)).graph
        unknown = {node.op_type for node in self.graph.node} - OPERATORS.keys()
        if unknown:
            raise Skipped(f"not translated: {', '.join(sorted(unknown))}")
        # Read as numbers, and so left on the host.
        scales = {node.input[2] for node in self.graph.node if node.op_type == "Resize"}
        self.constants = {}
        for tensor in self.graph.initializer:
            values = numpy_helper.to_array(tensor)
            self.constants[tensor.name] = values.tolist() if tensor.name in scales else self.placed(values.copy())

    def placed(self, values):
        placed = torch.as_tensor(values).to(self.device, self.dtype)
        return placed.contiguous(memory_format=torch.channels_last) if placed.dim() == 4 else placed

    def inputs(self):
        return [tensor.name for tensor in self.graph.input]

    def __call__(self, given):
        torch.backends.cudnn.allow_tf32 = self.tf32
        torch.backends.cudnn.benchmark = True
        values = dict(self.constants)
        for name, value in given.items():
            values[name] = value if torch.is_tensor(value) else self.placed(value)
        with torch.inference_mode():
            for node in self.graph.node:
                attributes = {found.name: helper.get_attribute_value(found) for found in node.attribute}
                read = [values.get(name) for name in node.input]
                values[node.output[0]] = OPERATORS[node.op_type](attributes, *read)
        # Copies to the host wait for the device.
        made = {tensor.name: values[tensor.name] for tensor in self.graph.output}
        return {name: value if name in self.stay else value.float().cpu().numpy() for name, value in made.items()}


def convolution(attributes, x, weight, bias=None):
    top, left, bottom, right = attributes["pads"]
    assert (top, left) == (bottom, right), "pads that differ between sides"
    strides, dilations = attributes["strides"], attributes["dilations"]
    return functional.conv2d(x, weight, bias, strides, (top, left), dilations, attributes["group"])


def max_pool(attributes, x):
    assert not any(attributes["pads"]), "pads"
    up = bool(attributes["ceil_mode"])
    return functional.max_pool2d(x, attributes["kernel_shape"], attributes["strides"], ceil_mode=up)


def resize(attributes, x, _, scales):
    assert attributes["mode"] == b"linear", attributes["mode"]
    assert attributes["coordinate_transformation_mode"] in (b"half_pixel", b"pytorch_half_pixel")
    height, width = (round(side * scale) for side, scale in zip(x.shape[2:], scales[2:], strict=True))
    return functional.interpolate(x, (height, width), mode="bilinear", align_corners=False)


OPERATORS = {
    "Conv": convolution,
    "MaxPool": max_pool,
    "Resize": resize,
    "Relu": lambda _, x: functional.relu(x),
    "Add": lambda _, a, b: a + b,
    "Concat": lambda attributes, *xs: torch.cat(xs, attributes["axis"]),
    "Sigmoid": lambda _, x: x.sigmoid(),
}


def cuda_device():
    if torch is None:
        raise Skipped("PyTorch is not installed: there is no NVIDIA driver")
    if not torch.cuda.is_available():
        raise Skipped("PyTorch finds no CUDA device")
    return torch.device("cuda")


def contenders():
    def with_precision(precision):
        return lambda path, stay=(): Net(path, precision, stay)

    return {f"PyTorch cuDNN, {precision}": with_precision(precision) for precision in ("f32", "tf32", "f16")}


def version():
    return f"{torch.__version__}, cuDNN {torch.backends.cudnn.version()}" if torch else None
