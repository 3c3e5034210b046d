// One upright picture gives one mask, whatever file holds it and wherever it is decoded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { openHarness } from "./support/browser.mjs";
import { compare, readMask, shownFigures, unpackMask } from "./support/masks.mjs";
import { MODEL, SERVER, skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const SIZE = 128;
/** Between two roads of one file: decoders and JPEG posted in its stead differ by a few levels. */
const ROADS = { mae: 0.01, iou: 0.99 };
/** A picture posted as JPEG, at the net's size, its edges a little blurred. */
const POSTED = { mae: 0.04, iou: 0.95 };

/** A TIFF block that says no more than orientation 6: the right side of what is stored is the bottom. */
const EXIF = Buffer.from("4d4d002a00000008000101120003000000010006000000000000", "hex");

function u32(value, little = false) {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeUInt32LE(value);
  else bytes.writeUInt32BE(value);
  return bytes;
}

function turnedJpeg(jpeg) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(8 + EXIF.length);
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xe1]),
    length,
    Buffer.from("Exif\0\0"),
    EXIF,
    jpeg.subarray(2),
  ]);
}

function turnedPng(png) {
  const chunk = Buffer.concat([Buffer.from("eXIf"), EXIF]);
  return Buffer.concat([png.subarray(0, 33), u32(EXIF.length), chunk, u32(crc32(chunk)), png.subarray(33)]);
}

/** `webp` is an extended file, as Chromium writes them. */
function turnedWebp(webp) {
  assert.equal(webp.toString("latin1", 8, 16), "WEBPVP8X");
  const file = Buffer.concat([webp, Buffer.from("EXIF"), u32(EXIF.length, true), EXIF]);
  file[20] |= 8;
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

describe("pictures that lie on their side or are transparent", { skip: skip("pictures") }, () => {
  let stage, page, complaints, folder;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "headwater-pictures-"));
    stage = await openStage();
    ({ page, complaints } = await openHarness(await stage.browser.newContext(), stage.origin));
  });
  after(async () => {
    await stage?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  /** A photograph drawn by the page, as a file of `type`: lying as orientation 6 wants it, or in part transparent. */
  const drawn = async (type, { turned = false, hidden = false }) => {
    const text = await page.evaluate(
      async ({ type, turned, hidden }) => {
        const photo = await hw.photo("coffee", 256, 256);
        const canvas = new OffscreenCanvas(256, 256);
        const context = canvas.getContext("2d");
        if (turned) context.setTransform(0, -1, 1, 0, 0, 256);
        context.drawImage(photo, 0, 0);
        if (hidden) {
          const image = context.getImageData(0, 0, 256, 256);
          for (let i = 0; i < image.data.length; i += 4) if ((i / 4) % 256 < 60) image.data[i + 3] = 0;
          context.putImageData(image, 0, 0);
        }
        return hw.base64(new Uint8Array(await (await canvas.convertToBlob({ type, quality: 1 })).arrayBuffer()));
      },
      { type, turned, hidden },
    );
    return Buffer.from(text, "base64");
  };

  const inBrowser = async (file, split) => {
    const mask = await page.evaluate(
      async ({ bytes, split, size }) => {
        const segmenter = await hw.load({ split, size, fallback: "none" });
        const blob = new Blob([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))]);
        const { mask } = await segmenter.segment(blob);
        segmenter.release();
        return hw.packed(mask);
      },
      { bytes: file.toString("base64"), split, size: SIZE },
    );
    return unpackMask(mask);
  };

  const natively = (file, name) => {
    const [picture, mask] = [join(folder, name), join(folder, `${name}.mask.png`)];
    writeFileSync(picture, file);
    const options = ["--model", MODEL, "--adapter", "none", "--split", "remote", "--size", `${SIZE}`, "--codec", "f32"];
    execFileSync(SERVER, ["segment", picture, "--mask", mask, ...options], { stdio: "pipe" });
    return readMask(mask, 255);
  };

  const assertAlike = (masks, limits = ROADS) => {
    const [[first, expected], ...others] = Object.entries(masks);
    for (const [road, mask] of others) {
      const figures = compare(mask, expected);
      console.log(`${`${road} beside ${first}`.padEnd(44)} ${shownFigures(figures)}`);
      assert.ok(figures.mae <= limits.mae && figures.iou >= limits.iou, `${road}: ${shownFigures(figures)}`);
    }
  };

  test("a photograph with an orientation has one mask in three formats, on every road", async () => {
    const turned = true;
    const files = {
      "turned.png": turnedPng(await drawn("image/png", { turned })),
      "turned.jpg": turnedJpeg(await drawn("image/jpeg", { turned })),
      "turned.webp": turnedWebp(await drawn("image/webp", { turned })),
    };
    const masks = {};
    for (const [name, file] of Object.entries(files)) {
      masks[`${name} native`] = natively(file, name);
      for (const split of ["local", "remote"]) masks[`${name} ${split}`] = await inBrowser(file, split);
    }
    assertAlike(masks);
    complaints.check();
  });

  test("a transparent picture has one mask, on every road", async () => {
    const file = await drawn("image/png", { hidden: true });
    const masks = { native: natively(file, "clear.png") };
    for (const split of ["local", "remote"]) masks[split] = await inBrowser(file, split);
    assertAlike(masks);
    const large = Buffer.concat([file, Buffer.alloc(600 * 1024)]);
    assertAlike({ native: masks.native, posted: await inBrowser(large, "remote") }, POSTED);
    complaints.check();
  });
});
