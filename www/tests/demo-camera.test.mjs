// The camera on the demo's board, with the picture that Chromium makes up for tests.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { id, openDemo } from "./support/demo.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

describe("the demo's camera", { skip: skip("demo-camera") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true, flags: FLAGS })));
  after(() => stage?.close());

  test("is a live piece; a frame of it is kept, and it ends when it is stopped", { timeout: 120_000 }, async (t) => {
    const { page, complaints } = await openDemo(stage, t, "?split=remote&size=64", { permissions: ["camera"] });
    const posts = () => stage.gate.requests.filter(({ path }) => path.endsWith("/infer")).length;
    const tool = (name) => page.locator(id("tools")).locator(`[data-tool="${name}"]`);
    await page.locator("#camera").click();
    await page.waitForSelector(`${id("piece")}[data-state="live"] canvas.piece-live`);
    const first = posts();
    await page.waitForFunction(() => document.querySelector("#camera").getAttribute("aria-pressed") === "true");
    while (posts() < first + 2) await page.waitForTimeout(50);
    assert.equal(await tool("export").isVisible(), false, "a live piece cannot be saved");

    await tool("keep").click();
    await page.waitForSelector(`${id("piece")}:not([data-state="live"]) canvas`);
    assert.equal(await page.locator(id("piece")).count(), 1);
    assert.match(await page.locator(id("piece")).getAttribute("aria-label"), /^camera\.png: /);
    assert.equal(await page.locator("#camera").getAttribute("aria-pressed"), "false");

    await page.locator("#camera").click();
    await page.waitForSelector(`${id("piece")}[data-state="live"] canvas.piece-live`);
    await tool("stop").click();
    await page.waitForTimeout(300);
    assert.equal(await page.locator(id("piece")).count(), 1, "the live piece goes, the kept one stays");
    const ended = posts();
    await page.waitForTimeout(1500);
    assert.equal(posts(), ended, "frames are posted after the end");
    complaints.check();
  });
});
