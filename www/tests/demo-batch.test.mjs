// Photographs on their way to cut-outs: cancelling, consent, batches, errors.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST } from "./support/browser.mjs";
import { centres, cutOut, dropFiles, hideWebGPU, id, openDemo, sampleFile, statusIs } from "./support/demo.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };
const NOT_A_PICTURE = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") };
const A_PAGE = { name: "page.jpg", mimeType: "image/jpeg", buffer: Buffer.from("<!doctype html><p>no picture") };
/** What the page writes to the console on purpose. */
const CAUGHT = /HeadwaterError|cannot be reached|no-adapter/;

describe("the demo's batches", { skip: skip("demo-batch") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  const open = (t, query, options) => openDemo(stage, t, query, options);
  const posts = () => stage.gate.requests.filter(({ path }) => path.endsWith("/infer"));

  test("a cancelled picture is a photograph again, and can be cut out", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=64");
    // Slow enough to be met while weights come.
    stage.gate.pauseMillis = 60;
    await page.locator(id("sample-coffee")).click();
    const line = page.locator(`${id("status")} .status-text`);
    await page.waitForFunction(() => /weights|layers/.test(document.querySelector(".status-text").textContent));
    await page.locator(id("status")).locator(id("cancel")).click();
    await statusIs(page, "done", "idle");
    stage.gate.pauseMillis = 0;
    const piece = page.locator(id("piece"));
    assert.equal(await piece.getAttribute("data-state"), "photo");
    // Nothing of the run that was given up comes back.
    await page.waitForTimeout(1500);
    assert.equal(await piece.getAttribute("data-state"), "photo");
    assert.equal(await line.isVisible(), false, await line.textContent());
    await page.locator(id("again")).click();
    await cutOut(page);
    complaints.check();
  });

  test("a comparison that is closed while it computes leaves nothing behind", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee");
    await cutOut(page);
    stage.gate.pauseMillis = 40;
    await page.locator(id("open-compare")).click();
    await page.locator(id("compare-left")).selectOption("local");
    await page.waitForFunction(() => /weights|layers/.test(document.querySelector(".status-text").textContent));
    await page.keyboard.press("Escape");
    await page.locator(id("compare")).waitFor({ state: "hidden" });
    stage.gate.pauseMillis = 0;
    await page.waitForTimeout(1500);
    assert.notEqual(await page.locator(id("status")).getAttribute("data-state"), "working");
    assert.equal(await page.locator(id("piece")).getAttribute("data-state"), "cut");
    complaints.check();
  });

  test("local sends nothing before the visitor has agreed, and remembers the answer", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=local&size=64", { gate: hideWebGPU });
    assert.match(await page.locator(id("sends")).textContent(), /keeps photographs in this browser/);
    await page.locator(id("sample-coffee")).click();
    await statusIs(page, "asking");
    const question = page.locator(id("status")).locator(id("question"));
    assert.match(await question.textContent(), /Send photographs to the server of this page \(127\.0\.0\.1:\d+\)/);
    await question.locator(id("consent-no")).click();
    await page.waitForSelector(`${id("piece")}[data-state="failed"]`);
    assert.match(await page.locator(id("piece-trouble")).textContent(), /WebGPU|adapter/);
    // The answer stands for the next photograph.
    await page.locator(id("sample-rocket")).click();
    await page.waitForFunction(
      (selector) => document.querySelectorAll(selector).length === 2,
      `${id("piece")}[data-state="failed"]`,
    );
    assert.equal(posts().length, 0, "something was posted");
    // Asking for a cut-out again puts the question once more; yes stands as well.
    await page.locator(id("again")).click();
    await statusIs(page, "asking");
    await question.locator(id("consent-yes")).click();
    await cutOut(page, 1);
    assert.equal(posts().length, 1);
    assert.match(await page.locator(id("report-fallback")).textContent(), /WebGPU|adapter/);
    await page.locator(id("sample-chelsea")).click();
    await cutOut(page, 2);
    assert.equal(posts().length, 2);
    complaints.check(CAUGHT);
  });

  test("a batch is counted, keeps its order, and every refusal names its file and stays", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64", {
      before: () => {
        globalThis.lines = [];
        addEventListener("DOMContentLoaded", () => {
          const line = () => document.querySelector(".status-text")?.textContent;
          new MutationObserver(() => line() && lines.at(-1) !== line() && lines.push(line())).observe(document.body, {
            subtree: true,
            childList: true,
            characterData: true,
          });
        });
      },
    });
    const named = (name) => sampleFile(stage, "coffee", name);
    const untyped = { ...(await named("no-ending")), mimeType: "" };
    const files = [A_PAGE, await named("one.jpg"), NOT_A_PICTURE, await named("two.jpg"), untyped];
    await page.locator(id("pick")).setInputFiles(files);
    await cutOut(page, 3);
    await statusIs(page, "error");
    const names = await page
      .locator(id("piece"))
      .evaluateAll((pieces) => pieces.map((piece) => piece.getAttribute("aria-label").split(":")[0]));
    assert.deepEqual(names, ["one.jpg", "two.jpg", "no-ending"]);
    const lines = await page.evaluate(() => lines);
    for (const expected of [/^\d of \d: Cutting out two\.jpg/, /^3 of 3: Cutting out no-ending/]) {
      assert.ok(
        lines.some((line) => expected.test(line)),
        `${expected}: ${lines.join(" | ")}`,
      );
    }
    const troubles = page.locator(id("status")).locator(`${id("troubles")} li`);
    const words = await troubles.allTextContents();
    assert.equal(words.length, 2, words.join(" | "));
    assert.match(words[0], /page\.jpg is a web page/);
    assert.match(words[1], /notes\.txt is not a picture/);
    await page.waitForTimeout(800);
    assert.equal(await troubles.count(), 2);
    await page.locator(id("status")).locator(id("dismiss")).click();
    assert.equal(await troubles.count(), 0);
    complaints.check();
  });

  test("cancelling all of a batch ends it, and leaves photographs", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    const held = [];
    stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (held.push(response), true);
    await page
      .locator(id("pick"))
      .setInputFiles(await Promise.all(["a.jpg", "b.jpg", "c.jpg"].map((name) => sampleFile(stage, "coffee", name))));
    await page.waitForFunction((selector) => document.querySelectorAll(selector).length === 3, id("piece"));
    await page.locator(id("status")).locator(id("cancel-all")).click();
    await page.waitForFunction(
      (selector) => document.querySelectorAll(selector).length === 3,
      `${id("piece")}[data-state="photo"]`,
    );
    await statusIs(page, "done", "idle");
    for (const response of held) response.destroy();
    complaints.check(FAILED_REQUEST);
  });

  test("an error stays with its piece and is said when that is chosen", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    let count = 0;
    stage.gate.hook = (request, response) => {
      if (!request.url.endsWith("/infer") || ++count !== 1) return false;
      response.writeHead(500, { "content-type": "application/json" }).end('{"error":"the net is ill"}');
      return true;
    };
    await page
      .locator(id("pick"))
      .setInputFiles([await sampleFile(stage, "coffee", "bad.jpg"), await sampleFile(stage, "coffee", "good.jpg")]);
    await cutOut(page, 1);
    const failed = page.locator(`${id("piece")}[data-state="failed"]`);
    assert.equal(await failed.count(), 1);
    assert.ok(await failed.locator(".piece-badge").isVisible());
    assert.match(await page.locator(id("status")).locator(id("troubles")).textContent(), /bad\.jpg: .*the net is ill/);
    await page.locator(`${id("piece")}[data-state="cut"]`).focus();
    assert.equal(await page.locator(id("piece-trouble")).isVisible(), false);
    await failed.focus();
    assert.match(await page.locator(id("piece-trouble")).textContent(), /bad\.jpg: .*the net is ill/);
    // It goes well the second time: nothing is left of the error.
    await page.locator(id("again")).click();
    await cutOut(page, 2);
    assert.equal(await page.locator(".piece-badge:visible").count(), 0);
    assert.equal(
      await page
        .locator(id("status"))
        .locator(`${id("troubles")} li`)
        .count(),
      0,
    );
    complaints.check(FAILED_REQUEST, CAUGHT);
  });

  test("files dropped together lie apart, and a lone one in the middle", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    const board = await page.locator(id("board")).boundingBox();
    const files = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => sampleFile(stage, "coffee", `${n}.jpg`)));
    await dropFiles(page, files, board.x + board.width / 2, board.y + board.height / 2);
    await cutOut(page, 6);
    const found = await centres(page);
    for (const [at, one] of found.entries()) {
      for (const other of found.slice(at + 1)) {
        const apart = Math.hypot(one.x - other.x, one.y - other.y);
        assert.ok(apart > 40, `${apart.toFixed(1)} px apart`);
      }
    }
    await page.locator(id("clear")).click();
    assert.equal(await page.locator(id("piece")).count(), 0);
    stage.gate.hook = (request) => request.url.endsWith("/infer");
    await page.locator(id("sample-coffee")).click();
    await page.waitForSelector(id("piece"));
    const [alone] = await centres(page);
    assert.ok(Math.abs(alone.x - board.x - board.width / 2) < 2, `${alone.x}`);
    assert.ok(Math.abs(alone.y - board.y - board.height / 2) < 0.1 * board.height, `${alone.y}`);
    complaints.check();
  });
});
