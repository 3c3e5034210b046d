// Cut-outs as files: from every kind of source, in every type, on the page and in a worker.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST, openHarness } from "./support/browser.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const SIZE = 64;
const TIMEOUT = { timeout: 240_000 };

describe("cut-outs", { skip: skip("cutout") }, () => {
  let stage, context, page, complaints;
  before(async () => {
    stage = await openStage({ gate: true });
    context = await stage.browser.newContext();
    ({ page, complaints } = await openHarness(context, stage.origin));
    await page.evaluate(inPage, SIZE);
  });
  after(() => stage?.close());

  for (const where of ["here", "there"]) {
    test(`${where === "here" ? "the page" : "the worker"} writes PNG, WebP and JPEG`, TIMEOUT, async () => {
      const found = await page.evaluate(async (where) => {
        const segmenter = globalThis[where];
        const photo = await (await fetch("/pixels/coffee.webp")).blob();
        const { mask, report, ...png } = await segmenter.cutout(photo);
        const webp = await segmenter.cutout(photo, { type: "image/webp", quality: 0.5 });
        const jpeg = await segmenter.cutout(photo, { type: "image/jpeg", background: "red" });
        const inside = mask.alpha.findIndex((value) => value === 255);
        const outside = mask.alpha.findIndex((value) => value === 0);
        const before = await pixelsOf(photo);
        const [a, c] = [await pixelsOf(png.blob), await pixelsOf(jpeg.blob)];
        return {
          sizes: [png, webp, jpeg].map(({ width, height, x, y }) => [width, height, x, y]),
          types: [png, webp, jpeg].map(({ blob }) => blob.type),
          drawn: [a.width, a.height],
          split: report.split,
          alphas: mask.alpha.every((value, i) => a.data[4 * i + 3] === value),
          kept: [...before.data.subarray(4 * inside, 4 * inside + 4)],
          inside: [...a.data.subarray(4 * inside, 4 * inside + 4)],
          behind: [...c.data.subarray(4 * outside, 4 * outside + 4)],
        };
      }, where);
      assert.deepEqual(found.sizes, Array(3).fill([600, 400, 0, 0]));
      assert.deepEqual(found.types, ["image/png", "image/webp", "image/jpeg"]);
      assert.deepEqual(found.drawn, [600, 400]);
      assert.equal(found.split, "U3");
      assert.ok(found.alphas, "the file's alpha is not the mask");
      assert.deepEqual(found.inside, found.kept);
      near(found.behind, [255, 0, 0, 255], 12);
      complaints.check();
    });
  }

  test("page and worker give the same files", TIMEOUT, async () => {
    const same = await page.evaluate(async () => {
      const options = [
        {},
        { trim: true },
        { output: "mask" },
        { output: "background" },
        { background: new URL("/pixels/rocket.webp", location) },
      ];
      const found = [];
      for (const one of options) {
        const files = [await here.cutout("/pixels/coffee.webp", one), await there.cutout("/pixels/coffee.webp", one)];
        const [a, b] = await Promise.all(files.map(({ blob }) => pixelsOf(blob)));
        found.push(a.width === b.width && a.data.every((value, i) => value === b.data[i]));
      }
      return found;
    });
    assert.deepEqual(same, Array(5).fill(true));
    complaints.check();
  });

  test("every kind of source gives the same cut-out", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const blob = await (await fetch("/pixels/coffee.webp")).blob();
      const buffer = await blob.arrayBuffer();
      const image = Object.assign(new Image(), { src: "/pixels/coffee.webp" });
      const sources = {
        blob,
        address: "/pixels/coffee.webp",
        url: new URL("/pixels/coffee.webp", location),
        blobAddress: URL.createObjectURL(blob),
        buffer,
        bytes: new Uint8Array(buffer),
        element: image,
        bitmap: await hw.photo("coffee"),
        canvas: await hw.photoCanvas("coffee"),
      };
      const found = {};
      for (const [name, source] of Object.entries(sources)) {
        const { mask } = await here.cutout(source);
        found[name] = hw.packed(mask).alpha;
      }
      return found;
    });
    for (const [name, alpha] of Object.entries(found)) assert.equal(alpha, found.blob, name);
    complaints.check();
  });

  test("a canvas is read when cutout is called", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const found = [];
      for (const segmenter of [here, there]) {
        const canvas = await hw.photoCanvas("coffee");
        const expected = hw.packed((await segmenter.cutout(await hw.photoCanvas("coffee"))).mask).alpha;
        const cutting = segmenter.cutout(canvas);
        await new Promise((resolve) => setTimeout(resolve));
        canvas.getContext("2d").fillRect(0, 0, 600, 400);
        const { mask, blob } = await cutting;
        const { data } = await pixelsOf(blob);
        const bright = data.some((value, i) => i % 4 === 0 && value > 100);
        found.push(hw.packed(mask).alpha === expected && bright);
      }
      return found;
    });
    assert.deepEqual(found, [true, true]);
    complaints.check();
  });

  test("mask, background and trimmed outputs fit together", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const address = "/pixels/chelsea.webp";
      const [mask, background, trimmed] = [
        await here.cutout(address, { output: "mask" }),
        await here.cutout(address, { output: "background" }),
        await here.cutout(address, { trim: true }),
      ];
      const { alpha } = mask.mask;
      const grey = await pixelsOf(mask.blob);
      const rest = await pixelsOf(background.blob);
      const crop = await pixelsOf(trimmed.blob);
      const wrong = { grey: 0, opaque: 0, rest: 0, crop: 0, outside: 0 };
      for (let i = 0; i < alpha.length; i += 1) {
        if (grey.data[4 * i] !== alpha[i] || grey.data[4 * i + 2] !== alpha[i]) wrong.grey += 1;
        if (grey.data[4 * i + 3] !== 255) wrong.opaque += 1;
        if (rest.data[4 * i + 3] !== 255 - alpha[i]) wrong.rest += 1;
        const [x, y] = [(i % 451) - trimmed.x, Math.floor(i / 451) - trimmed.y];
        const within = x >= 0 && y >= 0 && x < trimmed.width && y < trimmed.height;
        if (within && crop.data[4 * (y * trimmed.width + x) + 3] !== alpha[i]) wrong.crop += 1;
        if (!within && alpha[i] >= 24) wrong.outside += 1;
      }
      const small = await here.cutout(address, { maskSize: [30, 20] });
      return {
        wrong,
        trimmed: [trimmed.width, trimmed.height],
        whole: trimmed.mask.width,
        small: [small.width, small.height],
      };
    });
    assert.deepEqual(found.wrong, { grey: 0, opaque: 0, rest: 0, crop: 0, outside: 0 });
    assert.ok(found.trimmed[1] < 300, `trimmed to ${found.trimmed}`);
    assert.equal(found.whole, 451);
    assert.deepEqual(found.small, [30, 20]);
    complaints.check();
  });

  test("a picture behind covers everything", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const behind = Object.assign(document.createElement("canvas"), { width: 30, height: 10 });
      const context = behind.getContext("2d");
      // Scaled to cover 640x427 its left and right thirds are cropped.
      for (const [i, colour] of ["red", "lime", "blue"].entries()) {
        context.fillStyle = colour;
        context.fillRect(10 * i, 0, 10, 10);
      }
      const { blob, mask } = await here.cutout("/pixels/rocket.webp", { background: behind });
      const { data, width } = await pixelsOf(blob);
      const found = { opaque: data.every((value, i) => i % 4 < 3 || value === 255), apart: 0, seen: [0, 0, 0] };
      for (let i = 0; i < mask.alpha.length; i += 1) {
        if (mask.alpha[i] > 12) continue;
        // The middle third of the canvas is as wide as the picture is high, less where the picture is cropped.
        const x = (i % width) - width / 2;
        const part = Math.abs(x) < 100 ? 1 : x < -270 ? 0 : x > 270 ? 2 : undefined;
        if (part === undefined) continue;
        found.seen[part] += 1;
        for (let k = 0; k < 3; k += 1) {
          found.apart = Math.max(found.apart, Math.abs(data[4 * i + k] - (k === part ? 255 : 0)));
        }
      }
      return found;
    });
    assert.ok(found.opaque);
    assert.ok(found.apart <= 14, `${found.apart} levels from the background`);
    assert.ok(
      found.seen.every((count) => count > 100),
      `too few faint pixels: ${found.seen}`,
    );
    complaints.check();
  });

  test("edges are cleaned unless they are to be kept, and keep their alpha", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const canvas = await hw.photoCanvas("coffee");
      const context = canvas.getContext("2d");
      // A subject of one red, a wall of one green, and between them a true edge.
      const { mask } = await here.cutout(canvas);
      const image = context.createImageData(600, 400);
      for (let i = 0; i < mask.alpha.length; i += 1) {
        const alpha = mask.alpha[i] / 255;
        image.data.set([220 * alpha + 20 * (1 - alpha), 30 * alpha + 230 * (1 - alpha), 40, 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
      const read = (drawn) => drawn.getContext("2d").getImageData(0, 0, 600, 400).data;
      const kept = read(await mask.cutout(canvas, { edges: "keep" }));
      const cleaned = read(await mask.cutout(canvas));
      const green = { kept: 0, cleaned: 0, count: 0, alpha: 0 };
      for (let i = 0; i < mask.alpha.length; i += 1) {
        if (kept[4 * i + 3] !== mask.alpha[i] || cleaned[4 * i + 3] !== mask.alpha[i]) green.alpha += 1;
        if (mask.alpha[i] < 40 || mask.alpha[i] > 215) continue;
        green.count += 1;
        green.kept += Math.max(0, kept[4 * i + 1] - 30);
        green.cleaned += Math.max(0, cleaned[4 * i + 1] - 30);
      }
      const wrong = await hw.outcome(mask.cutout(canvas, { edges: "blur" }));
      return { ...green, wrong: wrong.code };
    });
    assert.equal(found.alpha, 0, "pixels with another alpha");
    assert.ok(found.count > 1000, `${found.count} half-transparent pixels`);
    const [kept, cleaned] = [found.kept / found.count, found.cleaned / found.count];
    assert.ok(kept > 50, `${kept} levels of green in what was kept`);
    assert.ok(cleaned < kept / 5, `${cleaned} levels of green left, ${kept} before`);
    assert.equal(found.wrong, "bad-argument");
    complaints.check();
  });

  test("a picture's own transparency is multiplied with the mask", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const canvas = await hw.photoCanvas("coffee");
      const context = canvas.getContext("2d");
      const image = context.getImageData(0, 0, 600, 400);
      for (let i = 0; i < 600 * 400; i += 1) image.data[4 * i + 3] = [255, 128, 0][i % 3];
      const { blob, mask } = await here.cutout(image);
      const { data } = await pixelsOf(blob);
      let apart = 0;
      for (let i = 0; i < 600 * 400; i += 1) {
        apart = Math.max(apart, Math.abs(data[4 * i + 3] - (mask.alpha[i] * [255, 128, 0][i % 3]) / 255));
      }
      return apart;
    });
    assert.ok(found <= 1, `alpha is ${found} from the product`);
    complaints.check();
  });

  test("bad options are refused before anything is fetched or computed", TIMEOUT, async () => {
    stage.gate.requests = [];
    const found = await page.evaluate(async () => {
      const bad = [
        { type: "image/gif" },
        { type: "image/jpeg" },
        { quality: 2 },
        { quality: "high" },
        { output: "subject" },
        { output: "mask", background: "red" },
        { background: "reddish" },
        { background: 7 },
        { background: null },
        { trim: "yes" },
        { edges: "blur" },
        { maskSize: [0, 1] },
        { backgroud: "red" },
        null,
      ];
      const found = [];
      for (const options of bad) {
        for (const segmenter of [here, there])
          found.push(await hw.outcome(segmenter.cutout("/pixels/coffee.webp", options)));
        found.push(await hw.outcome(hw.main.removeBackground("/pixels/coffee.webp", options)));
      }
      return found;
    });
    for (const { code, message, name } of found)
      assert.deepEqual([code, name], ["bad-argument", "HeadwaterError"], message);
    const messages = found.map(({ message }) => message).join("\n");
    assert.match(messages, /type: expected image\/png, image\/webp or image\/jpeg, found "image\/gif"/);
    assert.match(messages, /no option "backgroud": did you mean "background"/);
    assert.deepEqual(
      stage.gate.requests.map(({ path }) => path).filter((path) => !path.startsWith("/package/")),
      [],
    );
    complaints.check();
  });

  test("an address that leads to no picture says so", TIMEOUT, async () => {
    const nowhere = "http://127.0.0.1:9/photo.jpg";
    const found = await page.evaluate(async (nowhere) => {
      const found = [];
      for (const segmenter of [here, there]) {
        for (const source of [
          "/no-such.jpg",
          "/page/harness.html",
          nowhere,
          "http://[",
          new ArrayBuffer(9),
          7,
          undefined,
        ]) {
          found.push(await hw.outcome(segmenter.cutout(source)));
        }
      }
      return found;
    }, nowhere);
    const expected = ["download", "bad-image", "download", "bad-argument", "bad-image", "bad-image", "bad-image"];
    assert.deepEqual(
      found.map(({ code }) => code),
      [...expected, ...expected],
      JSON.stringify(found, null, 1),
    );
    assert.match(found[0].message, /no-such\.jpg: expected a picture, found status 404/);
    assert.match(found[2].message, /CORS/);
    complaints.check(FAILED_REQUEST);
  });

  test("a cut-out can be aborted, while it is fetched and later", TIMEOUT, async () => {
    const { gate } = stage;
    gate.pauseMillis = 300;
    const found = await page.evaluate(async () => {
      const outcomes = [];
      for (const segmenter of [here, there]) {
        for (const millis of [0, 5, 1500]) {
          const signal = AbortSignal.timeout(millis);
          outcomes.push((await hw.outcome(segmenter.cutout("/pixels/astronaut.webp", { signal }))).code ?? "done");
        }
        outcomes.push(
          (await hw.outcome(segmenter.cutout("/pixels/coffee.webp", { signal: AbortSignal.abort() }))).code,
        );
      }
      return outcomes;
    });
    gate.pauseMillis = 0;
    for (const [i, code] of found.entries())
      assert.ok(code === "aborted" || (code === "done" && i % 4 === 2), found.join());
    const after = await page.evaluate(async () => (await here.cutout("/pixels/coffee.webp")).width);
    assert.equal(after, 600, "no cut-out after an aborted one");
    complaints.check();
  });

  test("removeBackground gives a PNG, with one model for calls with the same options", TIMEOUT, async () => {
    const { gate } = stage;
    const fresh = await stage.browser.newContext();
    const opened = await openHarness(fresh, gate.origin);
    gate.requests = [];
    const found = await opened.page.evaluate(async (size) => {
      const { removeBackground } = hw.main;
      const stages = [];
      const onProgress = ({ stage }) => stages.at(-1) === stage || stages.push(stage);
      const options = { split: "U3", server: "/", size };
      const [first, second] = await Promise.all([
        removeBackground("/pixels/coffee.webp", { ...options, onProgress }),
        removeBackground("/pixels/rocket.webp", { ...options, type: "image/webp" }),
      ]);
      const third = await removeBackground(await hw.photoCanvas("coffee"), options);
      const sizes = [];
      for (const blob of [first, second, third]) {
        const { width, height } = await createImageBitmap(blob);
        sizes.push([blob.type, width, height]);
      }
      const aborted = await hw.outcome(
        removeBackground("/pixels/coffee.webp", { ...options, signal: AbortSignal.abort() }),
      );
      const running = hw.outcome(removeBackground("/pixels/coffee.webp", options));
      await new Promise((resolve) => setTimeout(resolve, 50));
      removeBackground.release();
      const released = await running;
      const other = await removeBackground("/pixels/coffee.webp", { ...options, worker: false, split: "remote" });
      removeBackground.release();
      return { sizes, stages, codes: [aborted.code, released.code], other: other.type };
    }, SIZE);
    assert.deepEqual(found.sizes, [
      ["image/png", 600, 400],
      ["image/webp", 640, 427],
      ["image/png", 600, 400],
    ]);
    for (const stage of ["runtime", "model", "weights", "prepare"]) assert.ok(found.stages.includes(stage), stage);
    assert.deepEqual(found.codes, ["aborted", "released"]);
    assert.equal(found.other, "image/png");
    const scripts = gate.requests.filter(({ path }) => path.endsWith("worker-script.js"));
    assert.ok(scripts.length <= 2, "one worker, and none for the page's own thread");
    opened.complaints.check();
    await fresh.close();
  });

  test("removeBackground says where a missing model comes from", TIMEOUT, async () => {
    stage.gate.hook = (request, response) => {
      if (!request.url.startsWith("/models/")) return false;
      response.writeHead(404).end();
      return true;
    };
    const found = await page.evaluate(async () => [
      await hw.outcome(hw.main.removeBackground("/pixels/coffee.webp", { split: "remote", server: "/", cache: false })),
      await hw.outcome(
        hw.main.removeBackground("/pixels/coffee.webp", { model: "/models/x", split: "remote", server: "/" }),
      ),
    ]);
    stage.gate.reset();
    assert.equal(found[0].code, "download");
    assert.match(found[0].message, /status 404 .*headwater pull isnet/);
    assert.equal(found[1].code, "download");
    complaints.check(FAILED_REQUEST);
  });

  test("removeBackground works in the page's thread where no worker can be started", TIMEOUT, async () => {
    const fresh = await stage.browser.newContext();
    const opened = await openHarness(fresh, stage.origin);
    const warned = [];
    opened.page.on("console", (message) => message.type() === "warning" && warned.push(message.text()));
    stage.gate.hook = (request, response) => {
      if (!request.url.endsWith("worker-script.js")) return false;
      response.writeHead(404).end();
      return true;
    };
    const found = await opened.page.evaluate(async (size) => {
      const options = { split: "remote", server: "/", size };
      const { type } = await hw.main.removeBackground("/pixels/coffee.webp", options);
      const asked = await hw.outcome(hw.main.removeBackground("/pixels/coffee.webp", { ...options, worker: true }));
      return { type, asked };
    }, SIZE);
    stage.gate.reset();
    assert.equal(found.type, "image/png");
    assert.equal(found.asked.code, "download", found.asked.message);
    assert.ok(
      warned.some((text) => /page's own thread/.test(text)),
      warned.join(),
    );
    opened.complaints.check(FAILED_REQUEST);
    await fresh.close();
  });

  test("removeBackground works in the page's thread where workers have no WebGPU", TIMEOUT, async () => {
    const fresh = await stage.browser.newContext();
    const opened = await openHarness(fresh, stage.origin);
    let asked = 0;
    stage.gate.hook = (request, response) => {
      if (!request.url.endsWith("worker-script.js")) return false;
      asked += 1;
      void fetch(stage.server.origin + request.url).then(async (answer) => {
        const without = 'Object.defineProperty(WorkerNavigator.prototype, "gpu", { value: undefined });';
        response.writeHead(200, { "content-type": "text/javascript" }).end((await answer.text()) + without);
      });
      return true;
    };
    const found = await opened.page.evaluate(async (size) => {
      const options = { split: "U3", server: "/", size, fallback: "none" };
      const { type } = await hw.main.removeBackground("/pixels/coffee.webp", options);
      const inWorker = await hw.outcome(hw.main.removeBackground("/pixels/coffee.webp", { ...options, worker: true }));
      return { type, code: inWorker.code };
    }, SIZE);
    stage.gate.reset();
    assert.deepEqual(found, { type: "image/png", code: "no-adapter" });
    assert.ok(asked > 0, "no worker was tried");
    opened.complaints.check();
    await fresh.close();
  });

  test("the element shows the original, then the cut-out, and tells of both ends", TIMEOUT, async () => {
    const found = await page.evaluate(async (size) => {
      await import("/package/element.js");
      const element = document.createElement("headwater-cutout");
      const next = (type) => new Promise((resolve) => element.addEventListener(type, resolve, { once: true }));
      const steps = [];
      element.addEventListener("progress", ({ detail }) => steps.push(detail.stage));
      const attributes = { server: "/", split: "remote", size, alt: "coffee", src: "/pixels/coffee.webp" };
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      const loaded = next("load");
      document.body.append(element);
      await Promise.resolve();
      const image = element.shadowRoot.querySelector("img");
      const before = [element.getAttribute("state"), image.getAttribute("src"), image.alt];
      await loaded;
      const after = [element.getAttribute("state"), image.src.slice(0, 5), element.blob.type, image.naturalWidth];
      const failed = next("error");
      element.setAttribute("src", "/no-such.jpg");
      const { detail } = await failed;
      const error = [element.getAttribute("state"), detail.code, element.blob];
      const again = next("load");
      element.setAttribute("type", "image/webp");
      element.setAttribute("src", "/pixels/coffee.webp");
      await again;
      const { type } = element.blob;
      let late = 0;
      for (const event of ["load", "error"]) element.addEventListener(event, () => (late += 1));
      element.setAttribute("src", "/pixels/rocket.webp");
      element.remove();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      hw.main.removeBackground.release();
      return { before, after, error, type, late, steps, gone: element.blob };
    }, String(SIZE));
    assert.deepEqual(found.before, ["loading", "/pixels/coffee.webp", "coffee"]);
    assert.deepEqual(found.after, ["ready", "blob:", "image/png", 600]);
    assert.deepEqual(found.error, ["error", "download", undefined]);
    assert.equal(found.type, "image/webp");
    assert.equal(found.late, 0, "events after it was removed");
    assert.ok(found.steps.includes("model"));
    complaints.check(FAILED_REQUEST);
  });

  test("using releases a segmenter", TIMEOUT, async () => {
    const codes = await page.evaluate(async (size) => {
      const codes = [];
      for (const worker of [false, true]) {
        const segmenter = await hw.load({ worker, split: "remote", size });
        segmenter[Symbol.dispose]();
        codes.push((await hw.outcome(segmenter.segment(await hw.photo("coffee")))).code);
      }
      return codes;
    }, SIZE);
    assert.deepEqual(codes, ["released", "released"]);
    complaints.check();
  });
});

/** What the tests use in the page: a segmenter of the page's own, one in a worker, and a file's pixels. */
async function inPage(size) {
  const options = { split: "U3", size, fallback: "none" };
  globalThis.here = await hw.load(options);
  globalThis.there = await hw.load({ ...options, worker: true });
  globalThis.pixelsOf = async (blob) => {
    const bitmap = await createImageBitmap(blob, { premultiplyAlpha: "none" });
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  };
}

function near(found, expected, levels) {
  assert.ok(found && found.every((value, i) => Math.abs(value - expected[i]) <= levels), `${found} is not ${expected}`);
}
