// Bundles the page into dist: scripts, one style sheet, the Wasm module, pictures, the worker that serves it offline.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { transform } from "lightningcss";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const photos = join(here, "..", "..", "tests", "photos");
const wasm = createRequire(import.meta.url).resolve("headwater/headwater_bg.wasm");

/** The browsers that the style sheet is written down for: those of early 2022, which have no light-dark(). */
const BROWSERS = { chrome: 100 << 16, firefox: 100 << 16, safari: (15 << 16) | (4 << 8) };
/** What is worth compressing; pictures are compressed already. */
const COMPRESSIBLE = new Set([".html", ".js", ".css", ".svg", ".wasm", ".webmanifest"]);
const SAMPLES = ["astronaut", "chelsea", "coffee", "rocket"];

if (!existsSync(wasm)) {
  console.error("The Wasm module is missing in www/package/dist/wasm: run tools/wasm first.");
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
for (const folder of ["photos", "pictures"]) mkdirSync(join(dist, folder), { recursive: true });

const scripts = { outdir: dist, bundle: true, target: "es2022", minify: true, sourcemap: true, logLevel: "info" };
await build({
  ...scripts,
  entryPoints: {
    main: join(here, "src", "main.ts"),
    segmenter: join(here, "src", "segmenter-worker.ts"),
    pixels: join(here, "src", "pixels", "worker.ts"),
    style: join(here, "style.css"),
  },
  format: "esm",
});
writeOlderStyle();

const pictures = readdirSync(join(here, "pictures")).map((name) => join("pictures", name));
for (const name of ["mark.svg", "manifest.webmanifest", ...pictures]) copyFileSync(join(here, name), join(dist, name));
copyFileSync(wasm, join(dist, "headwater_bg.wasm"));

// The files that make the page. Not the photographs, which are kept offline once they were looked at, and not the icons,
// which the system keeps where the page is installed.
const shell = files(dist).filter((name) => !name.endsWith(".map") && !name.startsWith("pictures/icon-"));
const html = readFileSync(join(here, "index.html"));
const version = digest(Buffer.concat([html, ...shell.map(read)]), "hex").slice(0, 16);

// Files that belong together carry the same version in their addresses, so that no cache can mix two builds.
const page = html.toString().replace(/(?<=(?:href|src)=")(main\.js|style\.css)(?=")/g, `$1?v=${version}`);
if (page.split(`?v=${version}`).length !== 3)
  throw new Error("index.html does not name main.js and style.css once each");
writeFileSync(join(dist, "index.html"), page);

for (const name of SAMPLES) copyFileSync(join(photos, `${name}.jpg`), join(dist, "photos", `${name}.jpg`));

const hashes = Object.fromEntries(
  ["index.html", ...shell].map((name) => [name, `sha256-${digest(read(name), "base64")}`]),
);
await build({
  ...scripts,
  entryPoints: { "service-worker": join(here, "offline", "service-worker.ts") },
  format: "iife",
  define: { VERSION: JSON.stringify(version), FILES: JSON.stringify(hashes) },
});

for (const name of files(dist).filter((name) => COMPRESSIBLE.has(extname(name)))) {
  const bytes = read(name);
  const parameters = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(bytes, { params: parameters }));
  writeFileSync(join(dist, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}

/** Every file of a folder, relative to it, in an order that does not depend on the system. */
function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

function read(name) {
  return readFileSync(join(dist, name));
}

function digest(bytes, encoding) {
  return createHash("sha256").update(bytes).digest(encoding);
}

/** Rewrites the style sheet for {@link BROWSERS}. */
function writeOlderStyle() {
  const { code, map } = transform({
    filename: "style.css",
    code: read("style.css"),
    inputSourceMap: read("style.css.map").toString(),
    sourceMap: true,
    minify: true,
    targets: BROWSERS,
  });
  writeFileSync(join(dist, "style.css"), `${code}\n/*# sourceMappingURL=style.css.map */\n`);
  writeFileSync(join(dist, "style.css.map"), map);
}
