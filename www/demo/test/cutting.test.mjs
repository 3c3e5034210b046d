// The queue, progress, cancelling, consent: with a stand-in for the engine.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { source } from "./support.mjs";

const { Cutting, seriesWords } = await source("cutting");
const { Consent } = await source("consent");
const SETTINGS = { split: "U3", size: 64, codec: "f16" };

/** A stand-in that records its calls. */
class Status {
  lines = [];
  notes = [];
  troubles = [];
  #owner;
  get isWorking() {
    return this.#owner !== undefined;
  }
  work(owner, work) {
    this.#owner = owner;
    this.current = work;
    this.lines.push(work.text);
  }
  rest(owner) {
    if (this.#owner === owner) this.#owner = this.current = undefined;
  }
  done(text) {
    this.notes.push(text);
  }
  trouble(trouble) {
    this.troubles.push(trouble);
  }
  forget() {}
}

function pieceOf(name) {
  const piece = {
    name,
    photo: { name, width: 100, height: 50, file: new Blob(["x"]) },
    state: "photo",
    runs: new Map(),
    get isBusy() {
      return this.state === "waiting" || this.state === "working";
    },
    become(state) {
      this.state = state;
    },
    fail(trouble) {
      this.trouble = trouble;
      this.become("failed");
    },
    reveal(run) {
      this.run = run;
      this.become("cut");
      return true;
    },
  };
  return piece;
}

describe("cutting", () => {
  let status, calls, cutting;
  beforeEach(() => {
    status = new Status();
    calls = [];
    const engine = {
      run: (file, settings, options) =>
        new Promise((resolve, reject) => {
          options.signal.addEventListener("abort", () => reject(options.signal.reason));
          calls.push({ options, reject, finish: () => resolve(runOf(settings)) });
        }),
    };
    cutting = new Cutting(engine, status, new Consent(async () => true), () => undefined);
  });
  const runOf = (settings) => ({ settings, report: { split: "U3" }, wallMillis: 13_000, loadMillis: 8200 });

  test("progress after an abort changes nothing", async () => {
    const piece = pieceOf("a.jpg");
    const cut = cutting.cut(piece, SETTINGS);
    const { options } = calls[0];
    options.onStart();
    options.onProgress({ stage: "prepare", loaded: 3, total: 148 });
    assert.equal(piece.state, "working");
    status.current.cancel();
    assert.equal(await cut, false);
    for (let loaded = 4; loaded <= 148; loaded++) options.onProgress({ stage: "prepare", loaded, total: 148 });
    options.onStart();
    options.onReady();
    assert.equal(piece.state, "photo");
    assert.equal(status.isWorking, false);
    assert.equal(status.notes.at(-1), "a.jpg was cancelled.");
  });

  test("each of several says which of how many it is, and cancelling all ends all", async () => {
    const pieces = ["a", "b", "c"].map(pieceOf);
    const cuts = pieces.map((piece) => cutting.cut(piece, SETTINGS));
    calls[0].options.onStart();
    assert.match(status.lines.at(-1), /^1 of 3: Cutting out a/);
    calls[0].finish();
    await cuts[0];
    calls[1].options.onStart();
    assert.match(status.lines.at(-1), /^2 of 3: Cutting out b/);
    assert.ok(status.isWorking, "the first one's end is not the second one's");
    status.current.cancelAll();
    assert.deepEqual(await Promise.all(cuts), [true, false, false]);
    assert.deepEqual(
      pieces.map(({ state }) => state),
      ["cut", "photo", "photo"],
    );
    assert.equal(status.notes.at(-1), "1 of 3 cut out, 2 cancelled.");
    assert.equal(status.isWorking, false);
  });

  test("what was waited for is said, and how much of it was loading", async () => {
    const cut = cutting.cut(pieceOf("a.jpg"), SETTINGS);
    calls[0].finish();
    await cut;
    assert.match(status.notes.at(-1), /^a\.jpg was cut out in 13\.0\ss, 8\.20\ss of them loading\.$/);
  });

  test("an error is the piece's own and names it", async () => {
    const piece = pieceOf("a.jpg");
    const errors = console.error;
    console.error = () => undefined;
    const cut = cutting.cut(piece, SETTINGS);
    calls[0].reject(Object.assign(new Error("the server answered 500"), { code: "server-error" }));
    await cut;
    console.error = errors;
    assert.equal(piece.state, "failed");
    assert.equal(piece.trouble.what, "The server answered 500.");
    assert.equal(status.troubles[0].what, "a.jpg: The server answered 500.");
  });

  test("a batch with a bad file has its summary, and the next one counts anew", async (t) => {
    t.mock.method(console, "error", () => undefined);
    const cuts = ["a", "b", "c"].map((name) => cutting.cut(pieceOf(name), SETTINGS));
    calls[0].finish();
    calls[1].reject(new Error("no picture"));
    calls[2].finish();
    assert.deepEqual(await Promise.all(cuts), [true, false, true]);
    assert.match(status.notes.at(-1), /^2 pictures were cut out in .*, 1 could not be\.$/);
    const more = ["d", "e"].map((name) => cutting.cut(pieceOf(name), SETTINGS));
    calls[3].finish();
    calls[4].finish();
    await Promise.all(more);
    assert.match(status.notes.at(-1), /^2 pictures were cut out in [^,]*\.$/);
  });

  test("files that never became photographs count, but not in a later batch", async () => {
    const batch = async (at, ...names) => {
      const cuts = names.map((name) => cutting.cut(pieceOf(name), SETTINGS));
      for (let call = at; call < at + names.length; call++) calls[call].finish();
      await Promise.all(cuts);
    };
    cutting.expect();
    cutting.miss();
    await batch(0, "a", "b");
    assert.match(status.notes.at(-1), /^2 pictures were cut out in .*, 1 could not be\.$/);
    cutting.expect();
    cutting.miss();
    cutting.expect();
    await batch(2, "c", "d");
    assert.match(status.notes.at(-1), /^2 pictures were cut out in [^,]*\.$/);
  });

  test("a series' end is said by what became of its pictures", () => {
    const words = (cut, cancelled, failed) => seriesWords({ cut, cancelled, failed }, 3000).replaceAll("\u00a0", " ");
    assert.equal(words(5, 0, 2), "5 pictures were cut out in 3.00 s, 2 could not be.");
    assert.equal(words(1, 0, 1), "1 picture was cut out in 3.00 s, 1 could not be.");
    assert.equal(words(0, 0, 2), "None of the 2 pictures could be cut out.");
    assert.equal(words(0, 3, 0), "0 of 3 cut out, 3 cancelled.");
    assert.equal(words(1, 2, 1), "1 of 4 cut out, 2 cancelled, 1 could not be cut out.");
  });
});

describe("consent", () => {
  const { signal } = new AbortController();

  test("is asked for once in a visit", async () => {
    let asked = 0;
    const consent = new Consent(async () => (asked++, true));
    assert.deepEqual(await Promise.all([consent.toPost("", signal), consent.toPost("", signal)]), [true, true]);
    assert.equal(await consent.toPost("", signal), true);
    assert.equal(asked, 1);
    consent.reconsider();
    await consent.toPost("", signal);
    assert.equal(asked, 1, "a yes stands");
  });

  test("that was refused is asked for again only where the visitor tries again", async () => {
    let asked = 0;
    const consent = new Consent(async () => (asked++, false));
    assert.equal(await consent.toPost("", signal), false);
    assert.equal(await consent.toPost("", signal), false);
    assert.equal(asked, 1);
    consent.reconsider();
    await consent.toPost("", signal);
    assert.equal(asked, 2);
  });

  test("is open again when the question was withdrawn", async () => {
    const answers = [() => Promise.reject(new Error("aborted")), async () => true];
    const consent = new Consent(() => answers.shift()());
    await assert.rejects(consent.toPost("", signal));
    assert.equal(await consent.toPost("", signal), true);
  });
});
