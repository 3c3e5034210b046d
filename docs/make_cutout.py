"""Makes docs/cutout.jpg: photographs beside their cut-outs on a checkerboard. Needs Pillow.

    headwater segment tests/photos/astronaut.jpg -o target/astronaut.png --size 1024
    headwater segment tests/photos/coffee.jpg -o target/coffee.png --size 1024
    python docs/make_cutout.py
"""

from PIL import Image

HEIGHT, GAP, SQUARE = 320, 8, 12
NAMES = ["astronaut", "coffee"]


def checkerboard(width):
    board = Image.new("RGBA", (width, HEIGHT), (236, 236, 236, 255))
    for y in range(0, HEIGHT, SQUARE):
        for x in range(y // SQUARE % 2 * SQUARE, width, 2 * SQUARE):
            board.paste((205, 205, 205, 255), (x, y, x + SQUARE, y + SQUARE))
    return board


def pair(name):
    photo = Image.open(f"tests/photos/{name}.jpg").convert("RGB")
    size = (round(photo.width * HEIGHT / photo.height), HEIGHT)
    # Premultiplied while it is resized, so that hidden colours do not bleed into the edge.
    cutout = Image.open(f"target/{name}.png").convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    board = checkerboard(size[0])
    board.alpha_composite(cutout)
    return [photo.resize(size, Image.Resampling.LANCZOS), board.convert("RGB")]


pictures = [picture for name in NAMES for picture in pair(name)]
sheet = Image.new("RGB", (sum(p.width for p in pictures) + GAP * (len(pictures) - 1), HEIGHT), "white")
x = 0
for picture in pictures:
    sheet.paste(picture, (x, 0))
    x += picture.width + GAP
sheet.save("docs/cutout.jpg", quality=88)
