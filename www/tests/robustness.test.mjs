// What only a browser shows: work that ends with an abort, hidden pages, sizes that a real model has.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openHarness } from "./support/browser.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const SIZE = 64;
const TIMEOUT = { timeout: 180_000 };

/** Counts what the page asks of its GPU, as `globalThis.asked`. */
function countGpu() {
  globalThis.asked = { pipelines: 0, writes: 0, devices: 0, destroyed: 0 };
  const count = (prototype, method, what) => {
    const original = prototype[method];
    prototype[method] = function (...given) {
      globalThis.asked[what] += 1;
      return original.apply(this, given);
    };
  };
  count(GPUDevice.prototype, "createComputePipelineAsync", "pipelines");
  count(GPUQueue.prototype, "writeBuffer", "writes");
  count(GPUQueue.prototype, "writeTexture", "writes");
  count(GPUAdapter.prototype, "requestDevice", "devices");
  count(GPUDevice.prototype, "destroy", "destroyed");
}

describe("robustness in a browser", { skip: skip("robustness") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  const fresh = async (t, options) => {
    stage.gate.reset();
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    return openHarness(context, stage.origin, options);
  };

  test("an abort while pipelines are made ends the work, and nothing is told of it", TIMEOUT, async (t) => {
    const { page, complaints } = await fresh(t, { before: countGpu });
    const found = await page.evaluate(async (size) => {
      const run = async (abortAt) => {
        Object.assign(asked, { pipelines: 0, writes: 0, devices: 0, destroyed: 0 });
        const controller = new AbortController();
        const steps = [];
        const onProgress = ({ stage, loaded, total }) => {
          steps.push({ stage, loaded, total });
          if (stage === "prepare" && loaded >= abortAt * total) controller.abort();
        };
        const outcome = await hw.outcome(hw.load({ split: "local", size, signal: controller.signal, onProgress }));
        const told = steps.length;
        // A frame for what had been begun.
        await new Promise((resolve) => setTimeout(resolve, 50));
        const soon = { ...asked };
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return { code: outcome.code, told, later: steps.length, last: steps.at(-1), soon, end: { ...asked } };
      };
      return [await run(0), await run(0.5), await run(2)];
    }, SIZE);
    const [early, middle, whole] = found;
    assert.equal(whole.code, undefined, "a load that nobody aborts");
    for (const aborted of [early, middle]) {
      assert.equal(aborted.code, "aborted");
      assert.equal(aborted.later, aborted.told, "progress after the abort");
      assert.ok(aborted.last.loaded < aborted.last.total, "it was at its end already");
      assert.equal(aborted.end.writes, aborted.soon.writes, "weights were packed after the abort");
      assert.ok(aborted.end.pipelines - aborted.soon.pipelines <= 1, "pipelines were begun after the abort");
      assert.equal(aborted.end.devices, aborted.end.destroyed, "the device is still held");
    }
    assert.ok(early.end.pipelines < whole.end.pipelines, `${early.end.pipelines} of ${whole.end.pipelines} pipelines`);
    assert.ok(early.end.writes < whole.end.writes / 2, `${early.end.writes} of ${whole.end.writes} writes`);
    complaints.check();
  });

  test("a hidden page's slow timers slow nothing down", TIMEOUT, async (t) => {
    const { page, complaints } = await fresh(t, {
      before: () => {
        // As browsers do after a while: one timer a minute. Longer ones are time limits, which nothing waits for.
        const { setTimeout } = globalThis;
        globalThis.setTimeout = (callback, millis = 0, ...rest) => {
          return setTimeout(callback, millis < 1000 ? 60_000 : millis, ...rest);
        };
      },
    });
    const size = await page.evaluate(async (size) => {
      const segmenter = await hw.load({ split: "local", size });
      const image = await hw.photo("coffee", 2000, 1500);
      const { mask } = await segmenter.segment(image);
      const bitmap = await mask.toImageBitmap();
      await mask.cutout(image);
      return [bitmap.width, bitmap.height];
    }, SIZE);
    assert.deepEqual(size, [2000, 1500]);
    complaints.check();
  });

  test(
    "an illegal size is refused with the nearest legal ones, and the model states its multiple",
    TIMEOUT,
    async (t) => {
      const { page, complaints } = await fresh(t);
      const found = await page.evaluate(async (size) => {
        const segmenter = await hw.load({ split: "remote", size });
        return {
          multiple: segmenter.model.sizeMultiple,
          wrong: await hw.outcome(hw.load({ split: "remote", size: 600 })),
        };
      }, SIZE);
      assert.equal(SIZE % found.multiple, 0, found.multiple);
      assert.equal(found.wrong.code, "bad-shape");
      assert.match(found.wrong.message, new RegExp(`multiples of ${found.multiple} .*such as \\d+ or \\d+`));
      complaints.check();
    },
  );
});
