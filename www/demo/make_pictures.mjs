// Makes the small pictures of the page, which are kept in git: thumbnails of the samples, and icons from mark.svg.
//
//     (cd www && node demo/make_pictures.mjs)
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const photos = join(here, "..", "..", "tests", "photos");
/** The samples are shown at 56 to 112 pixels, on screens with up to three dots a pixel. */
const THUMBNAIL = 192;
/** The mark's own, for icons that a system cuts to a shape of its own. */
const GROUND = "#17495a";
/** Side in pixels, share of it that the mark takes (maskable icons lose up to a tenth at each edge), ground. */
const ICONS = {
  "icon-180": [180, 1, GROUND],
  "icon-192": [192, 1],
  "icon-512": [512, 1],
  "icon-maskable-512": [512, 0.8, GROUND],
};

const browser = await chromium.launch({
  executablePath: process.env.HEADWATER_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const page = await browser.newPage();

/** `address` drawn into the middle of a square, as a file. */
async function draw(address, { side, share, ground, type, quality }) {
  const url = await page.evaluate(
    async ({ address, side, share, ground, type, quality }) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      if (ground) {
        context.fillStyle = ground;
        context.fillRect(0, 0, side, side);
      }
      const { naturalWidth: width, naturalHeight: height } = image;
      const square = Math.min(width, height);
      const at = ((1 - share) / 2) * side;
      const to = share * side;
      context.drawImage(image, (width - square) / 2, (height - square) / 2, square, square, at, at, to, to);
      return canvas.toDataURL(type, quality);
    },
    { address, side, share, ground, type, quality },
  );
  return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
}

const dataUrl = (path, type) => `data:${type};base64,${readFileSync(path).toString("base64")}`;
for (const name of ["astronaut", "chelsea", "coffee", "rocket"]) {
  const options = { side: THUMBNAIL, share: 1, type: "image/webp", quality: 0.78 };
  const file = await draw(dataUrl(join(photos, `${name}.jpg`), "image/jpeg"), options);
  writeFileSync(join(here, "pictures", `${name}.webp`), file);
}
for (const [name, [side, share, ground]] of Object.entries(ICONS)) {
  const options = { side, share, ground, type: "image/png" };
  const mark = dataUrl(join(here, "mark.svg"), "image/svg+xml");
  writeFileSync(join(here, "pictures", `${name}.png`), await draw(mark, options));
}
await browser.close();
