// The subject's own colours at soft edges, which are the native command's.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { estimateForeground } from "../lib/foreground.js";

const SIDE = 200;
const SUBJECT = [200, 40, 60];
const WALL = [30, 220, 40];

/** A disc with an edge of 20 pixels in front of a green wall, and the true alpha. */
function composite(own = () => 255) {
  const rgba = new Uint8ClampedArray(4 * SIDE * SIDE);
  const alpha = new Uint8ClampedArray(SIDE * SIDE);
  for (let i = 0; i < alpha.length; i += 1) {
    const radius = Math.hypot((i % SIDE) - SIDE / 2, Math.floor(i / SIDE) - SIDE / 2);
    alpha[i] = (255 * (70 - radius)) / 20;
    for (let k = 0; k < 3; k += 1) rgba[4 * i + k] = (alpha[i] * SUBJECT[k] + (255 - alpha[i]) * WALL[k]) / 255;
    rgba[4 * i + 3] = own(i);
  }
  return { rgba, alpha };
}

test("the colours are those of the golden files, which tests/edges.rs holds the native ones to", async () => {
  const folder = new URL("../../../tests/golden/edges/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".rgba"));
  assert.ok(names.length >= 3, `${names.length} golden files`);
  for (const name of names) {
    const [width, height] = name.split(/[x.]/).map(Number);
    const pixels = Uint8ClampedArray.from(readFileSync(new URL(name, folder)));
    const expected = readFileSync(new URL(name.replace(".rgba", ".rgb"), folder));
    assert.deepEqual([pixels.length, expected.length], [4 * width * height, 3 * width * height], name);
    // The fourth byte of a golden pixel is the mask's.
    const alpha = pixels.filter((_, i) => i % 4 === 3);
    for (let i = 0; i < alpha.length; i += 1) pixels[4 * i + 3] = 255;
    await estimateForeground(pixels, alpha, width, height);
    let apart = 0;
    for (let i = 0; i < expected.length; i += 1) {
      apart = Math.max(apart, Math.abs(expected[i] - pixels[4 * Math.floor(i / 3) + (i % 3)]));
    }
    assert.ok(apart <= 1, `${name}: ${apart} levels apart`);
  }
});

test("the wall's colour is taken out of the edge, and nothing else is changed", async () => {
  const { rgba, alpha } = composite();
  const before = rgba.slice();
  await estimateForeground(rgba, alpha, SIDE, SIDE);
  let [mixed, greenBefore, greenAfter] = [0, 0, 0];
  for (let i = 0; i < alpha.length; i += 1) {
    assert.equal(rgba[4 * i + 3], 255);
    if (alpha[i] === 0 || alpha[i] === 255) {
      assert.deepEqual([...rgba.subarray(4 * i, 4 * i + 3)], [...before.subarray(4 * i, 4 * i + 3)]);
      continue;
    }
    mixed += 1;
    greenBefore += Math.abs(before[4 * i + 1] - SUBJECT[1]);
    greenAfter += Math.abs(rgba[4 * i + 1] - SUBJECT[1]);
  }
  assert.ok(mixed > 5000, `${mixed} half-transparent pixels`);
  assert.ok(greenBefore / mixed > 60, `${greenBefore / mixed} levels of green before`);
  assert.ok(greenAfter / mixed < 6, `${greenAfter / mixed} levels of green left`);
});

test("pixels that are transparent by themselves keep their colours", async () => {
  const { rgba, alpha } = composite((i) => (i % 5 === 0 ? 128 : 255));
  const before = rgba.slice();
  await estimateForeground(rgba, alpha, SIDE, SIDE);
  let changed = 0;
  for (let i = 0; i < alpha.length; i += 1) {
    const same = [0, 1, 2, 3].every((k) => rgba[4 * i + k] === before[4 * i + k]);
    if (before[4 * i + 3] === 128) assert.ok(same);
    else changed += same ? 0 : 1;
  }
  assert.ok(changed > 3000, `${changed} pixels changed`);
});

test("masks without a soft edge, and the smallest pictures, are left as they are", async () => {
  for (const [width, height, value] of [
    [1, 1, 255],
    [1, 1, 0],
    [3, 1, 255],
    [64, 5, 0],
  ]) {
    const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : i));
    const before = rgba.slice();
    await estimateForeground(rgba, new Uint8ClampedArray(width * height).fill(value), width, height);
    assert.deepEqual(rgba, before);
  }
  const single = Uint8ClampedArray.of(10, 20, 30, 255);
  await estimateForeground(single, Uint8ClampedArray.of(100), 1, 1);
  assert.deepEqual([...single], [10, 20, 30, 255]);
});

test("a large picture is worked on in steps, and can be given up between them", async () => {
  const side = 1000;
  const rgba = new Uint8ClampedArray(4 * side * side).fill(200);
  const alpha = Uint8ClampedArray.from({ length: side * side }, (_, i) => 1 + (i % 253));
  const controller = new AbortController();
  const working = estimateForeground(rgba, alpha, side, side, controller.signal);
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (turns === 5) controller.abort();
    else setImmediate(turn);
  };
  setImmediate(turn);
  await assert.rejects(working, { name: "HeadwaterError", code: "aborted" });
  assert.equal(turns, 5);
});
