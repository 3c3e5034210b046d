// The page around the board: what it says, how it looks to those who see little or use fingers.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import { visit } from "./support/browser.mjs";
import { hideWebGPU, ready } from "./support/demo.mjs";
import { DEMO, skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };
/** Pictures for people to look at; git does not keep them. */
const ARTEFACTS = fileURLToPath(new URL("artefacts", import.meta.url));
const DESKTOP = { width: 1280, height: 900 };
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const id = (name) => `[data-testid="${name}"]`;

describe("the page around the board", { skip: skip("page") }, () => {
  let stage;
  before(async () => {
    mkdirSync(ARTEFACTS, { recursive: true });
    stage = await openStage({ gate: true });
  });
  after(() => stage?.close());

  const open = async (t, query = "", { before, ...options } = {}) => {
    const settings = { viewport: DESKTOP, serviceWorkers: "block", ...options };
    const context = await stage.browser.newContext(settings);
    t.after(() => context.close());
    const opened = await visit(context, "about:blank", {
      before: () => addEventListener("securitypolicyviolation", (event) => console.error(event.violatedDirective)),
    });
    if (before) await opened.page.addInitScript(before);
    await opened.page.goto(`${stage.origin}/${query}`);
    return opened;
  };
  const cut = (page, count = 1) =>
    page.waitForFunction(
      ([selector, count]) => document.querySelectorAll(selector).length === count,
      [`${id("piece")}[data-state="cut"]`, count],
      { timeout: 150_000 },
    );
  const textOf = async (page, name) => (await page.locator(id(name)).textContent()).replaceAll("\u00a0", " ");
  const screenshot = async (page, name) => {
    await page.waitForTimeout(1200);
    await page.screenshot({ path: join(ARTEFACTS, `page-${name}.png`) });
  };
  const overflow = (page) =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  test("in high contrast every control is seen, and which one is chosen", TIMEOUT, async (t) => {
    for (const colorScheme of ["light", "dark"]) {
      const { page, complaints } = await open(t, "?split=U3&size=64&photo=coffee", {
        forcedColors: "active",
        colorScheme,
      });
      await cut(page);
      const found = await page.evaluate(() => {
        const style = (selector) => getComputedStyle(document.querySelector(selector));
        const swatches = [...document.querySelectorAll(".swatch:not(.checker, .own-picture)")].map((swatch) =>
          getComputedStyle(swatch),
        );
        return {
          arrows: [...document.querySelectorAll("select")].map((select) => getComputedStyle(select).appearance),
          swatches: swatches.map(({ backgroundImage, borderStyle }) => `${borderStyle} ${backgroundImage}`),
          chosen: [
            style(".backdrops :checked + .swatch").outlineStyle,
            style(".backdrops :not(:checked) + .swatch").outlineStyle,
          ],
          tools: [style(".tools").borderStyle, style(".tools").backgroundColor],
          icons: style(".tools .icon").borderStyle,
          fills: [style(".bar-fill").backgroundColor, style(".bar-track").backgroundColor],
          parts: [
            style(".stack .water").backgroundColor,
            style(".stack .clay").backgroundColor,
            style("body").backgroundColor,
          ],
          dots: style(".dot.clay").backgroundColor,
          pieces: style(".piece[data-selected]").outlineStyle,
        };
      });
      assert.ok(
        found.arrows.every((appearance) => appearance !== "none"),
        `${found.arrows}`,
      );
      assert.equal(new Set(found.swatches).size, found.swatches.length, "each swatch has its own colour");
      assert.ok(
        found.swatches.every((swatch) => swatch.startsWith("solid linear-gradient")),
        `${found.swatches}`,
      );
      assert.deepEqual(found.chosen, ["solid", "none"], "the chosen swatch");
      assert.equal(found.tools[0], "solid");
      assert.match(found.tools[1], /^rgb\(/, "the toolbar's ground is opaque");
      assert.equal(found.icons, "solid");
      assert.notEqual(found.fills[0], found.fills[1], "bars");
      assert.equal(new Set(found.parts).size, 3, `${found.parts}`);
      assert.equal(found.dots, found.parts[1], "a dot has the colour of its part");
      await screenshot(page, `contrast-${colorScheme}`);
      await page.locator(id("open-compare")).click();
      const [on, off] = await page.evaluate(() =>
        [":checked", ":not(:checked)"].map(
          (state) => getComputedStyle(document.querySelector(`.segments ${state} + span`)).backgroundColor,
        ),
      );
      assert.notEqual(on, off, "what compare shows");
      await screenshot(page, `contrast-${colorScheme}-compare`);
      complaints.check();
    }
  });

  test(
    "zoomed to 400%, and on a phone that lies on its side, the board is there and its bars leave it free",
    TIMEOUT,
    async (t) => {
      for (const [name, viewport] of [
        ["zoom", { width: 320, height: 256 }],
        ["landscape", { width: 740, height: 360 }],
      ]) {
        const { page, complaints } = await open(t, "?split=remote&size=128&photo=coffee", { viewport });
        await cut(page);
        assert.ok((await overflow(page)) <= 0, `${name}: ${await overflow(page)} px too wide`);
        const board = await page.locator(id("board")).boundingBox();
        assert.ok(board.height >= 300, `${name}: the board is ${board.height} px high`);
        await page.waitForFunction(
          (selector) => getComputedStyle(document.querySelector(selector)).opacity === "0",
          id("status"),
        );
        const [tools, backdrops] = await Promise.all(
          ["tools", "backdrops"].map((bar) => page.locator(id(bar)).boundingBox()),
        );
        assert.ok(tools.y >= board.y + board.height, `${name}: the tools lie on the board`);
        const covered = backdrops.height;
        assert.ok(covered < board.height * 0.35, `${name}: bars cover ${covered} of ${board.height} px`);
        const piece = await page.locator(id("piece")).boundingBox();
        assert.ok(Math.max(piece.width, piece.height) > 120, `${name}: the piece is ${piece.width} x ${piece.height}`);
        await screenshot(page, name);

        await page.locator(id("open-compare")).evaluate((button) => button.click());
        const [dialog, title, close] = await Promise.all(
          [id("compare"), "#compare-title", "#compare-close"].map((selector) => page.locator(selector).boundingBox()),
        );
        for (const part of [title, close]) {
          assert.ok(
            part.y >= dialog.y && part.y + part.height <= dialog.y + dialog.height,
            `${name}: compare opens scrolled`,
          );
        }
        await screenshot(page, `${name}-compare`);
        complaints.check();
      }
    },
  );

  test("nothing is cut off at any width, nor with text of twice the size", TIMEOUT, async (t) => {
    const { page } = await open(t, "?split=U3");
    await ready(page);
    for (const scale of [1, 2]) {
      await page.evaluate((scale) => (document.documentElement.style.fontSize = `${scale * 100}%`), scale);
      for (const width of [320, 360, 390, 540, 720, 800, 991, 992, 1280]) {
        if (scale === 2 && width < 390) continue;
        await page.setViewportSize({ width, height: 800 });
        await page.waitForTimeout(50);
        assert.ok((await overflow(page)) <= 0, `${width} px, text ${scale}: ${await overflow(page)} px too wide`);
        const cutOff = await page.evaluate(() =>
          [...document.querySelectorAll(".panel select")].flatMap((select) => {
            const style = getComputedStyle(select);
            const context = document.createElement("canvas").getContext("2d");
            context.font = style.font;
            const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
            return [...select.options]
              .filter(({ text }) => context.measureText(text).width > room)
              .map(({ text }) => `${text} (${room} px)`);
          }),
        );
        if (scale === 1) assert.deepEqual(cutOff, [], `${width} px`);
        const header = await page.evaluate(() =>
          [...document.querySelectorAll("header > *")]
            .map((part) => part.getBoundingClientRect())
            .filter(({ width }) => width > 0)
            .every(
              ({ left, right, top, bottom }) =>
                left >= 8 &&
                right <= innerWidth - 8 &&
                top >= 2 &&
                bottom <= document.querySelector("header").getBoundingClientRect().bottom - 2,
            ),
        );
        assert.ok(header, `${width} px, text ${scale}: the header's parts touch its edges`);
      }
    }
  });

  test("without WebGPU the page says so once, in whole sentences", TIMEOUT, async (t) => {
    hideWebGPU(stage.gate);
    t.after(() => stage.gate.reset());
    const { page, complaints } = await open(t, "?size=64&photo=coffee", {
      before: () => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }),
    });
    await cut(page);
    const notice = await textOf(page, "adapter");
    assert.match(notice, /^No WebGPU here\. This browser does not offer it.*\. Photographs can still be cut out.*\.$/);
    const panel = await page.locator(".panel").innerText();
    assert.doesNotMatch(panel, /Vulkan|DirectX|not as asked/i);
    assert.equal(panel.match(/No WebGPU/g)?.length, 1, "once");
    assert.match(await textOf(page, "reasons"), /^“auto” chose the split “remote” because .*\.$/);
    assert.equal(await page.locator(id("report-fallback")).count(), 0, "auto did what it was asked for");
    complaints.check();
  });

  test("the codec can be chosen only where something is packed by it", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3");
    await ready(page);
    for (const [split, disabled] of [
      ["U3", false],
      ["local", true],
      ["remote", true],
      ["auto", false],
    ]) {
      await page.locator(id("split")).selectOption(split);
      assert.equal(await page.locator(id("codec")).isDisabled(), disabled, split);
    }
    assert.doesNotMatch(await page.locator(".panel").innerText(), /GFLOP|swiftshader:|isnet/);
    complaints.check();
  });

  test(
    "only sizes that the net runs at can be chosen, and a link's other sizes are corrected with a word",
    TIMEOUT,
    async (t) => {
      const { page, complaints } = await open(t, "?split=remote&size=333&photo=coffee");
      await cut(page);
      const size = Number(await page.locator(id("size")).inputValue());
      assert.ok(size % 32 === 0 && Math.abs(size - 333) <= 32, `${size}`);
      assert.match(await textOf(page, "size-note"), new RegExp(`333 px.*multiples of \\d+ px.*${size} px is chosen`));
      assert.match(page.url(), new RegExp(`size=${size}\\b`));
      assert.doesNotMatch(await page.locator(id("size")).innerText(), /333/);
      assert.match(await textOf(page, "report-size"), new RegExp(`^${size} × ${size} px$`));
      await page.locator(id("split")).selectOption("local");
      assert.doesNotMatch(await textOf(page, "size-note"), /333/, "it is said until something is chosen");
      complaints.check();
    },
  );

  test("a run keeps its verdict whatever else was run, and arrows say what words say", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=128&photo=coffee");
    await cut(page);
    await page.waitForFunction(
      (selector) => /remote/.test(document.querySelector(selector)?.textContent),
      id("verdict"),
    );
    const before = await textOf(page, "verdict");
    const estimate = Number(await page.locator(id("posting")).getAttribute("data-value"));
    const strip = await page.locator(`${id("strip")} .strip-crossing`).allTextContents();
    const [up, down] = [await textOf(page, "report-up_bytes"), await textOf(page, "report-down_bytes")];
    assert.deepEqual(
      strip.map((text) => text.replaceAll("\u00a0", " ")),
      [`↑ ${up}`, `↓ ${down}`],
    );
    const [server, browser] = await Promise.all(
      [".strip-bank.server", ".strip-bank.client"].map((bank) => page.locator(`${id("strip")} ${bank}`).boundingBox()),
    );
    assert.ok(server.y < browser.y, "up is where the server is");

    await page.locator(id("split")).selectOption("remote");
    assert.match(await textOf(page, "plan"), /Planned, not run yet/);
    assert.doesNotMatch(await page.locator(".where").innerText(), /Planned/, "a run and a plan are kept apart");
    assert.equal(await page.locator(id("report-split")).getAttribute("data-value"), "U3");
    await page.locator(id("again")).click();
    await page.waitForFunction(
      (selector) => document.querySelector(selector)?.dataset.value === "remote",
      id("report-split"),
    );
    const posted = Number(await page.locator(id("report-up_bytes")).getAttribute("data-value"));
    assert.ok(Math.abs(posted / estimate - 1) < 0.05, `${estimate} bytes were expected, ${posted} posted`);

    await page.locator(id("split")).selectOption("U3");
    await page.locator(id("again")).click();
    await page.waitForFunction(
      (selector) => document.querySelector(selector)?.dataset.value === "U3",
      id("report-split"),
    );
    const digits = (text) => text.match(/[\d.]+ times as large|[\d.]+ times smaller|about as large/g);
    assert.deepEqual(digits(await textOf(page, "verdict")), digits(before));
    complaints.check();
  });

  test("a large file's posting is known before it is posted", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=64");
    await ready(page);
    const file = await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1600, height: 1200 });
      const context = canvas.getContext("2d");
      for (let at = 0; at < 4000; at++) {
        context.fillStyle = `hsl(${at * 47} 70% ${20 + (at % 60)}%)`;
        context.fillRect((at * 131) % 1600, (at * 71) % 1200, 90, 40);
      }
      const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
      const wide = new Uint8Array(Math.max(blob.size, 700_000));
      wide.set(new Uint8Array(await blob.arrayBuffer())); // what follows a PNG's end is ignored
      return [...wide];
    });
    await page
      .locator(id("pick"))
      .setInputFiles([{ name: "large.png", mimeType: "image/png", buffer: Buffer.from(file) }]);
    await page.waitForFunction(
      (selector) => Number(document.querySelector(selector)?.dataset.value) > 0,
      id("posting"),
    );
    const estimate = Number(await page.locator(id("posting")).getAttribute("data-value"));
    assert.equal(Number(await page.locator(id("file-bytes")).getAttribute("data-value")), file.length);
    assert.ok(estimate < file.length / 10, `${estimate}`);
    await page.locator(id("split")).selectOption("remote");
    await page.locator(id("again")).click();
    await page.waitForFunction(
      (selector) => document.querySelector(selector)?.dataset.value === "remote",
      id("report-split"),
    );
    const posted = Number(await page.locator(id("report-up_bytes")).getAttribute("data-value"));
    assert.ok(Math.abs(posted - estimate) < 0.05 * posted + 400, `${estimate} bytes were expected, ${posted} posted`);
    complaints.check();
  });

  test("a cut that the model does not name is drawn where it ran", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=P60&size=64&photo=coffee");
    await cut(page);
    const blocks = (side) => page.locator(`${id("strip")} .strip-block.${side}`).count();
    assert.ok((await blocks("client")) > 0 && (await blocks("server")) > 0);
    const report = JSON.parse(await page.locator(id("report")).textContent());
    assert.ok(report.server_macs > 0);
    assert.equal(await page.locator(`${id("strip")} .strip-crossing`).count(), 2);
    await page.locator(id("open-compare")).click();
    assert.match(await textOf(page, "compare-right-facts"), /^P60.*up/s);
    complaints.check();
  });

  test("compare goes on after a cancel, and says where masks agree", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=64&photo=coffee");
    await cut(page);
    await page.locator(id("open-compare")).click();
    stage.gate.hook = (request) => request.url.endsWith("/infer"); // it gets no answer
    t.after(() => stage.gate.reset());
    await page.locator(id("compare-left")).selectOption("remote");
    await page.locator(`${id("compare-status")} ${id("cancel")}`).click();
    await page.locator(id("compare-retry")).waitFor();
    assert.match(await textOf(page, "compare-words"), /The left side, “remote”, was cancelled/);
    assert.match(await textOf(page, "compare-left-facts"), /^remotenot computed$/);
    assert.match(await textOf(page, "compare-right-facts"), /^U3.*up/s, "the other side is still there");
    assert.equal(await page.locator("#compare-left-picture canvas").count(), 0, "nothing else stands in for it");
    await screenshot(page, "compare-cancelled");

    stage.gate.reset();
    await page.locator(id("compare-retry")).click();
    const agreed = () =>
      page.waitForFunction((selector) => document.querySelector(selector).dataset.iou, id("compare-words"));
    await agreed();
    assert.equal(await page.locator(id("compare-retry")).isVisible(), false);
    assert.doesNotMatch(await textOf(page, "compare-words"), /agree in every pixel/);

    // One run on both sides: the picture of their differences is black, and says why.
    await page.locator(id("compare-right")).selectOption("remote");
    await page.waitForFunction(
      (selector) => document.querySelector(selector).dataset.largest === "0",
      id("compare-words"),
    );
    await page.locator("input[name=compare-view][value=difference]").check({ force: true });
    await page.locator(".compare-agree").waitFor();
    assert.match(await textOf(page, "compare-words"), /agree in every pixel/);
    await screenshot(page, "compare-agree");
    complaints.check();
  });

  test("another side is computed once: going back and forth loads nothing again", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=U3&size=64&photo=coffee");
    await cut(page);
    const choose = async (split) => {
      await page.locator(id("split")).selectOption(split);
      await page.locator(id("again")).click();
      await page.waitForFunction(
        ([selector, split]) => document.querySelector(selector)?.dataset.value === split,
        [id("report-split"), split],
      );
      return JSON.parse(await page.locator(id("report")).textContent());
    };
    await choose("remote");
    const { setup_millis: setup } = await choose("U3");
    stage.gate.reset();
    await choose("remote");
    const again = await choose("U3");
    assert.equal(again.setup_millis, setup, "the same segmenter, which was set up once");
    assert.equal(stage.gate.sent("/models/"), 0, "nothing of the model was fetched");
    complaints.check();
  });

  test("without scripts the page says what it needs", TIMEOUT, async (t) => {
    const { page } = await open(t, "", { javaScriptEnabled: false });
    assert.ok(await page.locator(".noscript").isVisible());
    assert.match(await page.locator(".noscript").textContent(), /needs JavaScript/);
    assert.equal(await page.locator("select").first().isVisible(), false, "no empty controls");
  });

  test("browsers without light-dark() get colours, light and dark", TIMEOUT, async (t) => {
    const style = readFileSync(join(DEMO, "style.css"), "utf8");
    assert.doesNotMatch(style, /light-dark\(/);
    for (const colorScheme of ["light", "dark"]) {
      const { page } = await open(t, "", { colorScheme });
      const grounds = async () =>
        page.evaluate(() =>
          [document.documentElement, document.querySelector(".panel")].map(
            (part) => getComputedStyle(part).backgroundColor,
          ),
        );
      const [first, panel] = await grounds();
      assert.equal(first, colorScheme === "light" ? "rgb(244, 241, 234)" : "rgb(16, 24, 27)");
      assert.notEqual(first, panel);
      await page.locator("#theme").click();
      assert.equal((await grounds())[0], colorScheme === "light" ? "rgb(16, 24, 27)" : "rgb(244, 241, 234)");
    }
  });

  test(
    "axe finds nothing serious, in light and dark, before and after a photograph, and in compare",
    TIMEOUT,
    async (t) => {
      const inspect = async (page, where) => {
        const violations = await page.evaluate(async () => {
          const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
          return violations.map(({ id, impact, nodes }) => ({
            id,
            impact,
            nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 120)} ${failureSummary}`),
          }));
        });
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        for (const { id, impact } of violations) t.diagnostic(`${where}: ${id} (${impact})`);
        assert.deepEqual(serious, [], where);
      };
      for (const colorScheme of ["light", "dark"]) {
        const { page } = await open(t, "?split=U3&size=64", { colorScheme, reducedMotion: "reduce", before: AXE });
        await ready(page);
        await inspect(page, `${colorScheme}, empty`);
        await page.locator(id("sample-coffee")).click();
        await cut(page);
        await page.waitForTimeout(1500);
        await inspect(page, `${colorScheme}, with a piece`);
        await page.locator(id("save-menu-button")).click();
        await inspect(page, `${colorScheme}, a menu`);
        await page.keyboard.press("Escape");
        await page.locator(id("brush")).click();
        await inspect(page, `${colorScheme}, the brush`);
        await page.locator(id("brush-done")).click();
        await page.locator(id("split")).selectOption("remote");
        await page.locator("details.parts summary").first().click();
        await inspect(page, `${colorScheme}, with a plan beside the run`);
        await page.locator(id("open-compare")).click();
        await page.waitForTimeout(500);
        await inspect(page, `${colorScheme}, compare`);
      }
    },
  );

  test("controls are told apart from their ground, and fingers can meet them", TIMEOUT, async (t) => {
    for (const colorScheme of ["light", "dark"]) {
      const { page } = await open(t, "?split=remote&size=64&photo=coffee", {
        colorScheme,
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
      });
      await cut(page);
      const found = await page.evaluate(() => {
        const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
        const luminance = ([r, g, b]) => {
          const linear = [r, g, b].map(
            (value) => (value /= 255) && (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4),
          );
          return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        };
        const contrast = (a, b) => {
          const [light, dark] = [luminance(channels(a)), luminance(channels(b))].sort((x, y) => y - x);
          return (light + 0.05) / (dark + 0.05);
        };
        const surface = getComputedStyle(document.querySelector(".panel")).backgroundColor;
        const rings = [...document.querySelectorAll("select, .tray-actions .button")].map((control) => [
          control.id || control.textContent.trim(),
          contrast(getComputedStyle(control).borderTopColor, surface),
        ]);
        const small = [...document.querySelectorAll("button, select, .backdrops label, label.button")]
          .map((control) => [control.outerHTML.slice(0, 80), control.getBoundingClientRect()])
          .filter(([, { width, height }]) => width > 0 && (width < 39.5 || height < 39.5))
          .map(([html, { width, height }]) => `${html} ${width}x${height}`);
        return { rings, small, edge: getComputedStyle(document.querySelector(".swatch")).boxShadow };
      });
      for (const [control, contrast] of found.rings) assert.ok(contrast >= 3, `${colorScheme} ${control}: ${contrast}`);
      assert.deepEqual(found.small, [], "smaller than 40 px");
      assert.notEqual(found.edge, "none");
    }
  });
});
