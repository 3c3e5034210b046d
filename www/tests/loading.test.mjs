// What is fetched, how often, and what happens when it stops halfway.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST, openHarness, visit } from "./support/browser.mjs";
import { MODEL, skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const MB = 1e6;
/** A first visit with U3: bodies of page, scripts, Wasm, header and weights. */
const FIRST_VISIT_BYTES = 8 * MB;
/** Pieces of a MiB are kept whole or not at all. */
const PIECE_BYTES = 2 ** 20;
const TIMEOUT = { timeout: 180_000 };

const isModel = (path) => path.startsWith("/models/");
const isPhoto = (path) => path.startsWith("/photos/") || path.startsWith("/pixels/");

describe("loading in a browser", { skip: skip("loading") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  /** A page with an empty cache. */
  const fresh = async (t, options) => {
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    return { context, ...(await openHarness(context, stage.origin, options)) };
  };

  /** Loads U3 in the page and segments one picture; what was told of the loading. */
  const load = (page, options = {}) =>
    page.evaluate(async (options) => {
      const progress = [];
      const segmenter = await hw.load({
        split: "U3",
        size: 64,
        fallback: "none",
        onProgress: (step) => progress.push(step),
        ...options,
      });
      const { mask, report } = await segmenter.segment(await hw.photo("coffee", 60, 40));
      segmenter.release();
      return { progress, alpha: hw.base64(mask.alpha), weights: report.client_weight_bytes };
    }, options);

  test("a first visit with U3 stays below 8 MB, and a second fetches no weights", TIMEOUT, async (t) => {
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    const { page, complaints } = await visit(context, "about:blank");
    const { gate } = stage;
    gate.reset();
    // Counted by the server in between: the demo loads in a worker, whose requests are not the page's.
    const bytes = (passes) =>
      gate.requests
        .filter(({ method, path }) => method === "GET" && passes(path))
        .reduce((sum, { sent }) => sum + sent, 0);
    const cut = async () => {
      await page.goto(`${stage.origin}/?split=U3&size=64&codec=f16`);
      await page.setInputFiles("[data-testid=pick]", {
        name: "small.png",
        mimeType: "image/png",
        buffer: await smallPng(page),
      });
      await page.waitForFunction(() => document.querySelector("[data-testid=report]")?.textContent.includes("U3"));
    };
    await cut();
    const first = bytes((path) => !isPhoto(path));
    console.log(`first visit, ${(first / MB).toFixed(2)} MB without the sample photographs:`);
    for (const { method, path, sent } of gate.requests) console.log(`${String(sent).padStart(9)}  ${method} ${path}`);
    assert.ok(first <= FIRST_VISIT_BYTES, `${first} bytes`);
    assert.ok(bytes(isModel) > 5 * MB, "the weights did not come");
    gate.reset();
    await cut();
    const statuses = gate.requests.filter(({ path }) => isModel(path)).map(({ status }) => status);
    assert.ok(statuses.length > 0 && statuses.every((status) => status === 304), `the model's answers: ${statuses}`);
    const again = bytes(isModel);
    console.log(`second visit: ${again} bytes of the model, ${bytes((path) => !isPhoto(path))} in all`);
    assert.ok(again < 5000, `${again} bytes of the model`);
    complaints.check();
  });

  test("progress never goes back, and arrives", TIMEOUT, async (t) => {
    const { page, complaints } = await fresh(t);
    for (const cached of [false, true]) {
      const { progress, weights } = await load(page);
      assert.ok(progress.length > 10, `${progress.length} steps told`);
      for (const stage of ["runtime", "model", "weights", "prepare"]) {
        const steps = progress.filter((step) => step.stage === stage);
        assert.ok(steps.length > 0, `nothing is told of ${stage}`);
        for (const [i, { loaded, total }] of steps.entries()) {
          assert.ok(loaded >= (steps[i - 1]?.loaded ?? 0), `${stage} goes back`);
          assert.ok(total === null || loaded <= total, `${stage}: ${loaded} of ${total}`);
        }
        const { loaded, total } = steps.at(-1);
        assert.equal(loaded, total, `${stage} ends before its end (from the cache: ${cached})`);
      }
      const { total } = progress.findLast((step) => step.stage === "weights");
      assert.ok(total >= weights && total < 1.1 * weights, `${total} bytes for ${weights} of weights`);
    }
    complaints.check();
  });

  test("a load that was broken off goes on where it stopped", TIMEOUT, async (t) => {
    const { gate } = stage;
    const { page, complaints } = await fresh(t);
    gate.reset();
    gate.pauseMillis = 10;
    await page.evaluate(() => {
      globalThis.loaded = 0;
      void hw
        .load({
          split: "U3",
          size: 64,
          onProgress: ({ stage, loaded }) => stage === "weights" && (globalThis.loaded = loaded),
        })
        .catch(() => undefined);
    });
    await page.waitForFunction(() => globalThis.loaded > 3 * 2 ** 20);
    // As a visitor leaves: in the middle, without a word.
    await page.reload();
    await page.waitForFunction(() => globalThis.hw !== undefined);
    const before = gate.sent("/models/");
    gate.reset();
    const { weights } = await load(page);
    const rest = gate.sent("/models/");
    console.log(`${before} bytes before the page was left, ${rest} after, ${weights} of weights`);
    assert.ok(before < weights, "it was not broken off");
    // What was on its way when the page went is lost: a piece, and what stood in the buffers between.
    assert.ok(rest < weights - 2 * PIECE_BYTES, `${rest} bytes again`);
    assert.ok(rest > 0);
    complaints.check(FAILED_REQUEST);
  });

  test("aborting in the middle rejects with aborted, at once, and the next load goes on", TIMEOUT, async (t) => {
    const { gate } = stage;
    const { page, complaints } = await fresh(t);
    gate.reset();
    gate.pauseMillis = 10;
    for (const worker of [false, true]) {
      const found = await page.evaluate(async (worker) => {
        const controller = new AbortController();
        let asked = 0;
        const outcome = await hw.outcome(
          hw.load({
            worker,
            split: "U3",
            size: 64,
            signal: controller.signal,
            cache: !worker,
            onProgress: ({ stage, loaded }) => {
              if (stage !== "weights" || loaded < 2 ** 20 || asked > 0) return;
              asked = performance.now();
              controller.abort();
            },
          }),
        );
        return { ...outcome, millis: performance.now() - asked, asked };
      }, worker);
      assert.equal(found.code, "aborted", found.message);
      assert.ok(found.asked > 0 && found.millis < 3000, `${found.millis} ms after the abort`);
    }
    const already = await page.evaluate(() =>
      hw.outcome(hw.load({ split: "U3", size: 64, signal: AbortSignal.abort() })),
    );
    assert.equal(already.code, "aborted");
    gate.reset();
    await load(page);
    assert.ok(gate.sent("/models/") < 6 * MB, "what had come was not kept");
    complaints.check(FAILED_REQUEST);
  });

  test("a connection that breaks is taken up again within one load", TIMEOUT, async (t) => {
    const { gate } = stage;
    const { page, complaints } = await fresh(t);
    const whole = await load(page);
    gate.reset();
    // So that little is on its way, and lost, when it breaks.
    gate.pauseMillis = 5;
    let broken = 0;
    gate.cut = ({ path, sent }) => isModel(path) && sent > 2 * MB && (broken += 1) <= 2;
    const other = await fresh(t);
    const found = await load(other.page);
    assert.ok(broken >= 2, "nothing broke");
    assert.equal(found.alpha, whole.alpha);
    assert.ok(gate.sent("/models/") < whole.weights + 2 * MB, `${gate.sent("/models/")} bytes in all`);
    gate.reset();
    complaints.check();
    other.complaints.check(FAILED_REQUEST);
  });

  test("a server that gives no parts of files works too", TIMEOUT, async (t) => {
    const { gate } = stage;
    gate.reset();
    const parts = await load((await fresh(t)).page);
    gate.reset();
    gate.hidden = ["range", "if-none-match"];
    gate.withheld = ["accept-ranges"];
    const { page, complaints } = await fresh(t);
    const found = await load(page);
    assert.equal(found.alpha, parts.alpha);
    const statuses = gate.requests.filter(({ path }) => isModel(path)).map(({ status }) => status);
    assert.ok(statuses.length > 0 && statuses.every((status) => status === 200), statuses.join());
    const { size } = statSync(MODEL);
    console.log(`without ranges ${gate.sent("/models/")} of ${size} bytes left the server`);
    gate.reset();
    complaints.check();
  });

  for (const where of ["main", "worker"]) {
    test(`an estimate in the ${where === "main" ? "page" : "worker"} is what a load downloads`, TIMEOUT, async (t) => {
      const { page, complaints } = await fresh(t);
      const { gate } = stage;
      gate.reset();
      const options = { split: "U3", size: 64, server: "/" };
      const estimate = () =>
        page.evaluate(({ where, options }) => hw[where].Segmenter.estimate(hw.MODEL, options), { where, options });
      const isCached = () =>
        page.evaluate(({ where, options }) => hw[where].Segmenter.isCached(hw.MODEL, options), { where, options });
      assert.equal(await isCached(), false);
      assert.equal(gate.sent("/models/"), 0, "isCached asks the server");
      const first = await estimate();
      assert.equal(first.split, "U3");
      assert.ok(first.downloadBytes > 5 * MB && first.downloadBytes < 7 * MB, `${first.downloadBytes} bytes`);
      assert.ok(gate.sent("/models/") < 200_000, "an estimate reads weights");
      gate.requests = [];
      const found = await load(page, { worker: where === "worker" });
      assert.equal(gate.sent("/models/"), first.downloadBytes);
      assert.ok(first.totalBytes >= found.weights);
      assert.equal(first.totalBytes, first.cachedBytes + first.downloadBytes);
      assert.deepEqual([(await estimate()).downloadBytes, await isCached()], [0, true]);
      await page.evaluate((where) => hw[where].Segmenter.clear(hw.MODEL), where);
      assert.equal(await isCached(), false);
      gate.requests = [];
      const steps = await page.evaluate(
        async ({ where, options }) => {
          const steps = [];
          await hw[where].Segmenter.preload(hw.MODEL, { ...options, onProgress: (step) => steps.push(step) });
          return steps.filter(({ stage }) => stage === "weights");
        },
        { where, options },
      );
      assert.deepEqual(steps.at(-1).loaded, steps.at(-1).total);
      const preloaded = gate.sent("/models/");
      // The first request may be answered from the browser's HTTP cache, which clear leaves alone.
      assert.ok(Math.abs(preloaded - first.totalBytes) < 200_000, `${preloaded} of ${first.totalBytes} bytes`);
      gate.requests = [];
      const again = await load(page, { worker: where === "worker" });
      assert.equal(gate.sent("/models/"), 0, "what was preloaded is fetched again");
      assert.equal(again.alpha, found.alpha);
      complaints.check();
    });
  }

  test("two tabs load at once", TIMEOUT, async (t) => {
    const { gate } = stage;
    gate.reset();
    const { context, page, complaints } = await fresh(t);
    const other = await openHarness(context, stage.origin);
    const [one, two] = await Promise.all([load(page), load(other.page)]);
    assert.equal(one.alpha, two.alpha);
    const between = gate.sent("/models/");
    await load(page);
    assert.ok(gate.sent("/models/") - between < 5000, "what two tabs kept is not used");
    complaints.check();
    other.complaints.check();
  });

  test("a full disk is survived, and so is a browser that keeps nothing", TIMEOUT, async (t) => {
    for (const failing of ["put", "open"]) {
      const { page, complaints } = await fresh(t, {
        before: (failing) => {
          const refuse = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
          if (failing === "open") CacheStorage.prototype.open = refuse;
          else Cache.prototype[failing] = refuse;
        },
        arg: failing,
      });
      const { progress, weights } = await load(page);
      assert.equal(progress.findLast(({ stage }) => stage === "weights").loaded >= weights, true, failing);
      complaints.check();
    }
  });

  test("a kept piece that is damaged is fetched again", TIMEOUT, async (t) => {
    const { gate } = stage;
    gate.reset();
    const { page, complaints } = await fresh(t);
    const whole = await load(page);
    const damaged = await page.evaluate(async () => {
      let damaged = 0;
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
          if (!/\/\d+-\d+$/.test(request.url) || damaged > 0) continue;
          await cache.put(request, new Response("short"));
          damaged += 1;
        }
      }
      return damaged;
    });
    assert.equal(damaged, 1, "nothing was kept");
    gate.reset();
    const again = await load(page);
    assert.equal(again.alpha, whole.alpha);
    const sent = gate.sent("/models/");
    assert.ok(sent > 1000 && sent < 2.2 * PIECE_BYTES, `${sent} bytes`);
    complaints.check();
  });

  test("without a network the model is taken as it was last seen", TIMEOUT, async (t) => {
    const { gate } = stage;
    gate.reset();
    const { page, complaints } = await fresh(t);
    const whole = await load(page);
    gate.hook = (request, response) => isModel(request.url) && (response.destroy(), true);
    const again = await load(page);
    gate.reset();
    assert.equal(again.alpha, whole.alpha);
    complaints.check(FAILED_REQUEST);
  });

  test("a model from a Blob or an ArrayBuffer needs no network", { timeout: 240_000 }, async (t) => {
    const { gate } = stage;
    gate.reset();
    const { page, complaints } = await fresh(t);
    const whole = await load(page);
    const found = await page.evaluate(async () => {
      const blob = await (await fetch(hw.MODEL)).blob();
      const image = await hw.photo("coffee", 60, 40);
      const alphas = [];
      for (const model of [blob, await blob.arrayBuffer()]) {
        const segmenter = await hw.load({ model, split: "U3", size: 64, fallback: "none" });
        alphas.push(hw.base64((await segmenter.segment(image)).mask.alpha));
        segmenter.release();
      }
      return alphas;
    });
    assert.deepEqual(found, [whole.alpha, whole.alpha]);
    complaints.check();
  });
});

/** A picture that adds nothing to what a visit fetches. */
async function smallPng(page) {
  const text = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 60, height: 40 });
    const context = canvas.getContext("2d");
    context.fillStyle = "#a42";
    context.fillRect(15, 8, 30, 24);
    return canvas.toDataURL("image/png");
  });
  return Buffer.from(text.split(",")[1], "base64");
}
