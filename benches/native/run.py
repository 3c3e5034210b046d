#!/usr/bin/env python3
"""Headwater against native peers: the same weights and picture, in one run, on one adapter.

    python3 benches/native/run.py [--graph whole|U3] [--size 256] [--runs 3] [--seconds 120] [--photo coffee]
                                  [--burn] [--json FILE]

Needs `make build model` and Python 3.11 or later; installs the peers beside itself, in `.venv`. They get what
`headwater export` writes: the whole net, or the head and the tail of a split, which are what a client runs. Times stand
only beside masks, and tensors that cross, that agree.

Both sides get the driver that VK_DRIVER_FILES names. Where it names none and the machine has no GPU it is SwiftShader,
Chromium's: of the programs that play a GPU it is the one that the peer's WebGPU takes too.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", default="whole", help="whole, or a split with a head and a tail such as U3")
    parser.add_argument("--size", type=positive, default=256)
    parser.add_argument("--runs", type=positive, default=3, help="later runs, after a first one")
    parser.add_argument("--seconds", type=positive, default=120, help="after which a contender's runs end")
    parser.add_argument("--photo", default="coffee", help="of tests/golden/pixels")
    parser.add_argument("--burn", action="store_true", help="burn's wgpu backend too, a build of some minutes")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    return parser.parse_args()


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def environment():
    """The peers' Python. Made anew where what it should hold has changed."""
    lists = [HERE / "requirements.txt"]
    if shutil.which("nvidia-smi"):
        lists.append(HERE / "requirements-cuda.txt")
    wanted = "".join(path.read_text() for path in lists)
    mark = VENV / "installed.txt"
    python = VENV / "bin" / "python"
    if not mark.exists() or mark.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        files = [word for path in lists for word in ("-r", path)]
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *files], check=True)
        mark.write_text(wanted)
    return python


if __name__ == "__main__":
    if Path(sys.prefix) != VENV:
        arguments()
        sys.stdout.flush()
        python = environment()
        os.execv(python, [python, *sys.argv])
    import compare

    sys.exit(compare.main(arguments()))
