// Files that the browser leaves lying are turned; those that it turns are not turned again.

import assert from "node:assert/strict";
import { test } from "node:test";

/** Whether the stand-in turns PNG and WebP files. */
let browserTurns = true;
/** What was drawn, by canvas. */
let drawn;

class Bitmap {
  constructor(width, height, canvas) {
    Object.assign(this, { width, height, canvas });
  }
  close() {
    this.closed = true;
  }
}
globalThis.createImageBitmap = async (source) => {
  if (source instanceof Blob) return browserTurns ? new Bitmap(1, 2) : new Bitmap(2, 1);
  return new Bitmap(source.width, source.height, source);
};
globalThis.OffscreenCanvas = class {
  constructor(width, height) {
    Object.assign(this, { width, height });
  }
  getContext() {
    return {
      setTransform: (...transform) => (drawn = { ...drawn, transform }),
      drawImage: (bitmap, x, y) => (drawn = { ...drawn, bitmap, at: [x, y] }),
    };
  }
};

const ascii = (text) => [...text].map((letter) => letter.charCodeAt(0));

function tiff(orientation, little) {
  const view = new DataView(new ArrayBuffer(26));
  view.setUint32(0, little ? 0x49492a00 : 0x4d4d002a);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, 0x0112, little);
  view.setUint16(12, 3, little);
  view.setUint32(14, 1, little);
  view.setUint16(18, orientation, little);
  return [...new Uint8Array(view.buffer)];
}

function number(value, little) {
  const bytes = [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
  return little ? bytes.reverse() : bytes;
}

const pngChunk = (name, data) => [...number(data.length), ...ascii(name), ...data, 0, 0, 0, 0];
const png = (...exif) =>
  new Blob([
    new Uint8Array([
      ...ascii("\x89PNG\r\n\x1a\n"),
      ...pngChunk("IHDR", Array(13).fill(0)),
      ...exif.flatMap((data) => pngChunk("eXIf", data)),
      ...pngChunk("IDAT", [1, 2, 3]),
    ]),
  ]);

const riffChunk = (name, data) => [
  ...ascii(name),
  ...number(data.length, true),
  ...data,
  ...Array(data.length % 2).fill(0),
];
const webp = (...exif) => {
  const body = [
    ...ascii("WEBP"),
    ...riffChunk("VP8X", [exif.length > 0 ? 8 : 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ...riffChunk("VP8L", [1, 2, 3]),
    ...exif.flatMap((data) => riffChunk("EXIF", data)),
  ];
  return new Blob([new Uint8Array([...ascii("RIFF"), ...number(body.length, true), ...body])]);
};

/** A module of its own, since it remembers what the browser does. */
const fresh = () => import(`../lib/orientation.js?${Math.random()}`);

test("orientations are read in both byte orders, with and without the name in front", async () => {
  const { readOrientation } = await fresh();
  for (const make of [png, webp]) {
    for (let orientation = 1; orientation <= 8; orientation += 1) {
      for (const little of [false, true]) {
        assert.deepEqual(await readOrientation(make(tiff(orientation, little))), orientation);
        assert.deepEqual(
          await readOrientation(make([...ascii("Exif\0\0"), ...tiff(orientation, little)])),
          orientation,
        );
      }
    }
    for (const broken of [[], [1, 2, 3], tiff(9), tiff(0), tiff(6).slice(0, 15), [...tiff(6)].fill(255, 4, 8)]) {
      assert.equal(await readOrientation(make(broken)), undefined);
    }
    assert.equal(await readOrientation(make()), undefined);
  }
  for (const other of [[], [0xff, 0xd8, 0xff, 0xe1], ascii("\x89PNG"), ascii("RIFF1234WEBPVP8 ")]) {
    assert.equal(await readOrientation(new Blob([new Uint8Array(other)])), undefined);
  }
});

test("a bitmap that the browser turned, or that lies right, is left alone", async () => {
  const { turnUpright } = await fresh();
  browserTurns = true;
  const bitmap = new Bitmap(3, 2);
  assert.equal(await turnUpright(bitmap, webp(tiff(6))), bitmap);
  assert.equal(await turnUpright(bitmap, png(tiff(3))), bitmap);
  browserTurns = false;
  assert.equal(await turnUpright(bitmap, webp(tiff(1))), bitmap);
  assert.equal(await turnUpright(bitmap, webp()), bitmap);
});

test("a bitmap that the browser left lying is turned, each orientation to its place", async () => {
  const { turnUpright } = await fresh();
  browserTurns = false;
  // Where the stored top left and top right corners of a picture of 3x2 are when it is upright.
  const corners = {
    2: [[3, 0], [0, 0]],
    3: [[3, 2], [0, 2]],
    4: [[0, 2], [3, 2]],
    5: [[0, 0], [0, 3]],
    6: [[2, 0], [2, 3]],
    7: [[2, 3], [2, 0]],
    8: [[0, 3], [0, 0]],
  }; // prettier-ignore
  for (const [orientation, expected] of Object.entries(corners)) {
    for (const make of [png, webp]) {
      const bitmap = new Bitmap(3, 2);
      const turned = await turnUpright(bitmap, make(tiff(Number(orientation))));
      assert.deepEqual([turned.width, turned.height], orientation > 4 ? [2, 3] : [3, 2]);
      assert.ok(bitmap.closed && drawn.bitmap === bitmap);
      const [a, b, c, d, e, f] = drawn.transform;
      const moved = ([x, y]) => [a * x + c * y + e, b * x + d * y + f];
      assert.deepEqual([moved([0, 0]), moved([3, 0])], expected, `orientation ${orientation}`);
    }
  }
});
