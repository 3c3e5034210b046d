// The board as a visitor uses it: keys, undo, focus, what is said.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST } from "./support/browser.mjs";
import { cutOut, id, openDemo, PHONE, sampleFile, statusIs } from "./support/demo.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };
/** What the page writes to the console on purpose. */
const CAUGHT = /HeadwaterError|cannot be reached|no-adapter/;

/** Sends a request on that was held back. */
async function forward(gate, request, response, { body }) {
  const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
  const answer = await fetch(new URL(request.url, gate.target), { method: request.method, headers, body });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { "content-encoding": ____, ...answered } = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, { ...answered, "content-length": bytes.length }).end(bytes);
}

describe("the demo's board", { skip: skip("demo-board") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  const open = (t, query, options) => openDemo(stage, t, query, options);

  test("keys work wherever the focus is, and everything can be undone", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    const sample = page.locator(id("sample-coffee"));
    await sample.click();
    await cutOut(page);
    await sample.focus();
    const piece = page.locator(id("piece"));
    const box = () => piece.boundingBox();
    const start = await box();
    await page.keyboard.press("ArrowRight");
    assert.ok((await box()).x > start.x, "the focus is on a sample");
    await page.keyboard.press("Control+z");
    assert.deepEqual(await box(), start);
    await page.keyboard.press("Control+Shift+Z");
    assert.ok((await box()).x > start.x, "done again");
    await page.locator(id("undo")).click();
    assert.deepEqual(await box(), start);

    // Sideways, and back by a mirror and three more quarters.
    await page.keyboard.press("r");
    const turned = await box();
    assert.ok(Math.abs(turned.width - start.height) < 1 && Math.abs(turned.height - start.width) < 1, "turned");
    for (const key of ["r", "r", "r"]) await page.keyboard.press(key);
    assert.ok(Math.abs((await box()).width - start.width) < 1, "turned around");

    await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
    await page.mouse.down();
    await page.mouse.move(start.x + start.width / 2 + 50, start.y + start.height / 2 + 20, { steps: 5 });
    await page.mouse.up();
    assert.ok((await box()).x > start.x + 45);
    await page.keyboard.press("Control+z");
    assert.ok(Math.abs((await box()).x - start.x) < 1, "a drag is one step");

    await page.locator(id("tools")).locator('[data-tool="remove"]').click();
    assert.equal(await piece.count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), "board", "the focus went to the board");
    await page.keyboard.press("Control+z");
    assert.equal(await piece.count(), 1);
    assert.equal(await piece.getAttribute("data-state"), "cut");
    await page.waitForSelector(`${id("piece")}[data-cut] canvas.piece-cut`);
    await page.locator(id("clear")).click();
    assert.equal(await piece.count(), 0);
    await page.locator(id("undo")).click();
    assert.equal(await piece.count(), 1);

    // Keys that are typed belong to where they are typed.
    await page.locator(id("size")).focus();
    await page.keyboard.press("Delete");
    assert.equal(await piece.count(), 1);
    complaints.check();
  });

  test("a move that was made before the cut-out came is undone to where it was", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=256");
    const held = [];
    stage.gate.hook = (request, response, record) => {
      if (!request.url.endsWith("/infer")) return false;
      held.push(() => forward(stage.gate, request, response, record));
      return true;
    };
    await page.locator(id("sample-coffee")).click();
    const piece = page.locator(id("piece"));
    await piece.waitFor();
    const photo = await piece.boundingBox();
    await page.keyboard.press("Shift+ArrowDown");
    await page.keyboard.press("Shift+ArrowLeft");
    const moved = await piece.boundingBox();
    while (held.length === 0) await page.waitForTimeout(50);
    for (const go of held) await go();
    await cutOut(page);
    const cut = await piece.boundingBox();
    await page.keyboard.press("Control+z");
    const undone = await piece.boundingBox();
    for (const side of ["x", "y"]) {
      const [expected, found] = [moved[side] - photo[side], cut[side] - undone[side]];
      assert.ok(Math.abs(expected - found) < 1, `${side}: moved by ${expected}, undone by ${found}`);
    }
    complaints.check();
  });

  test("cutting out again is undone, and no button that goes drops the focus", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee");
    await cutOut(page);
    const size = async () => JSON.parse(await page.locator(id("report")).textContent()).size[0];
    const focused = () => page.evaluate(() => document.activeElement.dataset.testid ?? document.activeElement.id);
    await page.locator(id("size")).selectOption("256");
    await page.locator(id("tools")).locator('[data-tool="again"]').focus();
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "piece", "while it works the tool cannot be pressed");
    await page.waitForFunction(
      (selector) => JSON.parse(document.querySelector(selector).textContent).size[0] === 256,
      id("report"),
    );
    await page.locator(id("undo")).focus();
    await page.keyboard.press("Enter");
    assert.equal(await size(), 64);
    assert.equal(await focused(), "redo", "nothing more can be undone");
    await page.keyboard.press("Enter");
    assert.equal(await size(), 256);
    assert.equal(await focused(), "undo");

    stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (response.destroy(), true);
    await page.keyboard.press("Escape");
    await page.locator(id("piece")).focus();
    await page.keyboard.press("Enter");
    await statusIs(page, "error");
    await page.locator(id("status")).locator(id("dismiss")).focus();
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "piece", "dismissing");
    complaints.check(FAILED_REQUEST, CAUGHT);
  });

  test("what moves and scales is said, and the tools come after the piece and name it", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee");
    await cutOut(page);
    const spoken = (expected) =>
      page.waitForFunction(
        (source) => new RegExp(source).test(document.querySelector("#spoken").textContent),
        expected,
      );
    await page.locator(id("piece")).focus();
    for (let press = 0; press < 3; press++) await page.keyboard.press("ArrowRight");
    await spoken("^coffee\\.jpg: \\d+% from the left, \\d+% from the top$");
    await page.keyboard.press("+");
    await spoken("^coffee\\.jpg: \\d+% of the board$");
    await page.keyboard.press("f");
    await spoken("coffee\\.jpg mirrored");
    await page.keyboard.press("Control+z");
    await spoken("Undone: ");

    assert.equal(await page.locator(id("tools")).getAttribute("aria-label"), "Tools for coffee.jpg");
    const reached = [];
    for (let press = 0; press < 12; press++) {
      await page.keyboard.press("Tab");
      reached.push(await page.evaluate(() => document.activeElement.closest("#tools") !== null));
    }
    assert.ok(reached.includes(true), "Tab leads from the piece to its tools");
    complaints.check();
  });

  test("the photograph is seen while B is held", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee");
    await page.waitForSelector(`${id("piece")}[data-cut]`);
    // Its pixels are given back once they are no longer seen.
    await page.waitForSelector("canvas.piece-photo", { state: "detached" });
    await page.locator(id("piece")).focus();
    await page.keyboard.down("b");
    await page.waitForSelector(`${id("piece")}:not([data-cut]) canvas.piece-photo`);
    assert.equal(await page.locator(id("before")).getAttribute("aria-pressed"), "true");
    await page.keyboard.up("b");
    await page.waitForSelector(`${id("piece")}[data-cut]`);
    complaints.check();
  });

  test("on a phone a camera's long file name leaves Cancel and Dismiss in reach", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64", { viewport: PHONE });
    const held = [];
    stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (held.push(response), true);
    const name = "PXL_20260101_123456789.MP.PORTRAIT-01.COVER_and_more_without_a_space.jpg";
    await page.locator(id("pick")).setInputFiles([await sampleFile(stage, "coffee", name)]);
    const status = page.locator(id("status"));
    const inReach = async (button) => {
      await status.locator(id(button)).waitFor();
      const [pill, inside] = [await status.boundingBox(), await status.locator(id(button)).boundingBox()];
      assert.ok(inside.x >= pill.x && inside.x + inside.width <= pill.x + pill.width, `${button} is outside its pill`);
      assert.ok(pill.x >= 0 && pill.x + pill.width <= PHONE.width, "the pill is outside the screen");
    };
    await inReach("cancel");
    stage.gate.hook = (request, response) => request.url.endsWith("/infer") && (response.destroy(), true);
    for (const response of held) response.destroy();
    await statusIs(page, "error");
    await inReach("dismiss");
    complaints.check(FAILED_REQUEST, CAUGHT);
  });

  test("leaving a board with pieces is asked about", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    const leaving = () => page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
    assert.equal(await leaving(), false, "an empty board");
    await page.locator(id("sample-coffee")).click();
    await cutOut(page);
    assert.equal(await leaving(), true);
    complaints.check();
  });
});
