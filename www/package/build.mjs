// Compiles src to lib, a file each, for the tests; and bundles that to dist, which is published: a page then fetches two
// files beside the Wasm and not twenty. dist/wasm is left alone: tools/wasm makes it.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const lib = join(here, "lib");

/** What package.json exports. */
const ENTRIES = ["index", "worker", "worker-script", "element"];

if (!existsSync(join(dist, "wasm", "headwater.js"))) {
  console.error("The Wasm module is missing in www/package/dist/wasm: run tools/wasm first.");
  process.exit(1);
}

// What a source that is gone has left behind would be published.
mkdirSync(dist, { recursive: true });
rmSync(lib, { recursive: true, force: true });
for (const name of readdirSync(dist)) if (name !== "wasm") rmSync(join(dist, name), { recursive: true });

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

for (const name of readdirSync(lib)) if (name.endsWith(".d.ts")) copyFileSync(join(lib, name), join(dist, name));

// Comments and white space are a third of what these files are to a browser, compressed as they may be. What every
// entry needs is one file, since one file is compressed better than several; what only some calls need is loaded by them.
const LATE = {
  options: /\/(cutout-options|fetch-picture)\.js$/,
  own: /\/(cutout|estimate)\.js$/,
  worker: /\/(worker|worker-client|staff|portable)\.js$/,
  page: /\/(page-segmenter|remove-background)\.js$/,
  entry: /\/(index|remover|worker-script|element)\.js$/,
};
const bundle = await rolldown({
  input: ENTRIES.map((name) => join(lib, `${name}.js`)),
  platform: "browser",
  plugins: [
    {
      name: "wasm",
      resolveId: (id) => (id === "./wasm/headwater.js" ? join(dist, "wasm", "headwater.js") : undefined),
    },
  ],
});
const { output } = await bundle.generate({
  dir: dist,
  format: "esm",
  minify: true,
  chunkFileNames: "shared-[hash].js",
  codeSplitting: {
    groups: [
      { name: "shared", test: (id) => !Object.values(LATE).some((late) => late.test(id)) },
      { name: "options", test: LATE.options },
      { name: "page", test: LATE.page },
      { name: "worker", test: LATE.worker },
    ],
  },
});
await bundle.close();
for (const { fileName, code } of output) {
  // Bundlers look for addresses in quotes, and the minifier writes them as templates.
  writeFileSync(join(dist, fileName), code.replaceAll(/new URL\(`([^`$]+)`/g, 'new URL("$1"'));
}

// A package carries its licences; the repository has them once.
for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
  copyFileSync(join(here, "..", "..", licence), join(here, licence));
