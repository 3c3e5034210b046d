// Chromium with WebGPU, and pages whose complaints are kept.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { CHROMIUM } from "./needs.mjs";

/** What a machine without a GPU needs to have WebGPU all the same. HEADWATER_GPU=1 takes the real one. */
const SOFTWARE =
  process.env.HEADWATER_GPU === "1"
    ? ["--enable-unsafe-webgpu"]
    : ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--disable-gpu-watchdog"];

const QUIET = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser with a profile of its own that is gone when it closes. `flags` go beside the usual ones. */
export function launch({ gpu = true, flags = [] } = {}) {
  const args = [...(gpu ? SOFTWARE : ["--disable-features=WebGPU"]), ...QUIET, ...flags];
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args });
}

/** What a page complained of. `expected` are patterns of console errors that a test provokes. */
export class Complaints {
  #found = [];

  constructor(page) {
    // An unhandled rejection is one of these too.
    page.on("pageerror", (error) => this.#found.push({ kind: "uncaught", text: String(error) }));
    page.on("console", (message) => {
      if (message.type() === "error") this.#found.push({ kind: "console", text: message.text() });
    });
    page.on("crash", () => this.#found.push({ kind: "crash", text: "the page crashed" }));
  }

  /** Fails unless there were none but those expected; forgets them. */
  check(...expected) {
    const found = this.#found.splice(0).filter(({ kind, text }) => {
      return kind !== "console" || !expected.some((pattern) => pattern.test(text));
    });
    assert.deepEqual(found, [], "the page complained");
  }
}

/** The browser's own line about a request that failed, which no script can prevent. */
export const FAILED_REQUEST = /^Failed to load resource|blocked by CORS|net::ERR_/;

/** A page of `context` at `address`. `before` runs in it before anything else. */
export async function visit(context, address, { before, arg } = {}) {
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  const complaints = new Complaints(page);
  if (before) await page.addInitScript(before, arg);
  await page.goto(address);
  return { page, complaints };
}

/** A page with the package as `hw` (see page/harness.js). */
export async function openHarness(context, origin, options) {
  const opened = await visit(context, `${origin}/page/harness.html`, options);
  await opened.page.waitForFunction(() => globalThis.hw !== undefined);
  return opened;
}
