// What only a browser shows of the package's care: work that ends with an abort, hidden pages, workers of another
// origin, canvases that give back something else.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST, openHarness } from "./support/browser.mjs";
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

  const fresh = async (t, { bypassCSP = false, ...options } = {}) => {
    stage.gate.reset();
    const context = await stage.browser.newContext({ bypassCSP });
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

  test("a worker whose script lies on another origin is started by a script of this one", TIMEOUT, async (t) => {
    // The pages of `headwater serve` allow scripts of their own origin only.
    const { page, complaints } = await fresh(t, { bypassCSP: true });
    // The same server under another name is another origin.
    const elsewhere = stage.origin.replace("127.0.0.1", "localhost");
    const found = await page.evaluate(
      async ({ elsewhere, size }) => {
        const { Segmenter, probe } = await import(`${elsewhere}/package/worker.js`);
        const probed = await probe();
        const image = await hw.photo("coffee", 120, 80);
        const masks = [];
        for (const worker of [undefined, `${elsewhere}/package/worker-script.js`]) {
          const segmenter = await Segmenter.load(hw.MODEL, { split: "local", size, worker });
          masks.push(hw.packed((await segmenter.segment(image)).mask).alpha);
          segmenter.release();
        }
        const near = await hw.load({ split: "local", size });
        masks.push(hw.packed((await near.segment(image)).mask).alpha);
        const missing = await hw.outcome(
          Segmenter.load(hw.MODEL, { split: "local", size, worker: `${elsewhere}/package/nothing.js` }),
        );
        return { probed, masks, missing, real: String(Worker).includes("[native code]") };
      },
      { elsewhere, size: SIZE },
    );
    assert.ok(found.probed.webgpu, found.probed.reason);
    assert.equal(new Set(found.masks).size, 1);
    assert.equal(found.missing.code, "download", found.missing.message);
    assert.ok(found.real, "the page's own Worker was not put back");
    complaints.check(FAILED_REQUEST);
  });

  test("a picture is posted as its file where canvases give noise, or nothing", TIMEOUT, async (t) => {
    for (const way of ["noise", "garbage", "nothing"]) {
      const { page, complaints } = await fresh(t);
      const found = await page.evaluate(
        async ({ way, size }) => {
          const scribble = (width, height) => {
            const canvas = new OffscreenCanvas(width, height);
            const context = canvas.getContext("2d");
            const image = context.createImageData(width, height);
            for (let i = 0; i < image.data.length; i += 1) image.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
            context.putImageData(image, 0, 0);
            return canvas;
          };
          const file = await scribble(700, 500).convertToBlob({ type: "image/png" });
          const black = new OffscreenCanvas(64, 64);
          black.getContext("2d").fillRect(0, 0, 64, 64);
          const wrong = {
            noise: await scribble(64, 64).convertToBlob({ type: "image/jpeg" }),
            garbage: new Blob(["?"], { type: "image/jpeg" }),
            nothing: new Promise(() => undefined),
          };
          OffscreenCanvas.prototype.convertToBlob = () => Promise.resolve(wrong[way]);
          const segmenter = await hw.load({ split: "remote", size });
          const { mask } = await segmenter.segment(file);
          const bitmap = await hw.outcome(segmenter.segment(await createImageBitmap(black)));
          return { bytes: file.size, width: mask.width, bitmap };
        },
        { way, size: SIZE },
      );
      assert.ok(found.bytes > 512 * 1024, `${found.bytes} bytes would have been posted anyway`);
      assert.equal(found.width, 700, way);
      assert.equal(found.bitmap.code, way === "nothing" ? "timeout" : "unsupported", found.bitmap.message);
      const [post] = stage.gate.requests.filter(({ path }) => path.endsWith("/infer"));
      assert.ok(post.body.includes("\x89PNG", 0, "latin1"), `${way}: the file itself was not posted`);
      complaints.check();
    }
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

  test("no request for the model is cancelled", TIMEOUT, async (t) => {
    const { page, complaints } = await fresh(t);
    const session = await page.context().newCDPSession(page);
    const [asked, failed] = [new Map(), []];
    session.on("Network.requestWillBeSent", ({ requestId, request }) => asked.set(requestId, request.url));
    session.on("Network.loadingFailed", ({ requestId, errorText }) => failed.push([asked.get(requestId), errorText]));
    await session.send("Network.enable");
    for (let visit = 0; visit < 2; visit += 1) {
      for (const split of ["remote", "U3", "local"]) {
        await page.evaluate(async ({ split, size }) => (await hw.load({ split, size })).release(), {
          split,
          size: SIZE,
        });
      }
    }
    assert.deepEqual(failed, []);
    complaints.check();
  });
});
