"""Each contender's runs, whether all computed the same, and what is printed of them."""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import burn_peer
import numpy as np
import onnxruntime
import ours
import peers
import torch_net
from PIL import Image
from table import shown

# Masks further apart than these are not the same computation; nor are tensors that cross, by their mean difference
# over their mean size.
MOST_MAE = 0.01
LEAST_IOU = 0.98
MOST_UP_ERROR = 0.01
# What the others are compared with: the plainest way to run the net.
REFERENCE = "onnxruntime CPU, 1 thread"
OURS = "headwater"
SWIFTSHADER = ("/usr/lib/chromium/vk_swiftshader_icd.json", "/usr/lib64/chromium-browser/vk_swiftshader_icd.json")


def main(options):
    load = os.getloadavg()
    driver = choose_driver()
    adapters = ours.headwater("adapters").splitlines()
    # Headwater names the one it took; its driver's version stands in the list.
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        measured, skipped, adapter = measure(options, Path(folder))
    judge(measured)
    bench = {
        "date": datetime.date.today().isoformat(),
        "commit": output("git", "-C", ours.ROOT, "rev-parse", "--short", "HEAD"),
        "graph": options.graph,
        "size": options.size,
        "photo": options.photo,
        "adapter": next((line for line in adapters if line.startswith(adapter)), adapter),
        "driver_file": driver and Path(driver).name,
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "versions": {
            "headwater": output(ours.COMMAND, "--version").split()[-1],
            "onnxruntime-webgpu": onnxruntime.__version__,
            "PyTorch": torch_net.version(),
            "burn": burn_peer.version() if options.burn else None,
            "Python": platform.python_version(),
        },
        "load_before": load,
        "load_after": os.getloadavg(),
        "contenders": [summary(name, found) for name, found in measured.items()],
        "skipped": skipped,
    }
    print(shown(bench))
    if options.json:
        options.json.write_text(json.dumps(bench, indent=2) + "\n")


def choose_driver():
    """The Vulkan driver for both sides, where one had to be chosen. Peers are loaded into this process."""
    asked = os.environ.get("VK_DRIVER_FILES")
    hardware = any(kind in ours.headwater("adapters") for kind in ("(discrete,", "(integrated,", "(virtual,"))
    if asked or hardware:
        return asked
    found = next((path for path in SWIFTSHADER if Path(path).exists()), None)
    if found:
        os.environ["VK_DRIVER_FILES"] = found
    return found


def measure(options, folder):
    size, split = options.size, options.graph
    photo = Image.open(ours.ROOT / "tests" / "golden" / "pixels" / f"{options.photo}.webp").convert("RGB")
    # At the net's size already, so that nobody's resize makes a difference.
    picture = photo.resize((size, size), Image.Resampling.LANCZOS)
    picture.save(folder / "picture.png")
    pixels = np.asarray(picture, np.float32).transpose(2, 0, 1)[None]
    pixels = np.ascontiguousarray((pixels - 128) / 256)
    whole = split == "whole"
    if whole:
        files = [ours.export(folder, size, "remote")]
    else:
        files = [ours.export(folder, size, split, part) for part in ("head", "tail")]
        body = peers.cpu(os.cpu_count())(ours.export(folder, size, split))
        server = ours.Body(body)

    say(OURS)
    where = ("local", None) if whole else (split, server.address)
    reports, alpha = ours.segment(folder, size, 1 + options.runs, *where)
    keys = ["head_millis"] if whole else ["head_millis", "tail_millis"]
    times = [[report[key] for key in keys] for report in reports]
    measured = {OURS: {"times": times, "alpha": alpha, "up": None if whole else server.up}}
    if not whole:
        server.close()
    adapter = reports[0]["adapter"]["name"]

    up, down = (None, None) if whole else (server.up, server.down)

    def peer(make):
        return timed(whole_run(make, files, pixels) if whole else parts_run(make, files, pixels, up, down), options)

    tries = {name: lambda make=make: peer(make) for name, make in peers.contenders().items()}
    tries[burn_peer.NAME] = lambda: made(*burn_peer.measure(files, folder, pixels, up, down, options))
    tries.update({name: lambda make=make: peer(make) for name, make in torch_net.contenders().items()})
    skipped = {}
    for name, attempt in tries.items():
        say(name)
        try:
            measured[name] = attempt()
        except peers.Skipped as reason:
            skipped[name] = str(reason)
            print(f"SKIPPED: {name}: {reason}", file=sys.stderr, flush=True)
    return measured, skipped, adapter


def whole_run(make, files, pixels):
    net = make(files[0])
    name = net.inputs()[0]

    def run():
        start = time.perf_counter()
        (mask,) = net({name: pixels}).values()
        return [time.perf_counter() - start], mask[0, 0], None

    return run


def parts_run(make, files, pixels, up, down):
    """What the head keeps for the tail stays where it is."""
    tail = make(files[1])
    skips = [name for name in tail.inputs() if name not in down]
    head = make(files[0], skips)
    name = head.inputs()[0]

    def run():
        start = time.perf_counter()
        kept = head({name: pixels})
        between = time.perf_counter()
        (mask,) = tail({**down, **{skip: kept[skip] for skip in skips}}).values()
        times = [between - start, time.perf_counter() - between]
        return times, mask[0, 0], {name: kept[name] for name in up}

    return run


def timed(run, options):
    """A first run and `runs` more; fewer, but one at least, where `seconds` are over, and none where the first alone
    has used them up."""
    times, began = [], time.perf_counter()
    while True:
        parts, mask, up = run()
        times.append([1000 * part for part in parts])
        over = time.perf_counter() - began >= options.seconds
        if len(times) > options.runs or (over and (len(times) > 1 or sum(times[0]) >= 1000 * options.seconds)):
            break
    return made(times, mask, up)


def made(times, mask, up):
    """The mask in bytes, as ours comes."""
    return {"times": times, "alpha": np.round(255 * np.clip(mask, 0, 1)).astype(np.uint8), "up": up}


def judge(measured):
    """Writes down how far each is from the reference, and stops where that is too far: wrong is not slow or fast."""
    reference = measured[REFERENCE]
    subject = reference["alpha"] > 127
    # Two masks of nothing agree on everything.
    assert 0.01 < subject.mean() < 0.99, f"{REFERENCE}: the mask is flat"
    for name, found in measured.items():
        difference = found["alpha"].astype(float) - reference["alpha"].astype(float)
        found["mae"] = float(np.abs(difference).mean() / 255)
        inside = found["alpha"] > 127
        found["iou"] = float((inside & subject).sum() / (inside | subject).sum())
        if not (found["mae"] <= MOST_MAE and found["iou"] >= LEAST_IOU):
            sys.exit(f"{name}: another mask than {REFERENCE}: MAE {found['mae']}, IoU {found['iou']}")
        if not reference["up"]:
            continue
        apart = [np.abs(found["up"][key] - value).sum() / np.abs(value).sum() for key, value in reference["up"].items()]
        found["up_error"] = float(max(apart))
        if not found["up_error"] <= MOST_UP_ERROR:
            sys.exit(f"{name}: another head than {REFERENCE}: {found['up_error']} apart")


def summary(name, found):
    """What is shown is the run in the middle of the later ones, or the first if there is none."""
    first, *later = found["times"]
    middle = sorted(later, key=sum)[len(later) // 2] if later else first
    return {
        "name": name,
        "first_millis": sum(first),
        "median_millis": sum(middle),
        "part_millis": middle,
        "later_runs": len(later),
        "mae": found["mae"],
        "iou": found["iou"],
        "up_error": found.get("up_error"),
        "times": found["times"],
    }


def say(name):
    print(f"{name} …", file=sys.stderr, flush=True)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
