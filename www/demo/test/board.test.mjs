// Where pieces land, what can be undone, which of how many.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { source } from "./support.mjs";

const { placeFor } = await source("placement");
const { History } = await source("history");
const { Series } = await source("series");
const { distinct, stem } = await source("saving");
const { fittingSize } = await source("panel/adapter");

describe("placement", () => {
  const photo = { width: 4000, height: 3000 };
  const boards = [
    { width: 900, height: 520 },
    { width: 358, height: 520 },
    { width: 300, height: 160 },
  ];

  for (const board of boards) {
    test(`a lone piece lies in the middle of ${board.width}x${board.height}, and inside`, () => {
      const { x, y, zoom } = placeFor(photo, board, [], 1);
      assert.equal(x, 0.5);
      const [width, height] = [photo.width * zoom, photo.height * zoom];
      assert.ok(y * board.height - height / 2 >= 0 && y * board.height + height / 2 <= board.height);
      assert.ok(width <= board.width && width > 0.2 * board.width);
    });

    test(`twelve dropped at one point of ${board.width}x${board.height} are told apart`, () => {
      const at = { x: 0.1, y: 0.9 };
      const places = [];
      for (let count = 0; count < 12; count++) places.push(placeFor(photo, board, [...places], 12, at));
      let least = Infinity;
      for (const [index, one] of places.entries()) {
        for (const other of places.slice(index + 1)) {
          const apart = Math.hypot((one.x - other.x) * board.width, (one.y - other.y) * board.height);
          least = Math.min(least, apart / (photo.height * one.zoom));
        }
      }
      assert.ok(least > 0.1, `${least.toFixed(3)} of a piece's height apart`);
    });
  }
});

describe("history", () => {
  const stepOf = (log, name) => ({ words: name, undo: () => log.push(`-${name}`), redo: () => log.push(`+${name}`) });

  test("undoes the last step first and does them again in order", () => {
    const log = [];
    const history = new History(() => undefined);
    for (const name of ["a", "b"]) history.add(stepOf(log, name));
    assert.equal(history.undo(), "b");
    assert.equal(history.undo(), "a");
    assert.equal(history.undo(), undefined);
    history.redo();
    history.redo();
    assert.deepEqual(log, ["-b", "-a", "+a", "+b"]);
  });

  test("a new step forgets what was undone", () => {
    const history = new History(() => undefined);
    history.add(stepOf([], "a"));
    history.undo();
    assert.ok(history.canRedo);
    history.add(stepOf([], "b"));
    assert.equal(history.canRedo, false);
  });

  test("quick steps of one kind are one, slow ones are not", () => {
    const log = [];
    let now = 0;
    const history = new History(
      () => undefined,
      () => now,
    );
    history.add(stepOf(log, "a"), "move 1");
    now += 100;
    history.add(stepOf(log, "b"), "move 1");
    now += 100;
    history.add(stepOf(log, "c"), "move 2");
    now += 5000;
    history.add(stepOf(log, "d"), "move 2");
    for (let count = 0; count < 4; count++) history.undo();
    assert.deepEqual(log, ["-d", "-c", "-a"], "the joined step goes back to before its first");
    history.redo();
    assert.equal(log.at(-1), "+b", "and forward to after its last");
  });
});

test("a series counts from its first to its last, and begins anew", () => {
  const series = new Series();
  for (const member of ["a", "b", "c"]) series.join(member);
  assert.deepEqual([series.size, series.placeOf("b")], [3, 2]);
  assert.equal(series.leave("a"), undefined);
  assert.deepEqual(series.waiting, ["b", "c"]);
  series.leave("c");
  assert.equal(series.leave("b"), 3);
  assert.equal(series.leave("b"), undefined, "nobody leaves twice");
  series.join("d");
  assert.deepEqual([series.size, series.placeOf("d")], [1, 1]);
});

test("files of one folder have different names", () => {
  assert.deepEqual(distinct(["a.png", "A.png", "a.png", "b", "b", "a-2.png"]), [
    "a.png",
    "A-2.png",
    "a-3.png",
    "b",
    "b-2",
    "a-2-2.png",
  ]);
  assert.equal(stem("PXL_1.MP.jpg"), "PXL_1.MP");
});

test("the size follows whoever computes", () => {
  const none = { webgpu: false, adapter: null, software: false, gflops: null };
  const slow = { webgpu: true, adapter: {}, software: true, gflops: 3 };
  const middling = { webgpu: true, adapter: {}, software: false, gflops: 200 };
  const quick = { webgpu: true, adapter: {}, software: false, gflops: 2000 };
  const sizes = (found) => ["auto", "remote", "U3", "local"].map((split) => fittingSize(found, split));
  assert.deepEqual(sizes(none), [1024, 1024, 256, 256]);
  assert.deepEqual(sizes(slow), [1024, 1024, 256, 256]);
  assert.deepEqual(sizes(middling), [512, 1024, 512, 512]);
  assert.deepEqual(sizes(quick), [1024, 1024, 1024, 1024]);
});
