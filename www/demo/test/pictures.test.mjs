// Files by their bytes, masks as bytes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { source } from "./support.mjs";

const { kindOf, refusalOf, typeOf } = await source("kinds");
const { cropOf, extent, isVisible, maskSizeOf, resizeMask } = await source("masks");

const bytes = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe("kinds of files", () => {
  const box = (major, ...others) =>
    `\0\0\0${String.fromCharCode(16 + 4 * others.length)}ftyp${major}\0\0\0\0${others.join("")}`;
  const cases = {
    png: "\x89PNG\r\n\x1a\n\0",
    webp: "RIFF\x10\0\0\0WEBPVP8 ",
    gif: "GIF89a\x01",
    bmp: "BM\x01",
    tiff: "II*\0\x08",
    heic: box("heic", "mif1", "heic"),
    avif: box("avif", "mif1", "miaf"),
    video: box("isom", "avc1", "mp41"),
    svg: '<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="http://www.w3.org/2000/svg">',
    html: "\n<!DOCTYPE html><html>",
    pdf: "%PDF-1.7",
    empty: "",
    unknown: "only words",
  };
  for (const [kind, text] of Object.entries(cases)) {
    test(`${kind} is known by its bytes`, () => assert.equal(kindOf(bytes(text)), kind));
  }

  test("an iPhone's file whose major brand says nothing is HEIC, and AVIF is not", () => {
    assert.equal(kindOf(bytes(box("mif1", "heic"))), "heic");
    assert.equal(kindOf(bytes(box("mif1", "avif", "miaf"))), "avif");
  });

  test("a sample photograph is a JPEG whatever it is called", () => {
    const file = readFileSync(new URL("../../../tests/photos/coffee.jpg", import.meta.url));
    assert.equal(kindOf(file), "jpeg");
    assert.equal(typeOf("jpeg"), "image/jpeg");
  });

  test("every refusal says what the file is and what to do", () => {
    for (const kind of ["jpeg", "heic", "tiff", "svg", "html", "pdf", "video", "empty", "unknown"]) {
      const { what, help } = refusalOf(kind);
      assert.ok(what.length > 10 && help.length > 10, kind);
    }
    assert.match(refusalOf("heic").what, /iPhone/);
  });
});

describe("masks", () => {
  const square = { width: 8, height: 4, alpha: new Uint8ClampedArray(32) };
  for (const [x, y] of [
    [2, 1],
    [3, 1],
    [2, 2],
    [3, 2],
  ]) {
    square.alpha[y * 8 + x] = 255;
  }

  test("are trimmed to what is visible, in either's pixels", () => {
    assert.deepEqual(extent(square), { x: 2, y: 1, width: 2, height: 2 });
    assert.deepEqual(cropOf(square, { width: 80, height: 40 }), { x: 20, y: 10, width: 20, height: 20 });
    assert.equal(extent({ width: 2, height: 1, alpha: new Uint8ClampedArray([3, 23]) }), undefined);
    assert.ok(isVisible(square, 0.3, 0.3) && !isVisible(square, 0.9, 0.3) && !isVisible(square, 1, 1));
  });

  test("keep what the net said, and no more", () => {
    assert.deepEqual(maskSizeOf({ width: 4000, height: 3000 }, 1024), [1365, 1024]);
    assert.deepEqual(maskSizeOf({ width: 600, height: 400 }, 1024), [600, 400]);
    assert.deepEqual(maskSizeOf({ width: 8192, height: 205 }, 1024), [4096, 103]);
  });

  test("of one level stay of one level at every size", () => {
    const flat = { width: 5, height: 3, alpha: new Uint8ClampedArray(15).fill(200) };
    for (const [width, height] of [
      [1, 1],
      [7, 2],
      [50, 31],
    ]) {
      assert.ok(
        resizeMask(flat, width, height).alpha.every((value) => value === 200),
        `${width}x${height}`,
      );
    }
  });

  test("are enlarged bilinearly, half a pixel in", () => {
    const two = { width: 2, height: 1, alpha: new Uint8ClampedArray([0, 200]) };
    assert.deepEqual([...resizeMask(two, 4, 1).alpha], [0, 50, 150, 200]);
  });

  test("lose nothing of their weight when they shrink", () => {
    const alpha = Uint8ClampedArray.from({ length: 64 * 64 }, (_, at) => ((at % 64) + Math.floor(at / 64)) % 256);
    const mean = ({ alpha }) => alpha.reduce((sum, value) => sum + value, 0) / alpha.length;
    const mask = { width: 64, height: 64, alpha };
    assert.ok(Math.abs(mean(resizeMask(mask, 8, 8)) - mean(mask)) < 1);
  });

  test("a part is enlarged as it is in the whole", () => {
    const alpha = Uint8ClampedArray.from({ length: 16 * 16 }, (_, at) => (at * 37) % 256);
    const mask = { width: 16, height: 16, alpha };
    const whole = resizeMask(mask, 64, 64);
    const part = resizeMask(mask, 32, 24, { x: 4, y: 6, width: 8, height: 6 });
    for (let y = 0; y < 24; y++) {
      for (let x = 0; x < 32; x++) {
        const [found, expected] = [part.alpha[y * 32 + x], whole.alpha[(24 + y) * 64 + 16 + x]];
        assert.ok(Math.abs(found - expected) <= 1, `${x}, ${y}: ${found} for ${expected}`);
      }
    }
  });
});
