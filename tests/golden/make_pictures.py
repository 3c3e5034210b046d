#!/usr/bin/env python3
"""Makes the picture goldens: what Pillow makes of a small picture at other sizes.

    pip install numpy pillow
    python tests/golden/make_pictures.py [tests/golden/pictures]

`source.png` is 61x47 RGB, gradients and noise; `<width>x<height>.png` is `resize(.., BILINEAR)` of it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = [(23, 19), (128, 96), (200, 10), (7, 140), (61, 20), (1, 1), (64, 64)]


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


if __name__ == "__main__":
    main()
