// What the page costs to fetch, and what it does without its server.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, test } from "node:test";
import { FAILED_REQUEST } from "./support/browser.mjs";
import { cutOut, id, openDemo, ready } from "./support/demo.mjs";
import { DEMO, skip } from "./support/needs.mjs";
import { openStage } from "./support/stage.mjs";

const TIMEOUT = { timeout: 180_000 };
/** Pictures for people to look at; git does not keep them. */
const ARTEFACTS = fileURLToPath(new URL("artefacts", import.meta.url));

describe("the page and its server", { skip: skip("page-offline") }, () => {
  let stage;
  before(async () => {
    mkdirSync(ARTEFACTS, { recursive: true });
    stage = await openStage({ gate: true });
  });
  after(() => stage?.close());

  const open = (t, query) => openDemo(stage, t, query);

  test("assets come compressed, and Wasm as Wasm", TIMEOUT, async (t) => {
    for (const [path, type] of [
      ["headwater_bg.wasm", "application/wasm"],
      ["main.js", "text/javascript"],
      ["style.css", "text/css"],
      ["manifest.webmanifest", "application/manifest+json"],
      ["", "text/html"],
    ]) {
      for (const encoding of ["br", "gzip"]) {
        const answer = await fetch(`${stage.server.origin}/${path}`, { headers: { "accept-encoding": encoding } });
        assert.equal(answer.headers.get("content-encoding"), encoding, path);
        assert.equal(answer.headers.get("content-type"), type, path);
        assert.match(answer.headers.get("vary") ?? "", /accept-encoding/i, path);
        assert.ok((await answer.arrayBuffer()).byteLength > 0, path);
      }
    }
  });

  test("a first visit is small, and a second is next to nothing", TIMEOUT, async (t) => {
    stage.gate.reset();
    t.after(() => stage.gate.reset());
    const { page, complaints } = await open(t, "?split=U3&size=64&photo=coffee");
    await cutOut(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const count = () => {
      const sizes = {};
      // What crosses for a picture is no part of the visit.
      for (const { path, sent } of stage.gate.requests.filter(({ path }) => !path.endsWith("/infer"))) {
        const kind = /^\/(models|photos|pictures)\//.exec(path)?.[1] ?? "page";
        sizes[kind] = (sizes[kind] ?? 0) + sent;
      }
      return { ...sizes, all: Object.values(sizes).reduce((sum, size) => sum + size, 0) };
    };
    const first = count();
    stage.gate.reset();
    await page.reload();
    await cutOut(page);
    const second = count();
    t.diagnostic(`bytes of a first visit: ${JSON.stringify(first)}; of a second: ${JSON.stringify(second)}`);
    assert.ok(first.pictures < 40_000, `thumbnails: ${first.pictures} bytes`);
    assert.ok(first.page < 320_000, `page, scripts and Wasm: ${first.page} bytes`);
    assert.ok(first.all < 7_200_000, `${first.all} bytes`);
    assert.ok(second.all < 20_000, `${second.all} bytes the second time`);
    complaints.check();
  });

  test(
    "after a visit the page works without its server, and a new build is never mixed with an old one",
    TIMEOUT,
    async (t) => {
      const { page, complaints } = await open(t, "?split=local&size=64");
      await ready(page);
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.waitForFunction(() => navigator.serviceWorker.controller);
      await page.locator(id("sample-coffee")).click();
      await cutOut(page);
      const version = await page.evaluate(() => new URL(document.querySelector('link[rel="stylesheet"]').href).search);
      assert.match(version, /^\?v=[0-9a-f]{16}$/);

      // The whole server is gone: page, model and API.
      stage.gate.hook = (request, response) => (response.destroy(), true);
      t.after(() => stage.gate.reset());
      await page.reload();
      await ready(page);
      await page.waitForFunction(() => document.querySelector("#samples img")?.naturalWidth > 0);
      assert.equal(
        await page.locator(id("status")).isVisible(),
        false,
        "nothing is wrong before anything is asked for",
      );
      await page.locator(id("sample-coffee")).click();
      await cutOut(page);
      const report = JSON.parse(await page.locator(id("report")).textContent());
      assert.equal(report.split, "local");
      await page.waitForTimeout(1200);
      await page.screenshot({ path: join(ARTEFACTS, "page-offline.png") });

      // A new build: its page comes from the network, and with it everything that belongs to it.
      stage.gate.reset();
      const asked = [];
      stage.gate.hook = (request, response) => {
        asked.push(request.url);
        if (!request.url.startsWith("/?") && request.url !== "/") return false;
        const html = readFileSync(join(DEMO, "index.html"), "utf8").replaceAll(version, "?v=0123456789abcdef");
        response.writeHead(200, { "content-type": "text/html" });
        response.end(html);
        return true;
      };
      await page.reload();
      await page.waitForFunction(() => document.querySelector("#samples img")?.naturalWidth > 0);
      for (const name of ["main.js", "style.css"]) {
        assert.ok(
          asked.includes(`/${name}?v=0123456789abcdef`),
          `${name} of the new build comes from the network: ${asked}`,
        );
      }
      complaints.check(FAILED_REQUEST, /cannot be reached|HeadwaterError/);
    },
  );
});
