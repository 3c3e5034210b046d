#!/usr/bin/env python3
"""Compares the estimation of foreground colours with pymatting's, on composites whose foreground is known.

    pip install numpy pillow scipy pymatting
    python3 benches/edges/compare.py [> benches/results/edges.txt]

Each composite is one photograph over a colour or another photograph, by an alpha that is soft or has hair. Shown is the
mean error of the colour in levels of 255, each pixel weighted by alpha (1 - alpha): as seen in the composite, by
pymatting's estimate_foreground_ml with its defaults, by blur fusion (Forte 2021, radii 90 and 6), and by
`headwater::image::estimate_foreground` through `examples/edges.rs`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from pymatting import estimate_foreground_ml
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1024, 768
RNG = np.random.default_rng(1)


def photo(name):
    image = Image.open(ROOT / "tests" / "photos" / f"{name}.jpg").convert("RGB")
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.LANCZOS)) / 255


def soft(sigma):
    fine = Image.new("L", (2 * WIDTH, 2 * HEIGHT))
    ImageDraw.Draw(fine).ellipse((0.5 * WIDTH, 0.4 * HEIGHT, 1.5 * WIDTH, 1.8 * HEIGHT), fill=255)
    return ndimage.gaussian_filter(np.asarray(fine.resize((WIDTH, HEIGHT), Image.BOX)) / 255, sigma)


def hair():
    fine = Image.new("L", (3 * WIDTH, 3 * HEIGHT))
    draw = ImageDraw.Draw(fine)
    x0, y0, radius = 1.5 * WIDTH, 1.8 * HEIGHT, 0.75 * HEIGHT
    draw.ellipse((x0 - radius, y0 - radius, x0 + radius, y0 + radius), fill=255)
    for _ in range(700):
        turn = RNG.uniform(0, 2 * np.pi)
        x, y = x0 + 0.97 * radius * np.cos(turn), y0 + 0.97 * radius * np.sin(turn)
        angle, step, points = turn + RNG.normal(0, 0.4), RNG.uniform(0.1, 0.7) * radius / 14, []
        for _ in range(14):
            points.append((x, y))
            x, y, angle = x + step * np.cos(angle), y + step * np.sin(angle), angle + RNG.normal(0, 0.15)
        draw.line(points, fill=int(RNG.uniform(120, 255)), width=int(RNG.integers(1, 4)))
    return np.asarray(fine.resize((WIDTH, HEIGHT), Image.BOX)) / 255


def blur_fusion(seen, alpha):
    front = back = seen
    for radius in (90, 6):
        blur = lambda field: ndimage.uniform_filter(field, (radius, radius, 1), mode="reflect")
        front_mean = blur(front * alpha) / (blur(alpha) + 1e-5)
        back_mean = blur(back * (1 - alpha)) / (blur(1 - alpha) + 1e-5)
        front = np.clip(front_mean + alpha * (seen - alpha * front_mean - (1 - alpha) * back_mean), 0, 1)
        back = back_mean
    return front


def ours(seen, alpha, folder):
    pixels = np.round(255 * np.dstack([seen, alpha])).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "seen.png")
    command = ["cargo", "run", "--quiet", "--locked", "--example", "edges", "--"]
    subprocess.run([*command, folder / "seen.png", folder / "cleaned.png"], cwd=ROOT, check=True)
    return np.asarray(Image.open(folder / "cleaned.png"))[..., :3] / 255


def error(colours, truth, alpha):
    weight = alpha * (1 - alpha)
    return 255 * (np.abs(colours - truth) * weight).sum() / (3 * weight.sum())


def main(folder):
    flat = {"green": (0.0, 1.0, 0.0), "white": (1.0, 1.0, 1.0)}
    alphas = {"soft 1.5": soft(1.5), "soft 4": soft(4), "soft 12": soft(12), "hair": hair()}
    print(f"{'alpha':9} {'subject':10} {'before':8} {'seen':>6} {'pymatting':>10} {'blur fusion':>12} {'headwater':>10}")
    rows = []
    for form, alpha in alphas.items():
        alpha = (np.round(255 * alpha) / 255)[..., None]
        for subject, backgrounds in {"astronaut": ["green", "coffee"], "chelsea": ["white", "rocket"]}.items():
            truth = photo(subject)
            for background in backgrounds:
                back = np.broadcast_to(flat[background], truth.shape) if background in flat else photo(background)
                seen = np.round(255 * (alpha * truth + (1 - alpha) * back)) / 255
                peer = estimate_foreground_ml(seen, alpha[..., 0])
                estimates = [seen, peer, blur_fusion(seen, alpha), ours(seen, alpha, folder)]
                rows.append([error(estimate, truth, alpha) for estimate in estimates])
                figures = "{:6.1f} {:10.1f} {:12.1f} {:10.1f}".format(*rows[-1])
                print(f"{form:9} {subject:10} {background:8} {figures}", flush=True)
    print(f"{'mean':29} " + "{:6.1f} {:10.1f} {:12.1f} {:10.1f}".format(*np.mean(rows, axis=0)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
