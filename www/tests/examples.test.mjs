// The package as it is published, in the apps that its README describes: each is built with its bundler's default
// settings, served under a strict content security policy, and cuts out a picture on the page and in a worker.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { launch, visit } from "./support/browser.mjs";
import { Example, Pack } from "./support/example.mjs";
import { readMask } from "./support/masks.mjs";
import { Native } from "./support/native.mjs";
import { PIXELS, ROOT, skip } from "./support/needs.mjs";

const TIMEOUT = { timeout: 240_000 };
const PHOTO = "coffee";
const SIZE = 64;

/** The scripts of each example: the page's, the worker's. */
const SCRIPTS = {
  vite: ["src/main.ts", "src/in-worker.ts"],
  webpack: ["src/index.js", "src/in-worker.js"],
  esbuild: ["src/main.js", "src/in-worker.js"],
  plain: ["main.js", "in-worker.js"],
};

describe("the published package", { skip: skip("examples") }, () => {
  let pack, native, browser, expected;
  before(async () => {
    pack = await Pack.make();
    native = new Native();
    browser = await launch();
    const { mask } = await native.segment(PHOTO, { split: "remote", size: SIZE });
    expected = readMask(mask, 255);
  });
  after(async () => {
    await browser?.close();
    native?.close();
    pack?.close();
  });

  test("holds what a user needs and nothing else", () => {
    const others = pack.files.filter((path) => !/^dist\/[\w-]+\.(js|d\.ts)$/.test(path));
    assert.deepEqual(others, [
      "LICENSE-APACHE",
      "LICENSE-MIT",
      "README.md",
      "dist/wasm/headwater.d.ts",
      "dist/wasm/headwater.js",
      "dist/wasm/headwater_bg.wasm",
      "package.json",
    ]);
    assert.deepEqual(
      pack.files.filter((path) => /test|spec|\.map$/.test(path)),
      [],
    );
    for (const path of pack.files) {
      const text = readFileSync(pack.path(path), "latin1");
      for (const place of [ROOT, `${homedir()}/`, "sourceMappingURL"]) {
        assert.ok(!text.includes(place), `${path} names ${place}`);
      }
    }
  });

  test("exports its entries, their types, the worker's script and the Wasm", () => {
    const { exports } = JSON.parse(readFileSync(pack.path("package.json"), "utf8"));
    assert.deepEqual(Object.keys(exports), [
      ".",
      "./worker",
      "./element",
      "./worker-script.js",
      "./headwater_bg.wasm",
      "./package.json",
    ]);
    const places = Object.values(exports).flatMap((entry) =>
      typeof entry === "string" ? entry : Object.values(entry),
    );
    for (const place of places) assert.ok(existsSync(pack.path(place)), `${place} is exported and not there`);
  });

  test("the README's examples are what the apps here run", () => {
    const readme = readFileSync(pack.path("README.md"), "utf8");
    const [, short] = /## Quick start[\s\S]*?```js\n([\s\S]*?)```/.exec(readme);
    const app = readFileSync(new URL("examples/remove-background/src/main.js", import.meta.url), "utf8");
    assert.equal(short.replace("/photo.jpg", "/photo.webp"), app);
    assert.equal(short.trim().split("\n").length, 3, "lines");
    const [, example] = /### With a segmenter of your own[\s\S]*?```js\n([\s\S]*?)```/.exec(readme);
    const lines = example.split("\n").slice(1);
    assert.ok(lines.length > 10, "the README has no example");
    for (const [name, scripts] of Object.entries(SCRIPTS)) {
      for (const script of scripts) {
        const place = new URL(`examples/${name}/${script}`, import.meta.url);
        // TypeScript wants to hear that somebody has chosen a file.
        const written = readFileSync(place, "utf8").replace("input.files!", "input.files").split("\n");
        let at = -1;
        for (const line of lines) {
          at = written.indexOf(line, at + 1);
          assert.ok(at >= 0, `examples/${name}/${script} lacks the README's line: ${line}`);
        }
      }
    }
  });

  for (const name of Object.keys(SCRIPTS)) {
    test(`${name}: builds and cuts out under a strict policy`, TIMEOUT, async () => {
      await within(name, async (example) => {
        if (name === "vite") example.placeModel();
        await example.build();
        await cutsOut(await example.serve(), { strict: true });
      });
    });
  }

  test("vite: cuts out while developing", TIMEOUT, async () => {
    await within("vite", async (example) => {
      example.placeModel();
      await cutsOut(await example.develop(), { strict: false });
    });
  });

  async function within(name, work) {
    const example = new Example(name, pack);
    try {
      await work(example);
    } finally {
      example.close();
    }
  }

  async function cutsOut({ origin, stop }, { strict }) {
    const context = await browser.newContext();
    try {
      const { page, complaints } = await visit(context, origin);
      if (strict) {
        const headers = (await fetch(origin)).headers;
        assert.match(headers.get("content-security-policy"), /script-src 'self' 'wasm-unsafe-eval';/);
      }
      for (const input of ["input#in-worker", "input:not(#in-worker)"]) {
        await page.locator(input).setInputFiles(join(PIXELS, `${PHOTO}.webp`));
        const canvas = page.locator("canvas");
        await canvas.waitFor();
        const found = await canvas.evaluate((canvas) => {
          const { width, height } = canvas;
          const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
          canvas.remove();
          return { width, height, alpha: Array.from({ length: width * height }, (_, i) => data[4 * i + 3]) };
        });
        assertSame(found, input);
      }
      assert.equal(page.workers().length, 1, "workers");
      assert.equal(await page.evaluate(() => crossOriginIsolated), false);
      complaints.check();
    } finally {
      await context.close();
      await stop();
    }
  }

  /** The picture's alpha is the native command's mask, of which the cup on its saucer is a quarter. */
  function assertSame({ width, height, alpha }, name) {
    assert.deepEqual([width, height], [expected.width, expected.height]);
    const apart = alpha.reduce((most, value, i) => Math.max(most, Math.abs(value / 255 - expected.values[i])), 0);
    const share = alpha.filter((value) => value > 127).length / alpha.length;
    assert.ok(share > 0.1 && share < 0.9, `${name}: ${(100 * share).toFixed(1)}% of the picture is subject`);
    assert.ok(apart <= 3 / 255, `${name}: the mask is ${apart} from the native one`);
  }
});
