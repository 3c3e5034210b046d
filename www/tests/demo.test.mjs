// The demo page, as a visitor uses it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import { decode } from "fast-png";
import { FAILED_REQUEST } from "./support/browser.mjs";
import { cutOut, hideWebGPU, id, openDemo, PHONE } from "./support/demo.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };
/** Pictures for people to look at; git does not keep them. */
const ARTEFACTS = fileURLToPath(new URL("artefacts", import.meta.url));

describe("the demo page", { skip: skip("demo") }, () => {
  let stage;
  before(async () => {
    mkdirSync(ARTEFACTS, { recursive: true });
    stage = await openStage({ gate: true });
  });
  after(() => stage?.close());

  const open = (t, query, options) => openDemo(stage, t, query, options);
  const cut = cutOut;
  const valueOf = async (page, name) => Number(await page.locator(id(name)).getAttribute("data-value"));
  const screenshot = async (page, name, options) => {
    // When nothing moves any more: the background takes a moment to fall away.
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), ...options });
  };
  const overflow = (page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  test("a link opens a photograph, cuts it out, and the panel says what ran where", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=128&photo=astronaut");
    await cut(page);
    const report = JSON.parse(await page.locator(id("report")).textContent());
    assert.equal(report.split, "U3");
    assert.deepEqual(report.size, [128, 128]);
    assert.equal(report.fallback, null);
    for (const key of [
      "total_millis",
      "setup_millis",
      "head_millis",
      "network_millis",
      "server_millis",
      "tail_millis",
    ]) {
      const shown = await valueOf(page, `report-${key}`);
      assert.ok(shown > 0, `${key}: ${shown}`);
      assert.equal(shown, report[key], key);
    }
    for (const key of ["up_bytes", "down_bytes", "client_weight_bytes"]) {
      assert.equal(await valueOf(page, `report-${key}`), report[key], key);
      assert.ok(report[key] > 0, key);
    }
    const posted = stage.gate.requests.findLast(({ path }) => path.endsWith("/infer"));
    assert.equal(report.up_bytes, posted.body.length, "bytes that went up");
    assert.equal(report.down_bytes, posted.sent, "bytes that came down");
    const fetched = await valueOf(page, "fetched");
    assert.ok(
      fetched >= report.client_weight_bytes && fetched < 1.1 * report.client_weight_bytes,
      `${fetched} fetched`,
    );
    assert.ok((await valueOf(page, "model-bytes")) > 80e6);
    assert.equal(await page.locator(`${id("features")} canvas`).count(), 2);
    assert.equal((await page.locator(`${id("strip")} .strip-block.server`).count()) > 0, true);
    const feature = await page
      .locator(`${id("features")} canvas`)
      .first()
      .evaluate((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data.filter((_, i) => i % 4 === 0)).size;
      });
    assert.ok(feature > 20, `the picture of what crossed has ${feature} levels`);
    await screenshot(page, "light");
    complaints.check();
  });

  test("pieces are dragged, and moved, scaled, layered and removed by keys", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=128&photo=coffee");
    await cut(page);
    const piece = page.locator(id("piece"));
    const start = await piece.boundingBox();
    const [x, y] = [start.x + start.width / 2, start.y + start.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y - 25, { steps: 4 });
    await page.mouse.up();
    const dragged = await piece.boundingBox();
    assert.ok(Math.abs(dragged.x - start.x - 60) <= 1 && Math.abs(dragged.y - start.y + 25) <= 1, "it did not follow");

    await piece.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowDown");
    const moved = await piece.boundingBox();
    assert.ok(moved.x > dragged.x && moved.y > dragged.y, "arrow keys");
    await page.keyboard.press("+");
    const larger = await piece.boundingBox();
    assert.ok(larger.width > moved.width);
    await page.keyboard.press("-");
    assert.ok(Math.abs((await piece.boundingBox()).width - moved.width) < 0.5);

    await page.locator(id("sample-chelsea")).click();
    await cut(page, 2);
    const second = page.locator(id("piece")).nth(1);
    const layers = () =>
      page.locator(id("piece")).evaluateAll((pieces) => pieces.map(({ style }) => Number(style.zIndex)));
    await second.focus();
    const [below, above] = await layers();
    assert.ok(above > below);
    await page.keyboard.press("[");
    const [raised, lowered] = await layers();
    assert.ok(raised > lowered, "the layer key");
    await page.keyboard.press("Delete");
    assert.equal(await page.locator(id("piece")).count(), 1);
    assert.equal(await page.locator(id("board")).getAttribute("data-pieces"), "1");
    complaints.check();
  });

  test("a cut-out is saved as a PNG with transparency, and so is the board", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=256&photo=coffee");
    await cut(page);
    const save = async (button) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.locator(id(button)).click()]);
      return { name: download.suggestedFilename(), png: decode(readFileSync(await download.path())) };
    };
    const { name, png } = await save("export-piece");
    assert.equal(name, "coffee-cutout.png");
    assert.equal(png.channels, 4);
    let [clear, solid] = [0, 0];
    for (let i = 3; i < png.data.length; i += 4) {
      clear += png.data[i] === 0 ? 1 : 0;
      // At 256 pixels the net is seldom quite sure.
      solid += png.data[i] > 200 ? 1 : 0;
    }
    const pixels = png.width * png.height;
    assert.deepEqual([png.width, png.height], [600, 400], "as large as the photograph");
    assert.ok(clear > 0.02 * pixels && solid > 0.1 * pixels, `${clear} clear and ${solid} solid of ${pixels}`);
    const board = await save("export-board");
    assert.equal(board.name, "board.png");
    assert.equal(Math.max(board.png.width, board.png.height), 2400);
    complaints.check();
  });

  test("masks are compared under a slider, and their difference is a number", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=128&photo=coffee");
    await cut(page);
    await page.locator(id("open-compare")).click();
    assert.ok(await page.locator(id("compare")).isVisible());
    await page.locator(id("compare-left")).selectOption("remote");
    const words = page.locator(id("compare-words"));
    await page.waitForFunction((selector) => document.querySelector(selector)?.dataset.iou, id("compare-words"));
    const [iou, mean] = [await words.getAttribute("data-iou"), await words.getAttribute("data-mean")].map(Number);
    // The server decodes the file by another decoder and resizes a JPEG that it may have got anew.
    assert.ok(iou > 0.9 && iou <= 1 && mean < 8, `IoU ${iou}, mean ${mean}`);
    const line = () => page.locator(id("compare-figure")).evaluate((figure) => figure.style.getPropertyValue("--at"));
    await page.locator(id("compare-slider")).focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await line(), "51%");
    const box = await page.locator(id("compare-figure")).boundingBox();
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height / 2);
    assert.ok(Math.abs(parseFloat(await line()) - 25) < 1);
    await screenshot(page, "compare");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(id("compare")).isVisible(), false);
    complaints.check();
  });

  test(
    "every way in: a file, several at once, a drop, a paste; and what is no picture is refused",
    TIMEOUT,
    async (t) => {
      const { page, complaints } = await open(t, "?split=remote&size=64");
      const photo = await (await fetch(`${stage.origin}/photos/coffee.jpg`)).arrayBuffer();
      const file = { name: "one.jpg", mimeType: "image/jpeg", buffer: Buffer.from(photo) };
      await page.locator(id("pick")).setInputFiles([file, { ...file, name: "two.jpg" }]);
      await cut(page, 2);
      for (const kind of ["drop", "paste"]) {
        await page.evaluate(async (kind) => {
          const blob = await (await fetch("/photos/chelsea.jpg")).blob();
          const data = new DataTransfer();
          data.items.add(new File([blob], `${kind}.jpg`, { type: "image/jpeg" }));
          const target = kind === "drop" ? document.querySelector("[data-testid=board]") : document;
          const Event = kind === "drop" ? DragEvent : ClipboardEvent;
          const more = kind === "drop" ? { dataTransfer: data, clientX: 200, clientY: 300 } : { clipboardData: data };
          target.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true, ...more }));
        }, kind);
        await cut(page, kind === "drop" ? 3 : 4);
      }
      const words = { name: "words.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") };
      await page.locator(id("pick")).setInputFiles([words]);
      await page.waitForFunction(
        (selector) => document.querySelector(selector).dataset.state === "error",
        id("status"),
      );
      assert.equal(await page.locator(id("piece")).count(), 4);
      complaints.check();
    },
  );

  test("a server that stops is told, with what helps, and the page goes on when it is back", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee");
    await cut(page);
    stage.gate.hook = (request, response) => request.url.startsWith("/v2/") && (response.destroy(), true);
    t.after(() => stage.gate.reset());
    await page.locator(id("again")).click();
    const status = page.locator(id("status"));
    await page.waitForFunction((selector) => document.querySelector(selector).dataset.state === "error", id("status"));
    assert.equal(await status.getAttribute("data-code"), "server-unreachable");
    assert.match(await status.textContent(), /coffee\.jpg: http:.* cannot be reached.*try again/i);
    await screenshot(page, "error");
    stage.gate.reset();
    await page.locator(id("again")).click();
    await page.waitForFunction((selector) => document.querySelector(selector).dataset.state === "done", id("status"));
    // The page writes what it caught to the console on purpose.
    complaints.check(FAILED_REQUEST, /HeadwaterError|cannot be reached/);
  });

  test("without WebGPU the page still cuts out, and says that the photograph was posted", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?size=64&photo=coffee", { gate: hideWebGPU });
    assert.match(
      await page.locator(id("sends")).textContent(),
      /or the photograph itself where this device has no GPU/,
    );
    await cut(page);
    const report = JSON.parse(await page.locator(id("report")).textContent());
    assert.equal(report.split, "remote");
    assert.match(report.fallback, /WebGPU/);
    assert.match(await page.locator(id("adapter")).textContent(), /WebGPU/);
    complaints.check();
  });

  test("on a phone nothing is wider than the screen, in light and in dark", TIMEOUT, async (t) => {
    for (const colorScheme of ["light", "dark"]) {
      const { page, complaints } = await open(t, "?split=remote&size=256&photo=astronaut", {
        viewport: PHONE,
        colorScheme,
      });
      await page.waitForFunction((selector) => document.querySelector(selector), id("board"));
      assert.ok((await overflow(page)) <= 0, `${await overflow(page)} px too wide before a photograph`);
      await cut(page);
      assert.ok((await overflow(page)) <= 0, `${await overflow(page)} px too wide`);
      const backdrop = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      const light = (backdrop.match(/[\d.]+/g) ?? [])
        .slice(0, 3)
        .every((value) => Number(value) > (backdrop.startsWith("rgb") ? 128 : 0.5));
      assert.equal(light, colorScheme === "light", `${colorScheme}: ${backdrop}`);
      await screenshot(page, `phone-${colorScheme}`);
      await screenshot(page, `phone-${colorScheme}-whole`, { fullPage: true });
      complaints.check();
    }
  });

  test("before and after a photograph, in dark, at a desk", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=512", { colorScheme: "dark" });
    await page.waitForFunction((selector) => document.querySelector(selector).childElementCount > 0, id("plan-strip"));
    await screenshot(page, "dark-empty");
    await page.locator(id("sample-astronaut")).click();
    await cut(page);
    assert.ok((await overflow(page)) <= 0);
    await screenshot(page, "dark");
    complaints.check();
  });
});
