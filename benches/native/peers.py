"""ONNX Runtime, native: its WebGPU and its CPU."""

import numpy as np
import onnxruntime


class Skipped(Exception):
    """A contender that cannot run here, and why."""


class Net:
    """One ONNX file ready to run: named arrays in, named arrays out, as numpy's or as the runtime keeps them."""

    def __init__(self, path, provider, threads=None, stay=()):
        """Outputs called in `stay` are left on the device, for another net."""
        options = onnxruntime.SessionOptions()
        self.device = "cpu"
        if threads:
            options.intra_op_num_threads = threads
        if provider == "WebGpuExecutionProvider":
            self.device = "webgpu"
            # Layers that it cannot run on the GPU it would run on the CPU, and say nothing: then there is no session.
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=[provider], enable_fallback=0)
        except Exception as e:
            # What failed stands behind the assertion's own text.
            raise Skipped(str(e).strip().splitlines()[0].rpartition(" was false. ")[2][-200:]) from e
        found = self.session.get_providers()[0]
        if found != provider:
            raise Skipped(f"it runs on {found} and not on {provider}")
        self.stay = set(stay)

    def inputs(self):
        return [tensor.name for tensor in self.session.get_inputs()]

    def __call__(self, given):
        binding = self.session.io_binding()
        for name, value in given.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, np.ascontiguousarray(value))
            else:
                binding.bind_ortvalue_input(name, value)
        names = [tensor.name for tensor in self.session.get_outputs()]
        for name in names:
            binding.bind_output(name, self.device if name in self.stay else "cpu")
        self.session.run_with_iobinding(binding)
        made = zip(names, binding.get_outputs(), strict=True)
        return {name: value if name in self.stay else value.numpy() for name, value in made}


def webgpu(path, stay=()):
    return Net(path, "WebGpuExecutionProvider", stay=stay)


def cpu(threads):
    # On the CPU everything is where it stays.
    return lambda path, stay=(): Net(path, "CPUExecutionProvider", threads)


def contenders():
    return {
        "onnxruntime webgpu": webgpu,
        "onnxruntime CPU, 1 thread": cpu(1),
        "onnxruntime CPU, 2 threads": cpu(2),
    }
