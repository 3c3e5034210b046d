// What a visitor downloads before the first picture, and how much that may be.
//
// node sizes.mjs         the whole runtime: the Wasm, and all JavaScript of the package's main entry
// node sizes.mjs --wasm  the Wasm and the JavaScript that was generated with it
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "package", "dist");
const wasm = join(dist, "wasm", "headwater_bg.wasm");
const glue = join(dist, "wasm", "headwater.js");

/** What is loaded, and the most bytes that it may have as a server sends it, compressed with brotli. */
const [files, limit] = process.argv[2] === "--wasm" ? [[wasm, glue], 190_000] : [[wasm, ...(await scripts())], 205_000];

/** Every file that index.js imports, directly or through another. */
async function scripts() {
  const { build } = await import("esbuild");
  const entryPoints = [join(dist, "index.js")];
  const { metafile } = await build({ entryPoints, bundle: true, format: "esm", write: false, metafile: true });
  return Object.keys(metafile.inputs);
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

if (total[2] > limit) {
  console.error(`Too large: ${total[2]} bytes with brotli, and at most ${limit} are wanted.`);
  process.exit(1);
}
