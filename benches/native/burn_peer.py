"""burn's wgpu backend: a program that is built around the net, and so for minutes."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
from peers import Skipped

HERE = Path(__file__).resolve().parent / "burn"
NAME = "burn wgpu"


def measure(files, folder, pixels, up, down, options):
    """As `compare.timed`, by the program's own account."""
    if not options.burn:
        raise Skipped("--burn builds it")
    nets = folder / "burn"
    nets.mkdir()
    for name, path in zip(["net"] if len(files) == 1 else ["head", "tail"], files, strict=True):
        shutil.copy(path, nets / f"{name}.onnx")
    # IS-Net's U3 keeps three skips, U2 two.
    skips = "" if len(files) == 1 else options.graph[1:]
    environment = {**os.environ, "BENCH_ONNX": str(nets), "BENCH_SKIPS": skips}
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=HERE, env=environment, check=True)

    pixels.astype("<f4").tofile(nets / "input.f32")
    shapes = [shape(pixels)]
    if down:
        (answer,) = down.values()
        answer.astype("<f4").tofile(nets / "down.f32")
        shapes.append(shape(answer))
    program = HERE / "target" / "release" / "headwater-bench-burn"
    command = [program, nets, str(options.runs), str(options.seconds), *shapes]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    times = [[float(word) for word in line.split()] for line in lines]
    mask = np.fromfile(nets / "mask.f32", "<f4").reshape(pixels.shape[2:])
    crossed = None
    if up:
        ((name, values),) = up.items()
        crossed = {name: np.fromfile(nets / "up.f32", "<f4").reshape(values.shape)}
    return times, mask, crossed


def version():
    return re.search(r'burn = .*version = "=([^"]+)"', (HERE / "Cargo.toml").read_text())[1]


def shape(array):
    return "x".join(map(str, array.shape))
