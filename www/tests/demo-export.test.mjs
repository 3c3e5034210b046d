// What leaves the board: files at the photograph's resolution, the clipboard, and what the brush has made of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { decode } from "fast-png";
import { cutOut, hideWebGPU, id, openDemo, sampleFile, statusIs } from "./support/demo.mjs";
import { compare, readMask, shownFigures } from "./support/masks.mjs";
import { Native } from "./support/native.mjs";
import { skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };

describe("what the demo saves", { skip: skip("demo-export") }, () => {
  let stage;
  before(async () => (stage = await openStage({ gate: true })));
  after(() => stage?.close());

  const open = (t, query, options) => openDemo(stage, t, query, options);
  const download = async (page, act) => {
    const [file] = await Promise.all([page.waitForEvent("download"), act()]);
    return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
  };
  /** One of the ways in the menu beside the save button. */
  const save = (page, way, menu = "save-menu") =>
    download(page, async () => {
      await page.locator(id(`${menu}-button`)).click();
      await page.locator(id(menu)).locator(`[data-saving="${way}"]`).click();
    });
  const alphaAt = (png, x, y) => png.data[(y * png.width + x) * 4 + 3];
  /** A PNG or JPEG that the page's canvas makes of a sample, with a transparent `hole` in it. */
  const made = async (page, sample, [width, height], type, hole) => {
    const base64 = await page.evaluate(
      async ({ sample, width, height, type, hole }) => {
        const bitmap = await createImageBitmap(await (await fetch(`/photos/${sample}.jpg`)).blob());
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext("2d");
        context.drawImage(bitmap, 0, 0, width, height);
        if (hole) context.clearRect(...hole);
        const bytes = new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        return btoa(text);
      },
      { sample, width, height, type, hole },
    );
    return { name: `${sample}.${type.slice(6)}`, mimeType: type, buffer: Buffer.from(base64, "base64") };
  };
  /** A page without the demo's policy, where pictures can be made. */
  const workshop = async (t) => {
    const context = await stage.browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`${stage.origin}/page/harness.html`);
    return page;
  };

  test("a cut-out is as large as its photograph, or trimmed, or a mask", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=256&photo=coffee");
    await cutOut(page);
    const whole = await download(page, () => page.locator(id("export-piece")).click());
    const trimmed = await save(page, "trimmed");
    const mask = await save(page, "mask");
    const [one, two, three] = [whole, trimmed, mask].map(({ bytes }) => decode(bytes));
    assert.deepEqual([one.width, one.height], [600, 400]);
    assert.deepEqual([three.width, three.height], [600, 400]);
    assert.ok(two.width < 600 && two.width > 100 && two.height <= 400, `${two.width}x${two.height}`);
    assert.deepEqual(
      [whole.name, trimmed.name, mask.name],
      ["coffee-cutout.png", "coffee-trimmed.png", "coffee-mask.png"],
    );
    // The mask is the alpha of the cut-out. Edges may be cleaned, which changes colours and not alpha.
    let apart = 0;
    for (let i = 0; i < three.data.length; i += three.channels) {
      apart = Math.max(apart, Math.abs(three.data[i] - one.data[(i / three.channels) * 4 + 3]));
    }
    assert.ok(apart <= 1, `${apart} levels apart`);
    complaints.check();
  });

  test("where the photograph is transparent the cut-out is too", TIMEOUT, async (t) => {
    const file = await made(await workshop(t), "coffee", [600, 400], "image/png", [250, 130, 60, 40]);
    const { page, complaints } = await open(t, "?split=remote&size=128");
    await page.locator(id("pick")).setInputFiles([file]);
    await cutOut(page);
    const { bytes } = await download(page, () => page.locator(id("export-piece")).click());
    const png = decode(bytes);
    let [clear, solid] = [0, 0];
    for (let y = 131; y < 169; y++) for (let x = 251; x < 309; x++) clear = Math.max(clear, alphaAt(png, x, y));
    for (let i = 3; i < png.data.length; i += 4) solid += png.data[i] > 200 ? 1 : 0;
    assert.equal(clear, 0, "the hole is filled");
    assert.ok(solid > 5000, `${solid} pixels of a subject`);
    complaints.check();
  });

  test("a panorama of 6000 pixels is saved with 6000 pixels", TIMEOUT, async (t) => {
    const file = await made(await workshop(t), "coffee", [6000, 1000], "image/jpeg");
    const { page, complaints } = await open(t, "?split=remote&size=128");
    await page.locator(id("pick")).setInputFiles([file]);
    await cutOut(page);
    const { bytes } = await download(page, () => page.locator(id("export-piece")).click());
    const { width, height } = decode(bytes);
    assert.deepEqual([width, height], [6000, 1000]);
    complaints.check();
  });

  test("a background of one's own is in the JPEG, and in the board", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=128&photo=coffee");
    await cutOut(page);
    await page.locator(id("own-colour")).fill("#d02040");
    const { name, bytes } = await save(page, "backdrop-jpeg");
    assert.equal(name, "coffee-background.jpg");
    const corner = (bytes) =>
      page.evaluate(async (base64) => {
        const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([data]));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        return [bitmap.width, bitmap.height, ...context.getImageData(2, 2, 1, 1).data];
      }, bytes.toString("base64"));
    const [width, height, ...pixel] = await corner(bytes);
    assert.deepEqual([width, height], [600, 400]);
    for (const [at, value] of [0xd0, 0x20, 0x40, 255].entries()) {
      assert.ok(Math.abs(pixel[at] - value) < 12, `${pixel}`);
    }
    const board = await save(page, "image/jpeg", "board-menu");
    assert.equal(board.name, "board.jpg");
    assert.ok(Math.abs((await corner(board.bytes))[2] - 0xd0) < 12);

    // A picture instead: it covers the board.
    await page.locator(id("own-picture")).setInputFiles([await sampleFile(stage, "rocket", "sky.jpg")]);
    await page.waitForSelector("#backdrop-picture:not([hidden])");
    const night = await corner((await save(page, "image/jpeg", "board-menu")).bytes);
    assert.ok(Math.max(...night.slice(2, 5)) < 0x90, `${night}`);
    complaints.check();
  });

  test("all cut-outs come in one ZIP, under names of their own", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64");
    const files = await Promise.all(["same.jpg", "same.jpg"].map((name) => sampleFile(stage, "coffee", name)));
    await page.locator(id("pick")).setInputFiles(files);
    await cutOut(page, 2);
    const { name, bytes } = await save(page, "zip", "board-menu");
    assert.equal(name, "cutouts.zip");
    // The central directory: a signature, and at fixed places the lengths and the name.
    const names = [];
    for (let at = bytes.indexOf("PK\x01\x02"); at >= 0; at = bytes.indexOf("PK\x01\x02", at + 4)) {
      names.push(bytes.subarray(at + 46, at + 46 + bytes.readUInt16LE(at + 28)).toString());
    }
    assert.deepEqual(names, ["same-cutout.png", "same-cutout-2.png"]);
    complaints.check();
  });

  test("the menus work in browsers that have no popovers", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee", {
      before: () => {
        for (const name of ["popover", "popoverTargetElement", "showPopover", "hidePopover", "togglePopover"]) {
          delete HTMLElement.prototype[name];
          delete HTMLButtonElement.prototype[name];
        }
        // Such browsers do not know the attributes either.
        addEventListener("DOMContentLoaded", () => {
          for (const menu of document.querySelectorAll("[popover]")) menu.removeAttribute("popover");
          for (const button of document.querySelectorAll("[popovertarget]")) button.removeAttribute("popovertarget");
        });
      },
    });
    await cutOut(page);
    assert.equal(await page.locator(id("save-menu")).isVisible(), false);
    const { name } = await save(page, "trimmed");
    assert.equal(name, "coffee-trimmed.png");
    assert.equal(await page.locator(id("save-menu")).isVisible(), false);
    complaints.check();
  });

  test("Ctrl+C copies the cut-out as a picture", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=64&photo=coffee", {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await cutOut(page);
    await page.keyboard.press("Control+c");
    await page.waitForFunction(() => /was copied/.test(document.querySelector(".status-note").textContent));
    const size = await page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const { width, height } = await createImageBitmap(await item.getType("image/png"));
      return [width, height];
    });
    assert.deepEqual(size, [600, 400]);
    complaints.check();
  });

  test("the brush erases and restores, by pointer and by keys, and is undone", TIMEOUT, async (t) => {
    const { page, complaints } = await open(t, "?split=remote&size=128&photo=coffee");
    await cutOut(page);
    const saved = async () => decode((await download(page, () => page.locator(id("export-piece")).click())).bytes);
    const before = await saved();
    // The middle of the photograph is the cup's rim and coffee: all of it the subject's.
    const middle = (png) => alphaAt(png, 300, 200);
    assert.ok(middle(before) > 100, `${middle(before)}`);

    await page.locator(id("brush")).click();
    const canvas = page.locator("canvas.piece-brush");
    await canvas.waitFor();
    const box = await canvas.boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(0.4, 0.5));
    await page.mouse.down();
    await page.mouse.move(...at(0.6, 0.5), { steps: 6 });
    await page.mouse.up();
    const erased = await saved();
    assert.equal(middle(erased), 0, "erased");
    assert.equal(alphaAt(erased, 300, 120), alphaAt(before, 300, 120), "elsewhere nothing changed");

    await page.keyboard.press("Control+z");
    assert.deepEqual((await saved()).data, before.data);

    // In the corner, by keys: it is background, and restored it is there.
    assert.equal(alphaAt(before, 3, 3) < 60, true);
    await page.locator(id("piece")).focus();
    await page.keyboard.press("x");
    for (let press = 0; press < 60; press++) await page.keyboard.press("Shift+ArrowLeft");
    for (let press = 0; press < 60; press++) await page.keyboard.press("Shift+ArrowUp");
    await page.keyboard.press("Space");
    await page.keyboard.press("Escape");
    assert.equal(await canvas.count(), 0);
    const restored = await saved();
    assert.ok(alphaAt(restored, 3, 3) > 240, `${alphaAt(restored, 3, 3)}`);
    complaints.check();
  });

  test("the first cut-out without a GPU is as sharp as the model's own size gives", { timeout: 420_000 }, async (t) => {
    const { page, complaints } = await open(t, "?photo=coffee", { gate: hideWebGPU });
    await page.waitForSelector(`${id("piece")}[data-state="cut"]`, { timeout: 240_000 });
    assert.deepEqual(JSON.parse(await page.locator(id("report")).textContent()).size, [1024, 1024]);
    await statusIs(page, "done", "idle");
    const { data, width, height, channels } = decode((await save(page, "mask")).bytes);
    const values = Float64Array.from({ length: width * height }, (_, i) => data[i * channels] / 255);
    const native = new Native();
    t.after(() => native.close());
    const { mask } = await native.segment("coffee", { split: "local", size: 1024 });
    const figures = compare({ width, height, values }, readMask(mask, 255));
    console.log(`first cut-out without a GPU: ${shownFigures(figures)}`);
    assert.ok(figures.iou >= 0.98, shownFigures(figures));
    complaints.check();
  });
});
