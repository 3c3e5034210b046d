// removeBackground in small apps, one for each framework, as they are printed in the README: built by their own tools
// from the packed package, and loaded in Chromium.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { launch, visit } from "./support/browser.mjs";
import { Example, Pack } from "./support/example.mjs";
import { readMask } from "./support/masks.mjs";
import { Native } from "./support/native.mjs";
import { FULL, skip, skipInstalled } from "./support/needs.mjs";
import { serve } from "./support/serving.mjs";
import { openSite } from "./support/site.mjs";

const TIMEOUT = { timeout: 240_000 };
const PHOTO = "coffee";
const SIZE = 64;

describe("apps", { skip: skip("apps") }, () => {
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

  test("three lines in a new Vite app remove a background", TIMEOUT, async () => {
    await within("remove-background", async (example) => {
      example.placeModel();
      // The model's own size takes a software adapter minutes.
      if (!FULL) example.replace("src/main.js", '"/photo.webp"', `"/photo.webp", { size: ${SIZE} }`);
      await example.build();
      await shows(await example.serve(), { workers: 1, exact: !FULL });
    });
  });

  for (const name of ["react", "vue", "svelte", "element"]) {
    test(`${name}: builds, and shows a cut-out under a strict policy`, TIMEOUT, async () => {
      await within(name, async (example) => {
        await example.build();
        await shows(await example.serve(), { workers: 1 });
      });
    });
  }

  test("a page imports the package from another origin, workers included", TIMEOUT, async () => {
    const server = await serve();
    const [cdn, example] = [await openSite(pack.path("dist")), new Example("cdn", pack)];
    example.placePhoto(PHOTO);
    example.replace("index.html", "https://cdn.example.com/headwater", cdn.origin);
    cpSync(join(example.folder, "public", "photo.webp"), join(example.folder, "photo.webp"));
    const site = await openSite(example.folder, server.origin);
    try {
      await shows({ origin: site.origin, stop: () => site.close() }, { workers: 1, strict: false });
    } finally {
      example.close();
      await cdn.close();
      await server.stop();
    }
  });

  test("the package can be imported, and a hook rendered, where there is no browser", TIMEOUT, async () => {
    await within("react", async (example) => {
      const script = `
        import { createElement } from "react";
        import { renderToString } from "react-dom/server";
        import { removeBackground, Segmenter } from "headwater";
        import * as worker from "headwater/worker";
        import { HeadwaterCutout } from "headwater/element";
        import { useCutout } from "./src/use-cutout.js";
        const App = () => createElement("p", null, JSON.stringify(useCutout("/photo.webp")));
        const outcomes = [];
        for (const call of [() => removeBackground("/a.jpg"), () => removeBackground("http://x.test/a.jpg"), () => Segmenter.estimate("/m")]) {
          outcomes.push(await call().then(() => "done", ({ name, code }) => name + " " + code));
        }
        console.log(JSON.stringify({ html: renderToString(createElement(App)), outcomes, element: typeof HeadwaterCutout, worker: typeof worker.Segmenter }));
      `;
      writeFileSync(join(example.folder, "server.mjs"), script);
      const { stdout } = await promisify(execFile)(process.execPath, ["server.mjs"], { cwd: example.folder });
      const { html, outcomes, element, worker } = JSON.parse(stdout);
      assert.equal(html, "<p>{}</p>");
      assert.deepEqual([element, worker], ["function", "function"]);
      for (const outcome of outcomes) assert.match(outcome, /^HeadwaterError (bad-argument|no-adapter)$/);
    });
  });

  test(
    "next: builds, renders on the server, and shows a cut-out",
    { ...TIMEOUT, skip: skipInstalled("next") },
    async () => {
      assert.equal(
        readFileSync(new URL("examples/next/app/use-cutout.js", import.meta.url), "utf8"),
        readFileSync(new URL("examples/react/src/use-cutout.js", import.meta.url), "utf8"),
        "the hook of both examples",
      );
      const server = await serve();
      const example = await Example.install("next", pack);
      try {
        example.placePhoto(PHOTO);
        await example.build({ HEADWATER_ORIGIN: server.origin, NEXT_TELEMETRY_DISABLED: "1" });
        const started = await example.startNext(server.origin);
        assert.match(await (await fetch(started.origin)).text(), /<p role="status">starting<\/p>/);
        await shows(started, { workers: 1, strict: false });
      } finally {
        example.close();
        await server.stop();
      }
    },
  );

  async function within(name, work) {
    const example = new Example(name, pack);
    try {
      mkdirSync(join(example.folder, "public"), { recursive: true });
      example.placePhoto(PHOTO);
      await work(example);
    } finally {
      example.close();
    }
  }

  /** The page's image is the photograph with the native command's mask. */
  async function shows({ origin, stop }, { workers, strict = true, exact = true }) {
    const context = await browser.newContext();
    try {
      const { page, complaints } = await visit(context, origin);
      if (strict) {
        const { headers } = await fetch(origin);
        assert.match(headers.get("content-security-policy"), /script-src 'self' 'wasm-unsafe-eval';/);
      }
      // A custom element shows the original first.
      const image = page.locator('img[alt="Cut-out"][src^="blob:"]');
      const alert = page.locator('[role="alert"]:not(:empty)');
      await image.or(alert).waitFor();
      if (await alert.count()) assert.fail(await alert.textContent());
      const found = await image.evaluate(async (image) => {
        await image.decode();
        const { naturalWidth: width, naturalHeight: height } = image;
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        return { width, height, alpha: Array.from({ length: width * height }, (_, i) => data[4 * i + 3]) };
      });
      assert.equal(page.workers().length, workers, "workers");
      assert.deepEqual([found.width, found.height], [expected.width, expected.height]);
      const share = found.alpha.filter((value) => value > 127).length / found.alpha.length;
      assert.ok(share > 0.1 && share < 0.9, `${(100 * share).toFixed(1)}% of the picture is subject`);
      const apart = found.alpha.reduce(
        (most, value, i) => Math.max(most, Math.abs(value / 255 - expected.values[i])),
        0,
      );
      if (exact) assert.ok(apart <= 3 / 255, `the mask is ${apart} from the native one`);
      complaints.check();
    } finally {
      await context.close();
      await stop();
    }
  }
});
