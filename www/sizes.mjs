// What a visitor downloads before the first picture, and how much that may be.
//
// node sizes.mjs         the whole runtime: the Wasm, and all JavaScript of the package's main entry; and what
//                        removeBackground loads beside it with its first call
// node sizes.mjs --wasm  the Wasm and the JavaScript that was generated with it
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "package", "dist");
const wasm = join(dist, "wasm", "headwater_bg.wasm");
const glue = join(dist, "wasm", "headwater.js");

/**
 * What is loaded, and the most bytes that it may have as a server sends it, compressed with brotli: what it has now and
 * 1%. What is wanted is 205,000 in all.
 */
const [files, limit, later] =
  process.argv[2] === "--wasm" ? [[wasm, glue], 193_500, []] : [[wasm, ...(await scripts())], 211_500, await lazy()];

/** Every file that index.js imports, directly or through another. */
async function scripts() {
  return reached(join(dist, "index.js"), ["import-statement"]);
}

/** What it imports only when removeBackground is called: the script of the page, without that of the worker. */
async function lazy() {
  const first = new Set(await scripts());
  return (await reached(join(dist, "index.js"), ["import-statement", "dynamic-import"])).filter(
    (file) => !first.has(file),
  );
}

async function reached(entry, kinds) {
  const { build } = await import("esbuild");
  const { metafile } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false, metafile: true });
  const found = [relative(process.cwd(), entry)];
  for (const file of found) {
    for (const { path, kind } of metafile.inputs[file].imports) {
      if (kinds.includes(kind) && !found.includes(path)) found.push(path);
    }
  }
  return found;
}

function sizes(file) {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, { params }).length];
}

function line(name, numbers) {
  const cells = numbers.map((number) => number.toLocaleString("en").padStart(10));
  console.log(name.padEnd(28) + cells.join(""));
}

const total = [0, 0, 0];
console.log(`${"bytes".padEnd(28)}       raw      gzip    brotli`);
for (const file of files) {
  const found = sizes(file);
  found.forEach((number, i) => (total[i] += number));
  line(relative(dist, file), found);
}
if (files.length > 1) line("together", total);

if (later.length > 0) console.log("loaded by removeBackground's first call:");
for (const file of later) line(relative(dist, file), sizes(file));

if (total[2] > limit) {
  console.error(`Too large: ${total[2]} bytes with brotli, and at most ${limit} are wanted.`);
  process.exit(1);
}
