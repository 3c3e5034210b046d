// The brush on a mask's bytes.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { source } from "./support.mjs";

const { copyPart, paintLine, putPart, union } = await source("brush");

const maskOf = (value) => ({ width: 40, height: 30, alpha: new Uint8ClampedArray(40 * 30).fill(value) });
const at = ({ width, alpha }, x, y) => alpha[y * width + x];

describe("the brush", () => {
  test("restores to full in its middle, nothing outside, and fades between", () => {
    const mask = maskOf(0);
    const changed = paintLine(mask, { x: 20, y: 15 }, { x: 20, y: 15 }, { radius: 8, restores: true });
    assert.deepEqual(changed, { x: 12, y: 7, width: 16, height: 16 });
    assert.equal(at(mask, 20, 15), 255);
    assert.equal(at(mask, 30, 15), 0);
    const fade = at(mask, 26, 15);
    assert.ok(fade > 0 && fade < 255, `${fade}`);
  });

  test("erases, and painting twice is painting once", () => {
    const mask = maskOf(255);
    const brush = { radius: 6, restores: false };
    paintLine(mask, { x: 10, y: 10 }, { x: 30, y: 20 }, brush);
    assert.equal(at(mask, 20, 15), 0, "the middle of the line");
    const once = mask.alpha.slice();
    paintLine(mask, { x: 10, y: 10 }, { x: 30, y: 20 }, brush);
    assert.deepEqual(mask.alpha, once);
  });

  test("stays inside at every edge, and outside changes nothing", () => {
    const mask = maskOf(0);
    const brush = { radius: 10, restores: true };
    assert.deepEqual(paintLine(mask, { x: 0, y: 0 }, { x: 0, y: 0 }, brush), { x: 0, y: 0, width: 10, height: 10 });
    assert.equal(paintLine(mask, { x: 400, y: 15 }, { x: 400, y: 15 }, brush), undefined);
  });

  test("a stroke is undone by the bytes that it had changed", () => {
    const mask = { ...maskOf(0), alpha: Uint8ClampedArray.from({ length: 1200 }, (_, index) => (index * 7) % 256) };
    const before = mask.alpha.slice();
    const part = paintLine(mask, { x: 5, y: 5 }, { x: 25, y: 22 }, { radius: 4, restores: true });
    const after = mask.alpha.slice();
    assert.notDeepEqual(after, before);
    const [old, painted] = [copyPart({ ...mask, alpha: before }, part), copyPart(mask, part)];
    putPart(mask, part, old);
    assert.deepEqual(mask.alpha, before);
    putPart(mask, part, painted);
    assert.deepEqual(mask.alpha, after);
  });

  test("what has changed is a rectangle around all of it", () => {
    assert.deepEqual(union({ x: 1, y: 5, width: 2, height: 2 }, { x: 4, y: 1, width: 3, height: 1 }), {
      x: 1,
      y: 1,
      width: 6,
      height: 6,
    });
    assert.equal(union(undefined, undefined), undefined);
  });
});
