// What these tests need beside Node, and what happens where it is missing.
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
export const MODEL = process.env.HEADWATER_MODEL || join(ROOT, "models", "isnet.safetensors");
export const SERVER = process.env.HEADWATER_SERVER || join(ROOT, "target", "debug", "headwater");
export const PACKAGE = join(ROOT, "www", "package", "dist");
export const DEMO = process.env.HEADWATER_DEMO || join(ROOT, "www", "demo", "dist");
export const PIXELS = join(ROOT, "tests", "golden", "pixels");
export const CHROMIUM = findChromium();

/** Whether the slow tests run too. */
export const FULL = process.env.HEADWATER_FULL === "1";

/**
 * `false` where everything is there, else why the tests of a file are skipped, as `node:test` takes it. What was not
 * built is a mistake of whoever runs them, and a failure. So is a missing browser or model where they are required.
 */
export function skip(file) {
  for (const built of [SERVER, join(PACKAGE, "wasm", "headwater_bg.wasm"), join(DEMO, "main.js")]) {
    if (!existsSync(built)) throw new Error(`${built} is missing: run \`make build web\` first`);
  }
  return (
    missing(file, CHROMIUM, "HEADWATER_REQUIRE_BROWSER", "no Chromium (its place: CHROMIUM)") ??
    missing(file, existsSync(MODEL), "HEADWATER_REQUIRE_MODEL", `no model at ${MODEL} (headwater pull isnet)`) ??
    false
  );
}

/** For a slow test: `false`, or why it is skipped. */
export function skipSlow(what) {
  if (FULL) return false;
  return loudly(`${what}: slow, HEADWATER_FULL=1 runs it`);
}

/** For an example whose packages have to be downloaded: `false`, or why it is skipped. */
export function skipInstalled(what) {
  if (process.env.HEADWATER_EXAMPLES === "1") return false;
  return loudly(`${what}: installs packages from the network, HEADWATER_EXAMPLES=1 runs it (make test-examples)`);
}

function missing(file, found, variable, why) {
  if (found) return undefined;
  if (process.env[variable] === "1") throw new Error(`${variable}=1, but there is ${why}`);
  return loudly(`${file}: ${why}`);
}

function loudly(what) {
  console.error(`SKIPPED: ${what}`);
  return what;
}

function findChromium() {
  const asked = process.env.CHROMIUM || process.env.HEADWATER_CHROMIUM;
  if (asked) return asked;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
  return [...names.flatMap((name) => folders.map((folder) => join(folder, name))), mac].find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
