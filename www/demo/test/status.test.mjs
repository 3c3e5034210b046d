// What is said when several things happen at once.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { source } from "./support.mjs";

const { Status } = await source("status");

describe("the status", () => {
  let status, shown;
  beforeEach(() => {
    status = new Status();
    status.watch({ show: (state) => (shown = state) });
  });
  const work = (owner, text = "Cutting out a.jpg") => status.work(owner, { text, cancel: () => undefined });

  test("a notice about the device stands beside the work and its Cancel", () => {
    const piece = {};
    work(piece);
    status.done("The graphics device was lost and is being opened again.");
    assert.equal(shown.kind, "working");
    assert.equal(shown.work.text, "Cutting out a.jpg");
    assert.equal(typeof shown.work.cancel, "function");
    assert.match(shown.note, /was lost/);
    // Progress of the same work leaves the notice where it is.
    work(piece, "Making the layers ready");
    assert.match(shown.note, /was lost/);
    status.rest(piece);
    assert.equal(shown.kind, "idle");
  });

  test("work that has ended does not end another's", () => {
    const [first, second] = [{}, {}];
    work(first);
    work(second, "Cutting out b.jpg");
    status.rest(first);
    assert.equal(shown.work.text, "Cutting out b.jpg");
  });

  test("errors stay through other work, one for each thing, until they are dismissed or mended", () => {
    const [piece, other] = [{}, {}];
    status.trouble({ code: "timeout", what: "a", help: "" }, piece);
    status.trouble({ code: "bad-image", what: "b", help: "" });
    work(other);
    status.rest(other);
    status.done("c.jpg was cut out.");
    assert.equal(shown.kind, "error");
    assert.deepEqual(
      shown.troubles.map(({ what }) => what),
      ["a", "b"],
    );
    status.trouble({ code: "timeout", what: "a again", help: "" }, piece);
    assert.deepEqual(
      shown.troubles.map(({ what }) => what),
      ["b", "a again"],
    );
    status.forget(piece);
    assert.equal(shown.troubles.length, 1);
    status.dismiss();
    assert.equal(shown.kind, "idle");
  });

  test("a question is answered once, and goes when nobody needs the answer", async () => {
    const controller = new AbortController();
    const answer = status.ask("Send it?", "Send", "Not now", controller.signal);
    assert.equal(shown.kind, "asking");
    shown.question.answer(true);
    assert.equal(await answer, true);
    assert.equal(shown.question, undefined);
    const withdrawn = status.ask("Send it?", "Send", "Not now", controller.signal);
    controller.abort();
    await assert.rejects(withdrawn);
    assert.equal(shown.question, undefined);
  });
});
