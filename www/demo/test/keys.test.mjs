// Keys, and whose they are: with stand-ins for elements.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { source } from "./support.mjs";

const { startKeys, takesText } = await source("keys");

/** An element that is found by its own tag only. */
const element = (tagName, type) => ({
  tagName,
  type,
  closest: (selector) => selector.split(", ").includes(tagName.toLowerCase()),
});

test("only inputs of text take text", () => {
  for (const type of ["text", "number", "search", "url", undefined]) assert.ok(takesText(element("INPUT", type)), type);
  for (const type of ["radio", "range", "color", "checkbox", "button", "file"]) {
    assert.equal(takesText(element("INPUT", type)), false, type);
  }
  assert.equal(takesText(element("BUTTON", "submit")), false);
});

describe("with the focus on an input", () => {
  let listeners, done, press;
  beforeEach(() => {
    listeners = {};
    done = [];
    const listen = (type, listener) => (listeners[type] = listener);
    globalThis.document = { addEventListener: listen, querySelector: () => null };
    globalThis.addEventListener = listen;
    const note = (name) => () => (done.push(name), true);
    const board = { selected: {}, width: 100, height: 100 };
    const edits = { move: note("move"), scale: note("scale") };
    const brushKey = ({ key }) => key.startsWith("Arrow") && (done.push("brush"), true);
    startKeys(board, edits, { use: (tool) => done.push(tool), undo: note("undo"), redo: note("redo"), brushKey });
    press = (target, key, more) => {
      done.length = 0;
      listeners.keydown({ key, target, preventDefault: () => undefined, ...more });
      return done.join();
    };
  });

  for (const type of ["radio", "range", "color"]) {
    test(`of type ${type}, undo and letters work, and arrows are its own`, () => {
      const input = element("INPUT", type);
      assert.equal(press(input, "z", { ctrlKey: true }), "undo");
      assert.equal(press(input, "f"), "flip");
      assert.equal(press(input, "ArrowLeft"), "");
    });
  }

  test("of text, every key is its own", () => {
    const input = element("INPUT", "text");
    assert.equal(press(input, "z", { ctrlKey: true }), "");
    assert.equal(press(input, "f"), "");
  });

  test("or on nothing, arrows are the brush's", () => {
    assert.equal(press(element("BODY"), "ArrowLeft"), "brush");
  });
});
