#!/usr/bin/env python3
"""Makes the operator goldens: small graphs, their inputs, and what ONNX Runtime makes of them.

    pip install onnx onnxruntime numpy
    python tests/golden/make_operators.py [tests/golden/operators]

Each case is built twice by the same calls, as an ONNX file (`<case>.onnx`, opset 19) and as the JSON
of `src/graph.rs`, so that the reference interpreter is tested without the importer and the importer
against the same answers. `cases.safetensors` holds the JSON of all cases under the metadata key
`cases`, and the tensors `<case>/input/<name>`, `<case>/output/<name>` and `<case>/weight/<name>`.

ONNX Runtime runs without graph optimisations, one thread, f32. Values are deterministic.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 19


class Case:
    """One graph, growing node by node in both forms."""

    def __init__(self, name):
        self.name = name
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.tensors = []  # names of activations, in our order
        self.inputs = []
        self.values = {}  # name -> array, for inputs
        self.weights = {}  # name -> array, for our graph
        self.onnx_nodes = []
        self.onnx_constants = []
        self.nodes = []
        self.outputs = []

    def value(self, *shape, low=-1.0, high=1.0):
        return self.rng.uniform(low, high, shape).astype(np.float32)

    def input(self, *shape, low=-2.0, high=2.0, values=None):
        name = f"x{len(self.inputs)}"
        self.inputs.append(name)
        self.tensors.append(name)
        self.values[name] = self.value(*shape, low=low, high=high) if values is None else values.astype(np.float32)
        return name

    def weight(self, array):
        """A constant of both forms."""
        name = f"w{len(self.weights)}"
        self.weights[name] = array.astype(np.float32)
        self.onnx_constants.append(numpy_helper.from_array(self.weights[name], name))
        return name

    def constant(self, array):
        """A constant that only the ONNX form has: sizes, scales, pads."""
        name = f"c{len(self.onnx_constants)}"
        self.onnx_constants.append(numpy_helper.from_array(array, name))
        return name

    def onnx(self, kind, inputs, output=None, **attributes):
        output = output or f"o{len(self.onnx_nodes)}"
        self.onnx_nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{len(self.onnx_nodes)}", **attributes))
        return output

    def node(self, op, inputs, output, weights=()):
        self.tensors.append(output)
        self.nodes.append((op, list(inputs), list(weights), output))
        return output

    def both(self, kind, op, inputs, weights=(), extra=(), **attributes):
        """The same single operator in both forms."""
        output = self.onnx(kind, [*inputs, *weights, *extra], **attributes)
        return self.node(op, inputs, output, weights)

    # Operators -----------------------------------------------------------------------------------

    def conv_attributes(self, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), groups=1):
        ours = dict(groups=groups, strides=list(strides), dilations=list(dilations), pads=list(pads))
        theirs = dict(group=groups, strides=list(strides), dilations=list(dilations), pads=list(pads))
        return ours, theirs

    def conv(self, x, channels, out, kernel=(3, 3), bias=True, groups=1, **attributes):
        ours, theirs = self.conv_attributes(groups=groups, **attributes)
        weights = [self.weight(self.value(out, channels // groups, *kernel))]
        if bias:
            weights.append(self.weight(self.value(out)))
        return self.both("Conv", {"type": "conv", **ours}, [x], weights, kernel_shape=list(kernel), **theirs)

    def conv_transpose(self, x, channels, out, kernel, output_padding=(0, 0), bias=True, groups=1, **attributes):
        ours, theirs = self.conv_attributes(groups=groups, **attributes)
        weights = [self.weight(self.value(channels, out // groups, *kernel))]
        if bias:
            weights.append(self.weight(self.value(out)))
        ours["output_padding"] = theirs["output_padding"] = list(output_padding)
        return self.both("ConvTranspose", {"type": "conv_transpose", **ours}, [x], weights, kernel_shape=list(kernel), **theirs)

    def pool(self, x, kind, window, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), ceil_mode=False):
        ours = dict(type="pool", kind=kind, window=list(window), strides=list(strides), dilations=list(dilations),
                    pads=list(pads), ceil_mode=ceil_mode)
        theirs = dict(kernel_shape=list(window), strides=list(strides), dilations=list(dilations), pads=list(pads),
                      ceil_mode=int(ceil_mode))
        if kind == "max":
            return self.both("MaxPool", ours, [x], **theirs)
        return self.both("AveragePool", ours, [x], count_include_pad=int(kind == "average_with_pads"), **theirs)

    def resize(self, x, shape, coordinates, mode="linear", scales=None, sizes=None):
        """By scales or by sizes, in ONNX; always by scales in our form."""
        ours_mode = "linear" if mode == "linear" else {"nearest": mode}
        if sizes is not None:
            extra = ["", "", self.constant(np.array([*shape[:2], *sizes], dtype=np.int64))]
            scales = [sizes[0] / shape[2], sizes[1] / shape[3]]
        else:
            extra = ["", self.constant(np.array([1, 1, *scales], dtype=np.float32))]
        theirs = dict(mode="linear" if mode == "linear" else "nearest", coordinate_transformation_mode=coordinates)
        if mode != "linear":
            theirs["nearest_mode"] = mode
        ours = dict(type="resize", mode=ours_mode, coordinates=coordinates, scales=list(map(float, scales)))
        return self.both("Resize", ours, [x], extra=extra, **theirs)

    def activation(self, x, function, **parameters):
        op = {"type": "activation", "function": function, **parameters}
        names = dict(relu="Relu", sigmoid="Sigmoid", tanh="Tanh", hard_swish="HardSwish",
                     leaky_relu="LeakyRelu", hard_sigmoid="HardSigmoid")
        if function == "clip":
            extra = [self.constant(np.array(parameters[side], dtype=np.float32)) for side in ("min", "max")]
            return self.both("Clip", op, [x], extra=extra)
        if function == "silu":
            return self.node(op, [x], self.onnx("Mul", [x, self.onnx("Sigmoid", [x])]))
        return self.both(names[function], op, [x], **parameters)

    def binary(self, function, a, b):
        return self.both(function.capitalize(), {"type": "binary", "function": function}, [a, b])

    def binary_constant(self, function, x, constant, first=False):
        op = {"type": "binary", "function": function}
        if first:
            op["constant_first"] = True
        weight = self.weight(constant)
        output = self.onnx(function.capitalize(), [weight, x] if first else [x, weight])
        return self.node(op, [x], output, [weight])

    def concat(self, *inputs):
        return self.both("Concat", {"type": "concat"}, inputs, axis=1)

    def pad(self, x, pads, mode, value=0.0):
        top, left, bottom, right = pads
        extra = [self.constant(np.array([0, 0, top, left, 0, 0, bottom, right], dtype=np.int64))]
        ours = {"fill": mode}
        if mode == "constant":
            ours["value"] = value
            extra.append(self.constant(np.array(value, dtype=np.float32)))
        return self.both("Pad", {"type": "pad", "pads": list(pads), "mode": ours}, [x], extra=extra, mode=mode)

    def slice(self, x, *axes):
        """Each of `axes` is (axis, start, end, step)."""
        columns = [np.array(column, dtype=np.int64) for column in zip(*axes)]
        extra = [self.constant(columns[index]) for index in (1, 2, 0, 3)]
        ours = [dict(axis=a, start=s, end=e, step=t) for a, s, e, t in axes]
        return self.both("Slice", {"type": "slice", "axes": ours}, [x], extra=extra)

    def reshape(self, x, *shape):
        extra = [self.constant(np.array(shape, dtype=np.int64))]
        return self.both("Reshape", {"type": "reshape", "shape": list(shape)}, [x], extra=extra)

    def transpose(self, x, *axes):
        return self.both("Transpose", {"type": "transpose", "axes": list(axes)}, [x], perm=list(axes))

    # Results -------------------------------------------------------------------------------------

    def model(self, outputs, shapes=None):
        info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, self.values[n].shape) for n in self.inputs]
        results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes and shapes[n].shape) for n in outputs]
        graph = helper.make_graph(self.onnx_nodes, self.name, info, results, self.onnx_constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="make_operators.py")
        model.ir_version = 9
        return model

    def run(self, outputs):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            self.model(outputs).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return dict(zip(outputs, session.run(outputs, self.values)))

    def finish(self, *outputs):
        self.outputs = list(outputs)
        made = self.run([node[3] for node in self.nodes])
        shapes = {name: list(array.shape) for name, array in [*self.values.items(), *made.items()]}
        self.expected = {name: made[name] for name in outputs}
        tensors = {name: index for index, name in enumerate(self.tensors)}
        weights = {name: index for index, name in enumerate(self.weights)}
        self.graph = dict(
            tensors=[dict(name=name, shape=shapes[name]) for name in self.tensors],
            weights=[dict(name=name, shape=list(array.shape)) for name, array in self.weights.items()],
            nodes=[
                dict(name=output, op=op, inputs=[tensors[i] for i in inputs], weights=[weights[w] for w in constants],
                     output=tensors[output])
                for op, inputs, constants, output in self.nodes
            ],
            inputs=[tensors[name] for name in self.inputs],
            outputs=[tensors[name] for name in outputs],
        )
        for name in outputs:
            assert np.isfinite(self.expected[name]).all(), (self.name, name)
        return self


def convolutions():
    for name, channels, out, size, options in [
        ("3x3", 3, 5, (9, 7), dict(pads=(1, 1, 1, 1))),
        ("1x1", 7, 3, (5, 6), dict(kernel=(1, 1))),
        ("1x1_to_one", 5, 1, (4, 7), dict(kernel=(1, 1), bias=False)),
        ("stride2", 1, 4, (11, 8), dict(strides=(2, 2), pads=(1, 1, 1, 1))),
        ("asymmetric", 3, 3, (7, 9), dict(pads=(0, 1, 2, 3), strides=(1, 2))),
        ("dilated2", 5, 7, (9, 10), dict(dilations=(2, 2), pads=(2, 2, 2, 2))),
        ("dilated8", 4, 4, (6, 5), dict(dilations=(8, 8), pads=(8, 8, 8, 8))),
        ("dilated_uneven", 2, 3, (13, 9), dict(dilations=(3, 1), strides=(2, 1), pads=(3, 1, 3, 1))),
        ("5x3", 3, 2, (8, 8), dict(kernel=(5, 3), pads=(2, 1, 2, 1))),
        ("2x2_valid", 6, 6, (7, 7), dict(kernel=(2, 2), strides=(2, 2), bias=False)),
        ("7x7_stride4", 3, 8, (17, 15), dict(kernel=(7, 7), strides=(4, 4), pads=(3, 3, 3, 3))),
        ("groups", 6, 9, (6, 7), dict(groups=3, pads=(1, 1, 1, 1))),
        ("depthwise", 7, 7, (8, 5), dict(groups=7, pads=(1, 1, 1, 1))),
        ("depthwise_twice", 3, 6, (7, 7), dict(groups=3, strides=(2, 2), pads=(0, 0, 1, 1))),
        ("many_channels", 37, 11, (5, 5), dict(pads=(1, 1, 1, 1))),
        ("one_pixel", 5, 3, (1, 1), dict(pads=(1, 1, 1, 1))),
    ]:
        case = Case(f"conv_{name}")
        x = case.input(1, channels, *size)
        yield case.finish(case.conv(x, channels, out, **options))


def fused_convolutions():
    """ONNX writes them as several nodes; ours is one."""
    attributes = dict(pads=(1, 1, 1, 1))

    case = Case("fused_concat_relu")
    parts = [case.input(1, c, 6, 7) for c in (3, 5, 1)]
    weights = [case.weight(case.value(6, 9, 3, 3)), case.weight(case.value(6))]
    ours, theirs = case.conv_attributes(**attributes)
    y = case.onnx("Relu", [case.onnx("Conv", [case.onnx("Concat", parts, axis=1), *weights], **theirs)])
    op = {"type": "conv", **ours, "epilogue": {"before": {"function": "relu"}}}
    yield case.finish(case.node(op, parts, y, weights))

    case = Case("fused_residual")
    x, residual = case.input(1, 3, 5, 7), case.input(1, 5, 5, 7)
    weights = [case.weight(case.value(5, 3, 3, 3)), case.weight(case.value(5))]
    y = case.onnx("Add", [case.onnx("Relu", [case.onnx("Conv", [x, *weights], **theirs)]), residual])
    op = {"type": "conv", **ours, "epilogue": {"before": {"function": "relu"}, "residual": True}}
    yield case.finish(case.node(op, [x, residual], y, weights))

    case = Case("fused_concat_residual_clip")
    parts = [case.input(1, c, 5, 6) for c in (2, 4)]
    residual = case.input(1, 6, 5, 6)
    ours, theirs = case.conv_attributes(groups=2, **attributes)
    weights = [case.weight(case.value(6, 3, 3, 3))]
    total = case.onnx("Add", [case.onnx("Conv", [case.onnx("Concat", parts, axis=1), *weights], **theirs), residual])
    limits = [case.constant(np.array(limit, dtype=np.float32)) for limit in (0, 6)]
    y = case.onnx("Clip", [total, *limits])
    op = {"type": "conv", **ours, "epilogue": {"residual": True, "after": {"function": "clip", "min": 0, "max": 6}}}
    yield case.finish(case.node(op, [*parts, residual], y, weights))

    case = Case("fused_before_and_after")
    x, residual = case.input(1, 7, 4, 4), case.input(1, 3, 4, 4)
    weights = [case.weight(case.value(3, 7, 1, 1)), case.weight(case.value(3))]
    ours, theirs = case.conv_attributes()
    before = case.onnx("LeakyRelu", [case.onnx("Conv", [x, *weights], **theirs)], alpha=0.25)
    y = case.onnx("Sigmoid", [case.onnx("Add", [before, residual])])
    op = {"type": "conv", **ours,
          "epilogue": {"before": {"function": "leaky_relu", "alpha": 0.25}, "residual": True, "after": {"function": "sigmoid"}}}
    yield case.finish(case.node(op, [x, residual], y, weights))


def transposed_convolutions():
    for name, channels, out, size, kernel, options in [
        ("2x2", 5, 3, (4, 5), (2, 2), dict(strides=(2, 2))),
        ("4x4", 3, 7, (5, 4), (4, 4), dict(strides=(2, 2), pads=(1, 1, 1, 1), bias=False)),
        ("output_padding", 4, 1, (3, 5), (3, 3), dict(strides=(2, 2), pads=(1, 1, 1, 1), output_padding=(1, 1))),
        ("groups", 6, 4, (4, 3), (3, 3), dict(groups=2, strides=(2, 1), pads=(0, 1, 1, 0))),
        ("depthwise", 5, 5, (4, 4), (3, 2), dict(groups=5, strides=(3, 2))),
        ("dilated", 2, 3, (5, 5), (3, 3), dict(dilations=(2, 3), strides=(1, 2), output_padding=(0, 1))),
    ]:
        case = Case(f"conv_transpose_{name}")
        x = case.input(1, channels, *size)
        yield case.finish(case.conv_transpose(x, channels, out, kernel, **options))


def pools():
    for name, size, options in [
        ("max_2x2", (8, 6), dict(kind="max", window=(2, 2), strides=(2, 2))),
        ("max_ceil", (7, 9), dict(kind="max", window=(2, 2), strides=(2, 2), ceil_mode=True)),
        ("max_ceil_dropped_window", (4, 4), dict(kind="max", window=(2, 2), strides=(3, 3), pads=(1, 1, 1, 1), ceil_mode=True)),
        ("max_padded", (7, 5), dict(kind="max", window=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))),
        ("max_dilated", (9, 8), dict(kind="max", window=(3, 2), dilations=(2, 3), pads=(1, 0, 2, 1))),
        ("max_5x5_same", (6, 7), dict(kind="max", window=(5, 5), pads=(2, 2, 2, 2))),
        ("average", (6, 7), dict(kind="average", window=(2, 3), strides=(2, 1))),
        ("average_padded", (7, 6), dict(kind="average", window=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))),
        ("average_with_pads", (7, 6), dict(kind="average_with_pads", window=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1))),
        ("average_asymmetric", (5, 6), dict(kind="average", window=(3, 3), pads=(0, 1, 2, 0))),
        ("average_ceil", (7, 8), dict(kind="average", window=(3, 3), strides=(2, 2), ceil_mode=True)),
        ("average_with_pads_ceil", (7, 8), dict(kind="average_with_pads", window=(3, 3), strides=(2, 2), pads=(1, 1, 1, 1), ceil_mode=True)),
        ("average_dilated", (8, 9), dict(kind="average", window=(2, 2), dilations=(3, 2), pads=(1, 1, 1, 1))),
    ]:
        case = Case(f"pool_{name}")
        # Below zero, so that a greatest value of 0 can only come from a wrong start.
        x = case.input(1, 3, *size, low=-3.0, high=-1.0 if "padded" in name else 2.0)
        yield case.finish(case.pool(x, **options))
    case = Case("pool_global_average")
    x = case.input(1, 5, 7, 3)
    yield case.finish(case.both("GlobalAveragePool", {"type": "global_average_pool"}, [x]))


def resizes():
    every = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
    for coordinates in every:
        for name, size, target in [
            ("up", (5, 7), dict(scales=(2.0, 2.0))),
            ("down", (9, 8), dict(scales=(0.5, 0.5))),
            ("to_sizes", (7, 5), dict(sizes=(10, 3))),
            ("uneven", (6, 6), dict(scales=(1.6, 3.0))),
            ("to_one", (4, 3), dict(sizes=(1, 1))),
        ]:
            case = Case(f"resize_linear_{coordinates}_{name}")
            shape = (1, 2, *size)
            yield case.finish(case.resize(case.input(*shape), shape, coordinates, **target))
    for coordinates in every:
        for mode in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
            # Both directions in one graph, so that the files stay few. 6 to 3 hits exact halves.
            case = Case(f"resize_nearest_{coordinates}_{mode}")
            shape = (1, 2, 6, 5)
            x = case.input(*shape)
            outputs = [case.resize(x, shape, coordinates, mode, **target)
                       for target in (dict(scales=(2.0, 3.0)), dict(scales=(0.5, 0.5)), dict(sizes=(8, 7)))]
            yield case.finish(*outputs)


def pointwise():
    for name, function, parameters in [
        ("relu", "relu", {}),
        ("leaky_relu", "leaky_relu", dict(alpha=0.1)),
        ("clip", "clip", dict(min=-0.5, max=1.25)),
        ("sigmoid", "sigmoid", {}),
        ("hard_sigmoid", "hard_sigmoid", dict(alpha=0.25, beta=0.4)),
        ("hard_swish", "hard_swish", {}),
        ("silu", "silu", {}),
        ("tanh", "tanh", {}),
    ]:
        case = Case(f"activation_{name}")
        values = np.concatenate([np.linspace(-9, 9, 37), [0.0, -0.0, 50.0, -50.0, 100.0]])
        x = case.input(values=values.reshape(1, 3, 2, 7))
        yield case.finish(case.activation(x, function, **parameters))
    for function in ["add", "sub", "mul"]:
        case = Case(f"binary_{function}")
        a, b = case.input(1, 5, 3, 4), case.input(1, 5, 3, 4)
        channels, plane = case.input(1, 5, 1, 1), case.input(1, 1, 3, 4)
        outputs = [case.binary(function, a, b), case.binary(function, a, channels), case.binary(function, plane, a),
                   case.binary(function, channels, plane)]
        yield case.finish(*outputs)
        case = Case(f"binary_{function}_constant")
        x = case.input(1, 5, 3, 4)
        yield case.finish(
            case.binary_constant(function, x, case.value(1, 5, 1, 1)),
            case.binary_constant(function, x, case.value(5, 1, 1), first=True),
            case.binary_constant(function, x, case.value(), first=True),
            case.binary_constant(function, x, case.value(4)),
        )
    case = Case("softmax")
    x, wide = case.input(1, 7, 3, 2), case.input(1, 3, 2, 2, low=-90.0, high=90.0)
    yield case.finish(*[case.both("Softmax", {"type": "softmax"}, [one], axis=1) for one in (x, wide)])


def layouts():
    case = Case("concat")
    parts = [case.input(1, channels, 3, 5) for channels in (3, 1, 6)]
    yield case.finish(case.concat(*parts), case.concat(parts[1], parts[1]))
    for mode in ["constant", "reflect", "edge"]:
        case = Case(f"pad_{mode}")
        x = case.input(1, 3, 5, 6)
        value = dict(value=-1.5) if mode == "constant" else {}
        yield case.finish(case.pad(x, (1, 2, 3, 4), mode, **value), case.pad(x, (0, 5, 4, 0), mode, **value))
    case = Case("slice")
    x = case.input(1, 7, 9, 8)
    yield case.finish(
        case.slice(x, (1, 2, 5, 1)),
        case.slice(x, (2, 1, 9, 2), (3, -5, -1, 3)),
        case.slice(x, (3, -100, 2**62, 4), (1, 5, 100, 1), (2, -3, 2**31 - 1, 1)),
    )
    case = Case("views")
    x, row = case.input(1, 3, 4, 5), case.input(1, 3, 1, 5)
    yield case.finish(case.reshape(x, 0, 0, -1), case.reshape(x, 1, 3, 2, 10), case.transpose(row, 0, 1, 3, 2))


def nets():
    case = Case("net_residual_u")
    x = case.input(1, 3, 13, 11)
    top = case.activation(case.conv(x, 3, 6, pads=(1, 1, 1, 1)), "relu")
    low = case.pool(top, "max", (2, 2), (2, 2), ceil_mode=True)
    low = case.activation(case.conv(low, 6, 7, pads=(2, 2, 2, 2), dilations=(2, 2)), "relu")
    up = case.resize(low, (1, 7, 7, 6), "half_pixel", sizes=(13, 11))
    joined = case.concat(up, top)
    out = case.activation(case.conv(joined, 13, 6, pads=(1, 1, 1, 1)), "relu")
    total = case.binary("add", out, top)
    yield case.finish(case.activation(case.conv(total, 6, 1, (1, 1)), "sigmoid"), low)

    case = Case("net_mobile")
    x = case.input(1, 5, 10, 9)
    wide = case.activation(case.conv(x, 5, 10, (1, 1)), "hard_swish")
    deep = case.conv(wide, 10, 10, groups=10, strides=(2, 2), pads=(1, 1, 1, 1))
    gate = case.both("GlobalAveragePool", {"type": "global_average_pool"}, [deep])
    gate = case.activation(case.conv(gate, 10, 10, (1, 1)), "hard_sigmoid", alpha=1 / 6, beta=0.5)
    gated = case.binary("mul", deep, gate)
    yield case.finish(case.conv_transpose(gated, 10, 2, (2, 2), strides=(2, 2)))


def write_safetensors(path, metadata, tensors):
    """The format's few rules, written out: lengths, JSON header, then the bytes without gaps."""
    header, offset = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        header[name] = dict(dtype="F32", shape=list(array.shape), data_offsets=[offset, offset + array.nbytes])
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array, dtype="<f4").tobytes())


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "operators")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.onnx"):
        old.unlink()
    makers = [convolutions, fused_convolutions, transposed_convolutions, pools, resizes, pointwise, layouts, nets]
    cases = [case for maker in makers for case in maker()]
    tensors = {}
    for case in cases:
        model = case.model(case.outputs, case.expected)
        onnx.checker.check_model(model)
        (folder / f"{case.name}.onnx").write_bytes(model.SerializeToString())
        for kind, arrays in [("input", case.values), ("weight", case.weights), ("output", case.expected)]:
            tensors.update({f"{case.name}/{kind}/{name}": array for name, array in arrays.items()})
    listing = json.dumps([dict(name=case.name, graph=case.graph) for case in cases], separators=(",", ":"))
    made_with = f"onnxruntime {onnxruntime.__version__}, opset {OPSET}"
    write_safetensors(folder / "cases.safetensors", {"cases": listing, "made_with": made_with}, tensors)
    print(f"{len(cases)} cases with {made_with}")


if __name__ == "__main__":
    main()
