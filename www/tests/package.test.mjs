// The package's promises about pictures, masks and reports, kept by a real browser.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openHarness } from "./support/browser.mjs";
import { Gate } from "./support/gate.mjs";
import { skip } from "./support/needs.mjs";
import { Native } from "./support/native.mjs";
import { openStage } from "./support/stage.mjs";

/** Nothing here needs a mask that shows something. */
const SIZE = 64;
const TIMEOUT = { timeout: 180_000 };

describe("the package in a browser", { skip: skip("package") }, () => {
  let stage, native, context, page, complaints;
  before(async () => {
    native = new Native();
    stage = await openStage({ gate: true });
    context = await stage.browser.newContext();
    ({ page, complaints } = await openHarness(context, stage.origin));
    await page.evaluate(async (size) => {
      globalThis.segmenter = await hw.load({ split: "U3", size, fallback: "none" });
      globalThis.digest = async ({ width, height, alpha }) => {
        const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", alpha));
        const spread = hw.spread({ alpha });
        return { width, height, spread, hash: hw.base64(hash) };
      };
    }, SIZE);
  });
  after(async () => {
    await stage?.close();
    native?.close();
  });

  test("every kind of image gives the same mask for the same pixels", TIMEOUT, async () => {
    const masks = await page.evaluate(async () => {
      const canvas = await hw.photoCanvas("coffee", 120, 80);
      const { width, height } = canvas;
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
      const element = Object.assign(new Image(), { src: URL.createObjectURL(blob) });
      const offscreen = new OffscreenCanvas(width, height);
      offscreen.getContext("2d").drawImage(canvas, 0, 0);
      const images = {
        ImageBitmap: await createImageBitmap(canvas),
        ImageData: canvas.getContext("2d").getImageData(0, 0, width, height),
        HTMLCanvasElement: canvas,
        OffscreenCanvas: offscreen,
        HTMLImageElement: element,
        Blob: blob,
        File: new File([blob], "photo.png", { type: "image/png" }),
        VideoFrame: new VideoFrame(canvas, { timestamp: 0 }),
      };
      const masks = {};
      for (const [kind, image] of Object.entries(images)) {
        masks[kind] = await digest((await segmenter.segment(image)).mask);
      }
      images.VideoFrame.close();
      return masks;
    });
    const { ImageData: expected } = masks;
    assert.deepEqual([expected.width, expected.height], [120, 80]);
    assert.ok(expected.spread > 20, `the mask has ${expected.spread} levels: it would hide mistakes`);
    for (const [kind, mask] of Object.entries(masks)) assert.deepEqual(mask, expected, kind);
    complaints.check();
  });

  test("a video gives the mask of the frame that it shows", TIMEOUT, async () => {
    const { video, drawn } = await page.evaluate(async () => {
      const canvas = await hw.photoCanvas("coffee", 120, 80);
      const stream = canvas.captureStream(0);
      const recorder = new MediaRecorder(stream, { mimeType: "video/webm;codecs=vp8" });
      const recorded = new Promise((resolve) => (recorder.ondataavailable = ({ data }) => resolve(data)));
      recorder.start();
      for (let frame = 0; frame < 5; frame += 1) {
        canvas.getContext("2d").drawImage(canvas, 0, 0);
        stream.getVideoTracks()[0].requestFrame();
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      recorder.stop();
      const video = Object.assign(document.createElement("video"), { muted: true });
      video.src = URL.createObjectURL(await recorded);
      await new Promise((resolve, reject) => {
        video.onloadeddata = resolve;
        video.onerror = () => reject(new Error("the video does not play"));
      });
      const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
      await video.play();
      await shown;
      video.pause();
      const still = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      still.getContext("2d").drawImage(video, 0, 0);
      const masks = [];
      for (const image of [video, still]) masks.push((await segmenter.segment(image)).mask);
      return { video: hw.packed(masks[0]), drawn: hw.packed(masks[1]) };
    });
    assert.deepEqual([video.width, video.height], [120, 80]);
    const [a, b] = [video, drawn].map(({ alpha }) => Buffer.from(alpha, "base64"));
    const apart = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
    // Two ways from the decoder's YUV to RGB may round differently.
    assert.ok(apart <= 4, `${apart} levels between a video and its frame on a canvas`);
    assert.ok(Math.max(...a) - Math.min(...a) > 20, "the mask says nothing");
    complaints.check();
  });

  test("what is no picture is refused with bad-image, and the segmenter goes on", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const closed = await createImageBitmap(new ImageData(8, 8));
      closed.close();
      const bad = {
        closed,
        text: new Blob(["no picture"]),
        unloaded: document.createElement("video"),
        empty: Object.assign(document.createElement("canvas"), { width: 0 }),
        broken: Object.assign(new Image(), { src: "/page/harness.js" }),
        number: 7,
        nothing: null,
      };
      const codes = {};
      for (const [name, image] of Object.entries(bad)) codes[name] = await hw.outcome(segmenter.segment(image));
      const after = await hw.outcome(segmenter.segment(new ImageData(8, 8)));
      return { codes, after };
    });
    for (const [name, { code, message }] of Object.entries(found.codes)) {
      assert.equal(code, "bad-image", `${name}: ${message}`);
    }
    assert.deepEqual(found.after, { value: true });
    complaints.check();
  });

  test("a picture of another origin without CORS is bad-image", TIMEOUT, async (t) => {
    const { gate } = stage;
    // The server's own policy would not even let the page load it.
    gate.withheld = ["content-security-policy"];
    const other = await Gate.open(stage.server.origin);
    t.after(() => other.close());
    other.withheld = ["access-control-allow-origin"];
    const fresh = await stage.browser.newContext();
    t.after(() => fresh.close());
    const open = await openHarness(fresh, stage.origin);
    gate.reset();
    const found = await open.page.evaluate(
      async ({ address, size }) => {
        const segmenter = await hw.load({ split: "U3", size, fallback: "none" });
        const image = Object.assign(new Image(), { src: address });
        await image.decode();
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").drawImage(image, 0, 0);
        const outcomes = [await hw.outcome(segmenter.segment(image)), await hw.outcome(segmenter.segment(canvas))];
        const remote = await hw.load({ split: "remote", size });
        outcomes.push(await hw.outcome(remote.segment(image)));
        return [...outcomes, await hw.outcome(segmenter.segment(new ImageData(8, 8)))];
      },
      { address: `${other.origin}/pixels/coffee.webp`, size: SIZE },
    );
    for (const { code, message } of found.slice(0, 3)) assert.equal(code, "bad-image", message);
    assert.deepEqual(found[3], { value: true });
    open.complaints.check();
  });

  test("maskSize is the mask's size, and is checked", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const image = await hw.photo("coffee");
      const sizes = [];
      for (const maskSize of [[64, 64], [31, 77], [1, 1], [1200, 800], undefined]) {
        const { mask } = await segmenter.segment(image, { maskSize });
        sizes.push([mask.width, mask.height, mask.alpha.length, mask.alpha instanceof Uint8ClampedArray]);
      }
      const codes = [];
      for (const maskSize of [[0, 5], [5], [1.5, 2], [9000, 5], "8x8", 8]) {
        codes.push((await hw.outcome(segmenter.segment(image, { maskSize }))).code);
      }
      return { sizes, codes };
    });
    assert.deepEqual(found.sizes, [
      [64, 64, 64 * 64, true],
      [31, 77, 31 * 77, true],
      [1, 1, 1, true],
      [1200, 800, 1200 * 800, true],
      [600, 400, 600 * 400, true],
    ]);
    assert.deepEqual(found.codes, Array(6).fill("bad-argument"));
    complaints.check();
  });

  test("load's options are checked before anything is fetched", TIMEOUT, async () => {
    stage.gate.requests = [];
    const bad = [
      { split: "" },
      { codec: "f64" },
      { precision: "f64" },
      { size: 0 },
      { size: [64] },
      { fallback: "maybe" },
      { timeout: -1 },
      { server: "ftp://x" },
      { server: undefined, split: "U3" },
    ];
    const codes = await page.evaluate(async (bad) => {
      const codes = [];
      for (const options of bad) codes.push((await hw.outcome(hw.load({ split: "U3", ...options }))).code);
      return codes;
    }, bad);
    // Undefined does not survive the way to the page.
    codes.pop();
    const without = await page.evaluate(() => hw.outcome(hw.main.Segmenter.load(hw.MODEL, { split: "U3" })));
    assert.deepEqual([...codes, without.code], Array(9).fill("bad-argument"));
    assert.deepEqual(stage.gate.requests, []);
    const others = await page.evaluate(async () => [
      await hw.outcome(hw.load({ split: "U99", size: 64 })),
      await hw.outcome(hw.load({ split: "U3", size: 65 })),
      await hw.outcome(hw.load({ model: new ArrayBuffer(100), split: "U3" })),
      await hw.outcome(hw.load({ model: "/nowhere.safetensors", split: "U3" })),
      await hw.outcome(hw.load({ model: "/page/harness.html", split: "U3" })),
    ]);
    assert.equal(others[0].code, "unknown-split", others[0].message);
    assert.equal(others[1].code, "bad-shape", others[1].message);
    assert.equal(others[2].code, "bad-model", others[2].message);
    assert.equal(others[3].code, "download", others[3].message);
    assert.equal(others[4].code, "download", others[4].message);
    complaints.check(/Failed to load resource/);
  });

  test("keepCrossing gives what was posted, value for value", TIMEOUT, async () => {
    stage.gate.requests = [];
    const found = await page.evaluate(async (size) => {
      const exact = await hw.load({ split: "U3", size, codec: "f32", fallback: "none" });
      const { crossing, report } = await exact.segment(await hw.photo("coffee"), { keepCrossing: true });
      const plain = await exact.segment(await hw.photo("coffee"));
      exact.release();
      const out = (list) =>
        list.map(({ tensor, shape, values }) => ({
          tensor,
          shape,
          count: values.length,
          float32: values instanceof Float32Array,
          bytes: hw.base64(values),
        }));
      const { splits } = exact.model;
      return {
        up: out(crossing.up),
        down: out(crossing.down),
        described: splits.find(({ name }) => name === "U3"),
        plain: plain.crossing === undefined,
        report,
      };
    }, SIZE);
    assert.ok(found.plain, "crossing came though nobody asked for it");
    for (const side of ["up", "down"]) {
      assert.deepEqual(
        found[side].map(({ tensor, shape }) => ({ tensor, shape })),
        found.described[side],
        side,
      );
      for (const { shape, count, float32 } of found[side]) {
        assert.ok(float32);
        assert.equal(
          count,
          shape.reduce((product, side) => product * side, 1),
        );
      }
    }
    const posted = tensorsOf(stage.gate.requests.find(({ path }) => path.endsWith("/infer")));
    assert.equal(posted.json.inputs.length, found.up.length);
    for (const { tensor, bytes } of found.up) {
      assert.ok(posted.tensors.get(tensor).equals(Buffer.from(bytes, "base64")), `${tensor} is not what was posted`);
    }
    complaints.check();
  });

  test("the tensors that a browser sends are the native command's", TIMEOUT, async () => {
    const { gate } = stage;
    gate.requests = [];
    const browser = await page.evaluate(async (size) => {
      const exact = await hw.load({ split: "U3", size, codec: "f32", fallback: "none" });
      const { report } = await exact.segment(await hw.photo("coffee"));
      exact.release();
      return report;
    }, SIZE);
    const report = (await native.segment("coffee", { split: "U3", size: SIZE, codec: "f32", server: gate.origin }))
      .report;
    const [here, there] = gate.requests.filter(({ path }) => path.endsWith("/infer")).map(tensorsOf);
    assert.deepEqual([...here.tensors.keys()], [...there.tensors.keys()]);
    for (const [name, bytes] of here.tensors) {
      const [a, b] = [bytes, there.tensors.get(name)].map(floats);
      assert.equal(a.length, b.length);
      let [apart, largest] = [0, 0];
      for (let i = 0; i < a.length; i += 1) {
        apart = Math.max(apart, Math.abs(a[i] - b[i]));
        largest = Math.max(largest, Math.abs(b[i]));
      }
      console.log(`${name}: at most ${apart.toExponential(1)} apart, values up to ${largest.toFixed(2)}`);
      // The resize is exact on both sides; a dozen layers of f32 sums in another order are not.
      assert.ok(apart <= 2e-5 * largest, `${name}: ${apart} apart, values up to ${largest}`);
    }
    assert.deepEqual(Object.keys(browser).sort(), Object.keys(report).sort(), "keys of the report");
    assert.deepEqual(Object.keys(browser.adapter).sort(), Object.keys(report.adapter).sort());
    for (const key of ["model", "model_sha256", "size", "split", "codec", "client_macs", "server_macs", "executor"]) {
      assert.deepEqual(browser[key], report[key], key);
    }
    for (const key of ["up_bytes", "down_bytes", "gpu_dispatches", "gpu_peak_bytes", "head_millis", "total_millis"]) {
      assert.ok(browser[key] > 0, `${key}: ${browser[key]}`);
    }
    assert.equal(browser.up_bytes, gate.requests.find(({ path }) => path.endsWith("/infer")).body.length, "up_bytes");
    complaints.check();
  });

  test("every codec sends exactly as many bytes as it should", TIMEOUT, async () => {
    const { gate } = stage;
    gate.requests = [];
    const codecs = ["f32", "f16", "int8"];
    const reports = await page.evaluate(
      async ({ size, codecs }) => {
        const reports = [];
        for (const codec of codecs) {
          const one = await hw.load({ split: "U3", size, codec, fallback: "none" });
          reports.push((await one.segment(await hw.photo("coffee"))).report);
          one.release();
        }
        return reports;
      },
      { size: SIZE, codecs },
    );
    const posts = gate.requests.filter(({ path }) => path.endsWith("/infer"));
    assert.deepEqual(
      reports.map(({ codec }) => codec),
      codecs,
    );
    for (const [i, codec] of codecs.entries()) {
      assert.equal(reports[i].up_bytes, posts[i].body.length, codec);
      const { json, tensors } = tensorsOf(posts[i]);
      for (const { name, shape } of json.inputs) {
        const values = shape.reduce((product, side) => product * side, 1);
        // The scales of int8 are a tensor too, of f32.
        const bytes = values * (name.endsWith(".scales") ? 4 : { f32: 4, f16: 2, int8: 1 }[codec]);
        assert.equal(tensors.get(name)?.length, bytes, `${codec}: ${name} of ${shape}`);
      }
    }
    complaints.check();
  });

  test("f16 is computed where the adapter has it, and else said not to be", TIMEOUT, async () => {
    const { reports, has } = await page.evaluate(async (size) => {
      const reports = [];
      for (const precision of ["f32", "f16"]) {
        const one = await hw.load({ split: "U3", size, precision, fallback: "none" });
        reports.push((await one.segment(await hw.photo("coffee"))).report);
        one.release();
      }
      const adapter = await navigator.gpu.requestAdapter();
      return { reports, has: adapter.features.has("shader-f16") };
    }, SIZE);
    const [whole, half] = reports;
    assert.deepEqual([whole.adapter.f16, whole.fallback], [false, null]);
    assert.equal(half.adapter.f16, has);
    if (has) assert.equal(half.fallback, null);
    else assert.match(half.fallback, /no f16/);
    complaints.check();
  });

  test("main thread and worker give the same mask", TIMEOUT, async () => {
    const found = await page.evaluate(async (size) => {
      const image = await hw.photo("coffee", 120, 80);
      const here = await segmenter.segment(image);
      const elsewhere = await hw.load({ worker: true, split: "U3", size, fallback: "none" });
      const there = await elsewhere.segment(image, { keepCrossing: true });
      const again = await elsewhere.segment(await hw.photoCanvas("coffee", 120, 80));
      const { split, reasons, model } = elsewhere;
      elsewhere.release();
      const late = await hw.outcome(elsewhere.segment(image));
      return {
        masks: [await digest(here.mask), await digest(there.mask), await digest(again.mask)],
        up: there.crossing.up.length,
        keys: [Object.keys(here.report).sort(), Object.keys(there.report).sort()],
        same: JSON.stringify(model) === JSON.stringify(segmenter.model),
        split,
        reasons: reasons.length,
        late: late.code,
        intact: image.width,
      };
    }, SIZE);
    assert.deepEqual(found.masks[1], found.masks[0]);
    assert.deepEqual(found.masks[2], found.masks[0]);
    assert.deepEqual(found.keys[1], found.keys[0]);
    assert.ok(found.up > 0 && found.same && found.reasons > 0);
    assert.equal(found.split, "U3");
    assert.equal(found.late, "released");
    assert.equal(found.intact, 120, "the caller's picture was taken away");
    complaints.check();
  });

  test("a cut-out keeps the picture where the mask is full, and nothing where it is empty", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const { Mask } = hw.main;
      const canvas = await hw.photoCanvas("coffee");
      const { width, height } = canvas;
      const alpha = new Uint8ClampedArray(width * height).map((_, i) => [255, 0, 128][i % 3]);
      const mask = new Mask(width, height, alpha);
      const before = canvas.getContext("2d").getImageData(0, 0, width, height).data;
      const read = (drawn) => drawn.getContext("2d").getImageData(0, 0, width, height).data;
      const after = read(await mask.cutout(canvas));
      const white = read(mask.toCanvas());
      const bitmap = await mask.toImageBitmap();
      const wrong = { kept: 0, cleared: 0, alpha: 0, white: 0 };
      for (let i = 0; i < alpha.length; i += 1) {
        const [from, at] = [before.subarray(4 * i, 4 * i + 4), after.subarray(4 * i, 4 * i + 4)];
        if (alpha[i] === 255 && !from.every((value, k) => value === at[k])) wrong.kept += 1;
        if (alpha[i] === 0 && at[3] !== 0) wrong.cleared += 1;
        if (at[3] !== alpha[i]) wrong.alpha += 1;
        if (white[4 * i + 3] !== alpha[i] || (alpha[i] > 0 && white[4 * i] !== 255)) wrong.white += 1;
      }
      const short = await hw.outcome(Promise.resolve().then(() => new Mask(4, 4, new Uint8ClampedArray(15))));
      return { wrong, bitmap: [bitmap.width, bitmap.height], short: short.code };
    });
    assert.deepEqual(found.wrong, { kept: 0, cleared: 0, alpha: 0, white: 0 });
    assert.deepEqual(found.bitmap, [600, 400]);
    assert.equal(found.short, "bad-argument");
    complaints.check();
  });

  test("calls made at once are answered in order, each with its own picture's mask", TIMEOUT, async () => {
    const found = await page.evaluate(async () => {
      const images = [];
      for (const name of ["coffee", "rocket", "chelsea"]) images.push(await hw.photo(name, 120, 80));
      const alone = [];
      for (const image of images) alone.push(await digest((await segmenter.segment(image)).mask));
      const order = [];
      const together = await Promise.all(
        images.map(async (image, i) => {
          const { mask } = await segmenter.segment(image);
          order.push(i);
          return digest(mask);
        }),
      );
      return { alone, together, order };
    });
    assert.deepEqual(found.together, found.alone);
    assert.deepEqual(found.order, [0, 1, 2]);
    assert.equal(new Set(found.alone.map(({ hash }) => hash)).size, 3, "three pictures, one mask");
    complaints.check();
  });
});

/** The JSON and the binary tensors of a posted request. */
function tensorsOf({ body }) {
  const end = jsonEnd(body);
  const json = JSON.parse(body.subarray(0, end).toString());
  const tensors = new Map();
  let at = end;
  for (const { name, parameters } of json.inputs) {
    const bytes = parameters.binary_data_size;
    tensors.set(name, body.subarray(at, at + bytes));
    at += bytes;
  }
  assert.equal(at, body.length, "bytes behind the last tensor");
  return { json, tensors };
}

/** Where the JSON ends that begins `body`. */
function jsonEnd(body) {
  let [depth, quoted] = [0, false];
  for (let at = 0; at < body.length; at += 1) {
    const byte = String.fromCharCode(body[at]);
    if (quoted) {
      if (byte === "\\") at += 1;
      else if (byte === '"') quoted = false;
    } else if (byte === '"') quoted = true;
    else if (byte === "{") depth += 1;
    else if (byte === "}" && (depth -= 1) === 0) return at + 1;
  }
  throw new Error("no JSON");
}

function floats(bytes) {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
