// Headwater against onnxruntime-web: the same weights and picture, in one browser, on one adapter.
//
//     node benches/browser/run.mjs [--graph whole|U3] [--size 256] [--runs 5] [--seconds 120] [--photo coffee]
//                                  [--json FILE]
//
// Needs `make build web`, the model and Chromium, as the browser's tests do; installs the peer beside itself. The peer
// gets what `headwater export` writes: the whole net, or head and tail of a split, which are what a client runs.
// A contender's runs end after `seconds`; where the first alone has used them up, its time is the one that is shown.
// Times stand only beside masks, and tensors that cross, that agree.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch } from "../../www/tests/support/browser.mjs";
import { MODEL, PACKAGE, PIXELS, ROOT, SERVER, skip } from "../../www/tests/support/needs.mjs";
import { assertAlike, summary } from "./judge.mjs";
import { serveFiles } from "./server.mjs";
import { shownTable } from "./table.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));

const { values } = parseArgs({
  options: {
    graph: { type: "string", default: "whole" },
    size: { type: "string", default: "256" },
    runs: { type: "string", default: "5" },
    seconds: { type: "string", default: "120" },
    photo: { type: "string", default: "coffee" },
    json: { type: "string" },
  },
});
const [size, runs, seconds] = [values.size, values.runs, values.seconds].map(Number);
if (![size, runs, seconds].every((number) => Number.isInteger(number) && number > 0)) {
  console.error("--size, --runs and --seconds: expected whole numbers from 1");
  process.exit(2);
}
if (!/^(whole|U\d+)$/.test(values.graph)) {
  console.error("--graph: expected whole, or a split with a head and a tail such as U3");
  process.exit(2);
}
const kind = values.graph === "whole" ? "whole" : "parts";
const why = skip("bench");
if (why) process.exit(1);

if (!existsSync(join(HERE, "node_modules"))) {
  execFileSync("npm", ["install", "--ignore-scripts", "--no-package-lock"], { cwd: HERE, stdio: "inherit" });
}
const folder = mkdtempSync(join(os.tmpdir(), "headwater-bench-"));
const ends = [() => rmSync(folder, { recursive: true, force: true })];
try {
  const bench = await measure();
  console.log(shownTable(bench));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(bench, null, 2)}\n`);
} finally {
  for (const end of ends.reverse()) await end();
}

async function measure() {
  const load = os.loadavg().map((number) => number.toFixed(2));
  if (kind === "whole") exportOnnx("remote");
  else for (const part of ["head", "tail"]) exportOnnx(values.graph, "--part", part);
  const ort = join(HERE, "node_modules", "onnxruntime-web");
  const files = await serveFiles({
    "/page/": join(HERE, "page"),
    "/headwater/": PACKAGE,
    "/ort/": join(ort, "dist"),
    "/onnx/": folder,
    "/models/": join(MODEL, ".."),
    "/photos/": PIXELS,
  });
  ends.push(() => files.close());
  const server = await startServer();
  const browser = await launch();
  ends.push(() => browser.close());

  const first = await visit(browser, files.origin);
  const names = await first.page.evaluate((kind) => bench.names(kind), kind);
  const adapter = await first.page.evaluate(() => bench.adapter());
  await first.context.close();
  const options = { size, server, ...(kind === "parts" ? { split: values.graph } : {}) };
  const contenders = [];
  for (const name of names) {
    console.error(`${name} …`);
    const contender = await contend(browser, files, name, options);
    // What the first one's server answered is what the tails of the others start from.
    if (kind === "parts") Object.assign(options, crossed(contender, options));
    contenders.push(contender);
  }
  assertAlike(contenders, size);

  const version = (place) => JSON.parse(readFileSync(join(place, "package.json"), "utf8")).version;
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" }).trim(),
    adapter,
    browser: `${browser.browserType().name()} ${browser.version()}`,
    versions: { headwater: version(join(PACKAGE, "..")), "onnxruntime-web": version(ort), node: process.version },
    cores: os.cpus().length,
    cpu: os.cpus()[0].model,
    load_before: load,
    load_after: os.loadavg().map((number) => number.toFixed(2)),
    graph: values.graph,
    size,
    photo: values.photo,
    contenders: contenders.map(summary),
  };
}

function exportOnnx(split, ...part) {
  const where = ["--model", MODEL, "--size", `${size}`, "--output", folder];
  execFileSync(SERVER, ["export", "--split", split, ...part, ...where], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Names and shapes of what went up, and all of what came down. */
function crossed({ up, down }, options) {
  return options.down ? {} : { up: up.map(({ tensor, shape }) => ({ tensor, shape })), down };
}

/** A first visit with everything to download, the runs, and a second visit to what has been kept. */
async function contend(browser, files, name, options) {
  const { context, page } = await visit(browser, files.origin);
  const load = () => page.evaluate((all) => bench.load(...all), [kind, name, options]);
  files.taken();
  const cold_millis = await load();
  const downloaded_bytes = files.taken();
  const made = await page.evaluate(
    (all) => bench.runs(...all),
    [`/photos/${values.photo}.webp`, options.size, runs, seconds],
  );
  const cdp = await context.newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  await page.reload();
  await page.waitForFunction(() => globalThis.bench);
  const kept_millis = await load();
  await context.close();
  return { name, downloaded_bytes, cold_millis, kept_millis, js_heap_bytes: usedSize, ...made };
}

async function visit(browser, origin) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  await page.goto(`${origin}/page/page.html`);
  await page.waitForFunction(() => globalThis.bench);
  return { context, page };
}

/** `headwater serve`, once its splits are warm. */
async function startServer() {
  const child = spawn(SERVER, ["serve", "--listen", "127.0.0.1:0", "--model", MODEL], {
    env: { ...process.env, RUST_LOG: "warn" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  ends.push(() => void child.kill());
  const origin = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`headwater serve ended with ${code}`)));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      const found = / on (http:\/\/[\d.]+:\d+)/.exec(text);
      if (found) resolve(found[1]);
    });
  });
  while (!(await fetch(`${origin}/v2/health/ready`)).ok) await new Promise((resolve) => setTimeout(resolve, 200));
  return origin;
}
