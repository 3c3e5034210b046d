#!/usr/bin/env python3
"""Makes the picture goldens: what Pillow makes of a small picture at other sizes.

    pip install numpy pillow
    python tests/golden/make_pictures.py [tests/golden/pictures]

`source.png` is 61x47 RGB, gradients and noise; `<width>x<height>.png` is `resize(.., BILINEAR)` of it.
`webp/` has flat pictures of 640x480 in the forms that only libwebp writes; their frames are what matters, not their
contents. `jpeg/` has a smooth picture of 35x27 in every sampling and order of scans, by `cjpeg` (libjpeg-turbo-progs), and
what libjpeg makes of each sampling.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = [(23, 19), (128, 96), (200, 10), (7, 140), (61, 20), (1, 1), (64, 64)]

SAMPLINGS = {"444": "1x1", "422": "2x1", "440": "1x2", "420": "2x2", "411": "4x1", "odd": "2x2,2x1,1x2"}

# Scans as `cjpeg -scans` takes them.
SCANS = {
    "separate": "0;\n1;\n2;\n",
    "luma-first": "0;\n1,2;\n",
    "chroma-last": "0,1;\n2;\n",
    "progressive-separate-dc": "0: 0-0, 0, 1;\n2: 0-0, 0, 1;\n1: 0-0, 0, 1;\n0: 1-63, 0, 2;\n1: 1-63, 0, 0;\n"
    "2: 1-63, 0, 1;\n0: 1-63, 2, 1;\n0: 0-0, 1, 0;\n1: 0-0, 1, 0;\n2: 0-0, 1, 0;\n2: 1-63, 1, 0;\n0: 1-63, 1, 0;\n",
}
RESTARTS = ["-restart", "3B"]


def smooth_picture():
    y, x = np.mgrid[0:27, 0:35] / 27.0
    waves = [np.sin(3 * x + y), np.sin(5 * y - 2 * x), np.sin(4 * x * y + 1)]
    return Image.fromarray(np.clip(128 + 110 * np.stack(waves, axis=-1), 0, 255).astype(np.uint8))


def make_jpegs(folder):
    folder.mkdir(parents=True, exist_ok=True)
    picture = smooth_picture()
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source.ppm"
        picture.save(source)

        def cjpeg(name, *options):
            command = ["cjpeg", "-quality", "90", *options, "-outfile", str(folder / f"{name}.jpg"), str(source)]
            subprocess.run(command, check=True)

        for name, sampling in SAMPLINGS.items():
            cjpeg(f"{name}-plain", "-sample", sampling)
            cjpeg(f"{name}-restarts", "-sample", sampling, *RESTARTS)
            cjpeg(f"{name}-progressive", "-sample", sampling, "-progressive", *RESTARTS)
            for scans, script in SCANS.items():
                path = Path(scratch) / "scans.txt"
                path.write_text(script)
                cjpeg(f"{name}-{scans}", "-sample", sampling, "-scans", str(path))
                if scans == "separate":
                    cjpeg(f"{name}-{scans}-restarts", "-sample", sampling, "-scans", str(path), *RESTARTS)
            Image.open(folder / f"{name}-plain.jpg").convert("RGB").save(folder / f"{name}.png", optimize=True)
        Image.new("RGB", (640, 480), (200, 100, 50)).save(source)
        cjpeg("flat-420", "-sample", "2x2")
        cjpeg("flat-444-progressive", "-sample", "1x1", "-progressive")
        picture.save(source)
        cjpeg("rgb", "-rgb")
        cjpeg("arithmetic", "-arithmetic")
    picture.convert("L").save(folder / "grey.jpg", quality=90, progressive=True)
    cmyk = picture.convert("CMYK")
    cmyk.save(folder / "cmyk.jpg", quality=90)
    (folder / "ycck.jpg").write_bytes(ycck(cmyk))
    for name in ["rgb", "grey", "cmyk", "ycck"]:
        Image.open(folder / f"{name}.jpg").convert("RGB").save(folder / f"{name}.png", optimize=True)


def ycck(cmyk):
    """Its ink as YCbCr, which Pillow does not write: a CMYK file of such numbers whose APP14 states the transform."""
    ink = np.asarray(cmyk).astype(float)
    red, green, blue = ink[..., 0], ink[..., 1], ink[..., 2]
    planes = [
        0.299 * red + 0.587 * green + 0.114 * blue,
        128 - 0.168736 * red - 0.331264 * green + 0.5 * blue,
        128 + 0.5 * red - 0.418688 * green - 0.081312 * blue,
        255 - ink[..., 3],
    ]
    stored = 255 - np.stack(planes, axis=-1).clip(0, 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(stored), "CMYK").save(file, "JPEG", quality=90)
    data = bytearray(file.getvalue())
    data[data.find(b"Adobe") + 11] = 2
    return bytes(data)


def make_webps(folder):
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:480, 0:640]
    rgba = np.zeros((480, 640, 4), np.uint8)
    rgba[..., 0] = np.where(x < 320, 200, 40)
    rgba[..., 3] = np.where(y < 240, 255, 100)
    clear = Image.fromarray(rgba)
    forms = {"lossy": {"quality": 50}, "lossless": {"lossless": True}}
    for form, options in forms.items():
        for name, picture in [("", clear.convert("RGB")), ("-alpha", clear)]:
            picture.save(folder / f"{form}{name}.webp", **options)
            second = Image.new(picture.mode, picture.size, "white")
            animation = {"save_all": True, "append_images": [second]}
            picture.save(folder / f"{form}{name}-animated.webp", **options, **animation)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:47, 0:61]
    gradients = np.stack([x * 4, y * 5, (x + y) * 2], axis=-1)
    noise = rng.integers(-90, 90, gradients.shape)
    source = Image.fromarray(np.clip(gradients + noise, 0, 255).astype(np.uint8))
    source.save(folder / "source.png")
    for size in SIZES:
        resized = source.resize(size, Image.Resampling.BILINEAR)
        resized.save(folder / f"{size[0]}x{size[1]}.png", optimize=True)
    make_jpegs(folder / "jpeg")
    make_webps(folder / "webp")


if __name__ == "__main__":
    main()
