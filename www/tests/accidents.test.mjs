// Everything that goes wrong for real visitors, provoked in a real browser. Each test ends with a page that has not
// complained: no error went past whoever called.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST, openHarness } from "./support/browser.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const SIZE = 64;
const TIMEOUT = { timeout: 120_000 };

/** Keeps every device that the page opens, so that tests can take it away. */
function catchDevices() {
  globalThis.devices = [];
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await requestDevice.apply(this, given);
    globalThis.devices.push(device);
    return device;
  };
}

describe("accidents in a browser", { skip: skip("accidents") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  const open = async (t, before, arg) => {
    stage.gate.reset();
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    return openHarness(context, stage.origin, { before, arg });
  };
  /** A page whose devices are caught, with a segmenter, a picture and its right mask. */
  const ready = async (t, options = {}) => {
    const opened = await open(t, catchDevices);
    await opened.page.evaluate(
      async ({ size, options }) => {
        globalThis.segmenter = await hw.load({ split: "U3", size, fallback: "none", ...options });
        globalThis.events = hw.heard(segmenter);
        globalThis.image = await hw.photo("coffee", 120, 80);
        const right = (await segmenter.segment(image)).mask.alpha;
        globalThis.isRight = ({ mask }) =>
          hw.spread({ alpha: right }) > 20 && mask.alpha.every((value, i) => value === right[i]);
      },
      { size: SIZE, options },
    );
    return opened;
  };
  const posts = () => stage.gate.requests.filter(({ path }) => path.endsWith("/infer"));

  describe("the device", () => {
    test("without WebGPU the picture is posted, or nothing is, as asked", TIMEOUT, async (t) => {
      const { page, complaints } = await open(t, () => {
        Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined });
      });
      const found = await page.evaluate(async (size) => {
        const image = await hw.photo("coffee");
        const posting = await hw.load({ split: "U3", size });
        const heard = hw.heard(posting);
        const { mask, report } = await posting.segment(image);
        const auto = await hw.load({ split: "auto", size });
        const elsewhere = await hw.load({ worker: true, split: "U3", size, fallback: "none" }).then(
          (twin) => twin.release(),
          ({ code }) => code,
        );
        return {
          size: [mask.width, mask.height],
          spread: hw.spread(mask),
          report,
          split: posting.split,
          heard,
          auto: [auto.split, ...auto.reasons],
          elsewhere,
          none: await hw.outcome(hw.load({ split: "U3", size, fallback: "none" })),
          autoNone: await hw.outcome(hw.load({ split: "auto", size, fallback: "none" })),
          local: await hw.outcome(hw.main.Segmenter.load(hw.MODEL, { size })),
          probe: await hw.main.probe(),
        };
      }, SIZE);
      assert.deepEqual(found.size, [600, 400]);
      assert.ok(found.spread > 20);
      assert.equal(found.split, "remote");
      assert.equal(found.report.split, "remote");
      assert.match(found.report.fallback, /WebGPU/);
      assert.equal(found.report.adapter, null);
      assert.match(found.heard[0], /^fallback: .*WebGPU/);
      assert.equal(found.auto[0], "remote");
      assert.match(found.auto.join(" "), /GPU/);
      for (const { code, message } of [found.none, found.autoNone, found.local])
        assert.equal(code, "no-adapter", message);
      assert.deepEqual([found.probe.webgpu, found.probe.code], [false, "no-adapter"]);
      assert.ok(found.probe.reason.length > 10);
      complaints.check();
    });

    test("split local without WebGPU asks the server for nothing", TIMEOUT, async (t) => {
      for (const missing of ["gpu", "adapter"]) {
        const { page, complaints } = await open(
          t,
          (missing) => {
            if (missing === "adapter") GPU.prototype.requestAdapter = async () => null;
            else Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined });
          },
          missing,
        );
        stage.gate.reset();
        const found = await page.evaluate(
          (size) => hw.outcome(hw.load({ split: "local", size, server: location.origin })),
          SIZE,
        );
        assert.equal(found.code, "no-adapter", found.message);
        assert.match(found.message, /browser/);
        assert.deepEqual(
          stage.gate.requests.filter(({ method, path }) => method !== "GET" || path.startsWith("/v2")),
          [],
        );
        complaints.check();
      }
    });

    test("WebGPU without an adapter is the same", TIMEOUT, async (t) => {
      const { page, complaints } = await open(t, () => {
        GPU.prototype.requestAdapter = async () => null;
      });
      const found = await page.evaluate(async (size) => {
        const posting = await hw.load({ split: "U3", size });
        const { report } = await posting.segment(await hw.photo("coffee"));
        return {
          fallback: report.fallback,
          none: await hw.outcome(hw.load({ split: "U3", size, fallback: "none" })),
          probe: await hw.main.probe(),
        };
      }, SIZE);
      assert.ok(found.fallback);
      assert.equal(found.none.code, "no-adapter", found.none.message);
      assert.equal(found.probe.code, "no-adapter");
      complaints.check();
    });

    test(
      "a software adapter is found out by measuring, and auto leaves all to the server",
      { ...TIMEOUT, skip: process.env.HEADWATER_GPU === "1" && "a real GPU" },
      async (t) => {
        const { page, complaints } = await open(t);
        const found = await page.evaluate(async (size) => {
          const start = performance.now();
          const probe = await hw.main.probe();
          const millis = performance.now() - start;
          const auto = await hw.load({ size });
          const { report } = await auto.segment(await hw.photo("coffee"));
          const own = await hw.load({ size, fallback: "none" });
          return { probe, millis, auto: auto.split, reasons: auto.reasons, report, own: own.split };
        }, SIZE);
        const { probe } = found;
        console.log(`probe: ${probe.adapter.name}, ${probe.gflops.toFixed(1)} GFLOP/s, ${found.millis.toFixed(0)} ms`);
        assert.ok(probe.webgpu && probe.software);
        assert.ok(probe.gflops > 0 && probe.gflops < 100);
        assert.ok(probe.limits.maxBufferSize >= 2 ** 28);
        assert.equal(found.auto, "remote");
        assert.match(found.reasons.join(" "), /GFLOP\/s/);
        assert.equal(found.report.fallback, null, "nobody asked for another split");
        // The picture may not be posted: then the client's part runs here, slowly.
        assert.match(found.own, /^U\d$/);
        complaints.check();
      },
    );

    test("limits that are too small are told as adapter-limit, or the picture is posted", TIMEOUT, async (t) => {
      const { page, complaints } = await open(t, () => {
        const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "limits");
        const tight = { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 };
        Object.defineProperty(GPUAdapter.prototype, "limits", {
          get() {
            return new Proxy(get.call(this), {
              get: (limits, name) => tight[name] ?? Reflect.get(limits, name, limits),
            });
          },
        });
      });
      const found = await page.evaluate(async () => {
        const none = await hw.outcome(hw.load({ split: "U3", size: 512, fallback: "none" }));
        const posting = await hw.load({ split: "U3", size: 512 });
        const heard = hw.heard(posting);
        const { report } = await posting.segment(await hw.photo("coffee"));
        return { none, split: posting.split, heard, fallback: report.fallback };
      });
      assert.equal(found.none.code, "adapter-limit", found.none.message);
      assert.match(found.none.message, /\d/, "it does not say what the limit is");
      assert.equal(found.split, "remote");
      assert.match(found.heard[0], /^fallback: /);
      assert.ok(found.fallback);
      complaints.check();
    });

    test("a device lost between two pictures is replaced, and the mask is right", TIMEOUT, async (t) => {
      const { page, complaints } = await ready(t);
      const found = await page.evaluate(async () => {
        const rounds = [];
        for (let round = 0; round < 2; round += 1) {
          devices.at(-1).destroy();
          if (round > 0) await devices.at(-1).lost;
          const result = await segmenter.segment(image);
          rounds.push({ right: isRight(result), fallback: result.report.fallback, split: segmenter.split });
        }
        const calm = await segmenter.segment(image);
        return { rounds, calm: isRight(calm), events, devices: devices.length };
      });
      assert.deepEqual(found.rounds, Array(2).fill({ right: true, fallback: null, split: "U3" }));
      assert.ok(found.calm);
      assert.equal(found.devices, 3);
      const kinds = found.events.map((event) => event.split(":")[0]);
      assert.deepEqual(kinds, Array(2).fill(["devicelost", "recovered"]).flat());
      complaints.check();
    });

    test("a device lost while a picture is worked on is replaced, and the mask is right", TIMEOUT, async (t) => {
      const { page, complaints } = await ready(t);
      for (const moment of ["head", "posted", "tail"]) {
        const { gate } = stage;
        gate.reset();
        let answer;
        const arrived = new Promise((resolve) => (answer = resolve));
        if (moment !== "head") {
          gate.hook = (request) => {
            if (request.url.endsWith("/infer")) answer();
            return false;
          };
        }
        const running = page.evaluate(async (moment) => {
          const before = events.length;
          const call = segmenter.segment(image);
          if (moment === "head") {
            await new Promise((resolve) => setTimeout(resolve, 5));
            devices.at(-1).destroy();
          }
          return { right: isRight(await call), heard: events.slice(before).map((event) => event.split(":")[0]) };
        }, moment);
        if (moment === "head") answer();
        await arrived;
        if (moment === "posted") await page.evaluate(() => void devices.at(-1).destroy());
        if (moment === "tail") {
          await page.waitForTimeout(60);
          await page.evaluate(() => void devices.at(-1).destroy());
        }
        const found = await running;
        assert.ok(found.right, `lost in ${moment}: another mask`);
        const quiet = moment === "tail" && found.heard.length === 0; // the mask was there already
        if (!quiet) assert.deepEqual(found.heard, ["devicelost", "recovered"], moment);
        assert.ok(await page.evaluate(async () => isRight(await segmenter.segment(image))), `after ${moment}`);
      }
      complaints.check();
    });

    test(
      "a device that cannot be had again ends in the server, or in an error that the next call survives",
      TIMEOUT,
      async (t) => {
        const { page, complaints } = await ready(t);
        const found = await page.evaluate(async (size) => {
          const posting = await hw.load({ split: "U3", size });
          const heard = hw.heard(posting);
          await posting.segment(image);
          const { requestDevice } = GPUAdapter.prototype;
          GPUAdapter.prototype.requestDevice = () => Promise.reject(new DOMException("no more", "OperationError"));
          devices.at(-1).destroy();
          await devices.at(-1).lost;
          const strict = await hw.outcome(segmenter.segment(image));
          const { report } = await posting.segment(image);
          GPUAdapter.prototype.requestDevice = requestDevice;
          const again = await segmenter.segment(image);
          return { strict, split: posting.split, heard, fallback: report.fallback, again: isRight(again) };
        }, SIZE);
        assert.ok(
          ["device", "no-adapter"].includes(found.strict.code),
          `${found.strict.code}: ${found.strict.message}`,
        );
        assert.equal(found.split, "remote");
        assert.ok(found.fallback);
        assert.deepEqual(
          found.heard.map((event) => event.split(":")[0]),
          ["devicelost", "fallback"],
        );
        assert.ok(found.again, "the next call did not try again");
        complaints.check();
      },
    );

    test("two segmenters share one device, and survive its loss", TIMEOUT, async (t) => {
      const { page, complaints } = await ready(t);
      const found = await page.evaluate(async (size) => {
        const other = await hw.load({ split: "U4", size, fallback: "none" });
        const alone = (await other.segment(image)).mask.alpha;
        const isSame = ({ mask }) => mask.alpha.every((value, i) => value === alone[i]);
        const shared = devices.length;
        const [one, two] = await Promise.all([segmenter.segment(image), other.segment(image)]);
        const together = [isRight(one), isSame(two)];
        devices.at(-1).destroy();
        const [three, four] = await Promise.all([segmenter.segment(image), other.segment(image)]);
        const afterLoss = [isRight(three), isSame(four)];
        const opened = devices.length;
        segmenter.release();
        const left = isSame(await other.segment(image));
        other.release();
        return { shared, together, afterLoss, opened, left };
      }, SIZE);
      assert.equal(found.shared, 1, "each opened a device");
      assert.deepEqual(found.together, [true, true]);
      assert.deepEqual(found.afterLoss, [true, true]);
      assert.equal(found.opened, 2, "each opened a device after the loss");
      assert.ok(found.left, "one's release took the other's device");
      complaints.check();
    });
  });

  describe("calls", () => {
    for (const worker of [false, true]) {
      const where = worker ? "in a worker" : "in the page";
      test(`a call that runs and calls that wait can be aborted, ${where}`, TIMEOUT, async (t) => {
        const { page, complaints } = await ready(t, { worker });
        const found = await page.evaluate(async () => {
          const [running, waiting] = [new AbortController(), new AbortController()];
          const calls = [
            hw.outcome(segmenter.segment(image, { signal: running.signal })),
            hw.outcome(segmenter.segment(image, { signal: waiting.signal })),
            segmenter.segment(image),
          ];
          waiting.abort();
          const second = await calls[1];
          running.abort(new Error("not needed"));
          const start = performance.now();
          const first = await calls[0];
          const millis = performance.now() - start;
          const third = isRight(await calls[2]);
          const already = await hw.outcome(segmenter.segment(image, { signal: AbortSignal.abort() }));
          const after = isRight(await segmenter.segment(image));
          return { codes: [first, second, already], millis, third, after };
        });
        for (const { code, message } of found.codes) assert.equal(code, "aborted", message);
        assert.ok(found.millis < 3000, `${found.millis} ms until the abort was heard`);
        assert.ok(found.third && found.after, "what was not aborted went wrong");
        complaints.check(FAILED_REQUEST);
      });

      test(`release ends what runs and what waits, ${where}`, TIMEOUT, async (t) => {
        const { page, complaints } = await ready(t, { worker });
        const found = await page.evaluate(async () => {
          const calls = [1, 2, 3].map(() => hw.outcome(segmenter.segment(image)));
          await new Promise((resolve) => setTimeout(resolve, 20));
          segmenter.release();
          segmenter.release();
          const ended = await Promise.all(calls);
          const late = await hw.outcome(segmenter.segment(image));
          // What is freed behind it has to go without a word.
          await new Promise((resolve) => setTimeout(resolve, 1500));
          return [...ended, late];
        });
        for (const { code, message } of found) assert.equal(code, "released", message);
        const next = await page.evaluate(async (size) => {
          const fresh = await hw.load({ split: "U3", size, fallback: "none" });
          return isRight(await fresh.segment(image));
        }, SIZE);
        assert.ok(next, "a new segmenter after it");
        complaints.check(FAILED_REQUEST);
      });
    }
  });

  describe("the server", () => {
    // None of these takes anything from the page that the next would miss.
    let shared;
    const prepared = async () => {
      shared ??= await ready({ after: (close) => (closeShared = close) });
      stage.gate.reset();
      return shared;
    };
    let closeShared = () => undefined;
    after(() => closeShared());

    /** The codes of one call in both kinds of splits while `hook` answers, and whether the next call is right. */
    const through = async (opened, hook, rewrite) => {
      const { page } = opened;
      const { gate } = stage;
      if (hook) gate.hook = (request, response) => request.url.endsWith("/infer") && (hook(request, response), true);
      if (rewrite) gate.rewrite = (body, request) => (request.url.endsWith("/infer") ? rewrite(body) : body);
      const codes = await page.evaluate(async (size) => {
        globalThis.posting ??= await hw.load({ split: "remote", size });
        return [await hw.outcome(segmenter.segment(image)), await hw.outcome(posting.segment(image))];
      }, SIZE);
      gate.reset();
      assert.ok(await page.evaluate(async () => isRight(await segmenter.segment(image))), "the next call");
      return codes;
    };
    const answering = (status, headers, body) => (_, response) => {
      response.writeHead(status, headers);
      response.end(body);
    };

    test("answers that are wrong in every way have their codes", { timeout: 180_000 }, async () => {
      const opened = await prepared();
      const json = { "content-type": "application/json" };
      const empty = JSON.stringify({ model_name: "isnet", outputs: [] });
      const endless = (_, response) => {
        response.writeHead(200, { "content-type": "application/octet-stream" });
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
        };
        response.on("drain", more);
        more();
      };
      const broken = (_, response) => {
        response.writeHead(200, { ...json, "content-length": "100000" });
        response.write("{");
        setTimeout(() => response.destroy(), 20);
      };
      const wrong = {
        "no tensors": ["bad-message", answering(200, json, empty)],
        "an empty body": ["bad-message", answering(200, json, "")],
        "a web page": ["bad-message", answering(200, { "content-type": "text/html" }, "<!doctype html><p>Hello")],
        "broken JSON": ["bad-message", answering(200, json, "{")],
        "a huge length": ["bad-message", answering(200, { ...json, "content-length": "99999999999" }, "{}")],
        "no end": ["bad-message", endless],
        "a redirect": ["bad-message", answering(302, { location: "/elsewhere" }, "")],
        "an error": ["server-error", answering(500, json, '{"error":"out of memory"}')],
        "an error as a page": ["server-error", answering(502, { "content-type": "text/html" }, "<h1>Bad gateway</h1>")],
        "a full queue": [
          "server-busy",
          answering(503, { ...json, "retry-after": "7" }, '{"error":"busy","code":"server-busy"}'),
        ],
        "a broken connection": ["server-unreachable", broken],
        "no connection": ["server-unreachable", (_, response) => response.destroy()],
      };
      for (const [what, [code, hook]] of Object.entries(wrong)) {
        for (const found of await through(opened, hook)) {
          assert.equal(found.code, code, `${what}: ${found.message}`);
          assert.ok(found.ours && found.name === "HeadwaterError" && found.message.length > 10, what);
        }
      }
      const swapped = (body) => {
        const hash = /"model_sha256":"([0-9a-f]{64})"/.exec(body.toString("latin1"))[1];
        const at = body.indexOf(hash);
        return Buffer.concat([body.subarray(0, at), Buffer.from("0".repeat(64)), body.subarray(at + 64)]);
      };
      for (const { code, message } of await through(opened, undefined, swapped)) {
        assert.equal(code, "mismatch", message);
      }
      opened.complaints.check(FAILED_REQUEST);
    });

    test("a server that does not answer is given up after the timeout", TIMEOUT, async (t) => {
      const { page, complaints } = await ready(t, { timeout: 3000 });
      stage.gate.hook = ({ url }) => url.endsWith("/infer");
      const found = await page.evaluate(async () => {
        const start = performance.now();
        return { ...(await hw.outcome(segmenter.segment(image))), millis: performance.now() - start };
      });
      assert.equal(found.code, "timeout", found.message);
      assert.ok(found.millis >= 2900 && found.millis < 8000, `${found.millis} ms`);
      const dripping = (_, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const timer = setInterval(() => response.write(" "), 200);
        response.on("close", () => clearInterval(timer));
      };
      stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (dripping(request, response), true);
      const slow = await page.evaluate(() => hw.outcome(segmenter.segment(image)));
      assert.equal(slow.code, "timeout", slow.message);
      stage.gate.reset();
      assert.ok(await page.evaluate(async () => isRight(await segmenter.segment(image))));
      complaints.check(FAILED_REQUEST);
    });

    test("a server that is down is server-unreachable, and the picture goes nowhere else", TIMEOUT, async () => {
      const { page, complaints } = await prepared();
      const closed = await freePort();
      stage.gate.reset();
      const found = await page.evaluate(
        async ({ size, server }) => {
          const outcomes = [];
          for (const worker of [false, true]) {
            for (const split of ["U3", "remote"]) {
              outcomes.push(await hw.outcome(hw.load({ worker, split, size, server })));
            }
          }
          return outcomes;
        },
        { size: SIZE, server: `http://127.0.0.1:${closed}` },
      );
      for (const { code, message } of found) {
        assert.equal(code, "server-unreachable", message);
        assert.match(message, new RegExp(`127.0.0.1:${closed}/v2/models/isnet`));
      }
      assert.equal(posts().length, 0);
      complaints.check(FAILED_REQUEST);
    });

    test("another web server is recognised while loading, with what it answers", TIMEOUT, async () => {
      const { page, complaints } = await prepared();
      stage.gate.reset();
      stage.gate.hook = (request, response) => {
        if (!request.url.startsWith("/v2")) return false;
        response.writeHead(404, { "content-type": "text/html" });
        response.end("gone");
        return true;
      };
      const found = await page.evaluate(
        (size) =>
          Promise.all([hw.outcome(hw.load({ split: "U3", size })), hw.outcome(hw.load({ split: "auto", size }))]),
        SIZE,
      );
      for (const { code, message } of found) {
        assert.equal(code, "bad-message", message);
        assert.match(message, /\/v2\/models\/isnet: .*status 404 \("text\/html", 4 bytes\)/);
      }
      complaints.check(FAILED_REQUEST);
    });

    test(
      "headers of the caller's reach the server and the model, from the page and from a worker",
      TIMEOUT,
      async () => {
        const { page, complaints } = await prepared();
        for (const worker of [false, true]) {
          stage.gate.reset();
          const seen = [];
          stage.gate.hook = (request) => (seen.push([request.url, request.headers["x-token"]]), false);
          await page.evaluate(
            async ({ worker, size }) => {
              let count = 0;
              const headers = async () => ({ "X-Token": `server ${(count += 1)}` });
              const options = {
                worker,
                split: "U3",
                size,
                headers,
                modelHeaders: { "X-Token": "model" },
                cache: false,
              };
              const one = await hw.load(options);
              await one.segment(image);
              one.release();
            },
            { worker, size: SIZE },
          );
          const of = (part) => seen.filter(([url]) => url.includes(part)).map(([, token]) => token);
          assert.deepEqual(of("/v2/"), ["server 1", "server 2"], `worker: ${worker}`);
          assert.ok(of("/models/isnet.safetensors").length > 1);
          assert.ok(of("/models/isnet.safetensors").every((token) => token === "model"));
        }
        complaints.check();
      },
    );

    test("a picture is posted once, whatever the answer", TIMEOUT, async () => {
      const { page, complaints } = await prepared();
      stage.gate.reset();
      stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (response.writeHead(500).end(), true);
      await page.evaluate(() => hw.outcome(segmenter.segment(image)));
      assert.equal(posts().length, 1);
      complaints.check(FAILED_REQUEST);
    });
  });
});

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
