// Many pictures in one page: nothing grows.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openHarness } from "./support/browser.mjs";
import { FULL, skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const RUNS = FULL ? 500 : 40;
/** Runs before anything is compared: caches of the browser and of the allocators fill. */
const WARM = FULL ? 50 : 10;
/** A page's own bookkeeping moves by some hundred kilobytes; a mask kept by mistake would be 0.4 MB a run. */
const MOST_HEAP_GROWTH = 2e6;

describe("many pictures", { skip: skip("endurance") }, () => {
  let stage;
  before(async () => {
    stage = await openStage({ flags: ["--js-flags=--expose-gc"] });
  });
  after(() => stage?.close());

  test(`${RUNS} pictures leave heap, Wasm memory and the GPU's buffers as they were`, async () => {
    const context = await stage.browser.newContext();
    const { page, complaints } = await openHarness(context, stage.origin, {
      before: () => {
        // Counted where they are made and ended, whoever does it.
        const live = (globalThis.liveBuffers = new Map());
        const make = GPUDevice.prototype.createBuffer;
        GPUDevice.prototype.createBuffer = function (descriptor) {
          const buffer = make.call(this, descriptor);
          live.set(buffer, buffer.size);
          return buffer;
        };
        const end = GPUBuffer.prototype.destroy;
        GPUBuffer.prototype.destroy = function () {
          live.delete(this);
          end.call(this);
        };
        const compile = WebAssembly.instantiateStreaming;
        WebAssembly.instantiateStreaming = async (...all) => {
          const made = await compile.apply(WebAssembly, all);
          globalThis.wasmMemory = made.instance.exports.memory;
          return made;
        };
      },
    });
    const cdp = await context.newCDPSession(page);
    await cdp.send("HeapProfiler.enable");
    await page.evaluate(async () => {
      globalThis.segmenter = await hw.load({ split: "U3", size: 64, fallback: "none" });
      globalThis.picture = await hw.photo("coffee");
    });
    const run = (count) =>
      page.evaluate(async (count) => {
        let sum = 0;
        for (let i = 0; i < count; i += 1) {
          const { mask } = await segmenter.segment(picture);
          sum += mask.alpha[mask.alpha.length >> 1];
        }
        return sum;
      }, count);
    const measure = async () => {
      await cdp.send("HeapProfiler.collectGarbage");
      // What arrays hold, masks above all, lies beside the heap.
      const { usedSize, backingStorageSize } = await cdp.send("Runtime.getHeapUsage");
      return page.evaluate((heap) => {
        let gpu = 0;
        for (const size of liveBuffers.values()) gpu += size;
        return { heap, gpu, buffers: liveBuffers.size, wasm: wasmMemory.buffer.byteLength };
      }, usedSize + backingStorageSize);
    };
    await run(WARM);
    const early = await measure();
    await run(RUNS - WARM);
    const late = await measure();
    console.log(`after ${WARM}: ${JSON.stringify(early)}\nafter ${RUNS}: ${JSON.stringify(late)}`);
    assert.ok(early.gpu > 1e6 && early.wasm > 1e6, "nothing was counted");
    assert.deepEqual([late.gpu, late.buffers], [early.gpu, early.buffers], "buffers on the GPU");
    assert.equal(late.wasm, early.wasm, "Wasm memory");
    assert.ok(late.heap - early.heap <= MOST_HEAP_GROWTH, `the heap grew by ${late.heap - early.heap} bytes`);

    await page.evaluate(() => segmenter.release());
    await page.waitForFunction(() => liveBuffers.size === 0);
    complaints.check();
    await context.close();
  });
});
