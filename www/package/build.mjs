// Compiles src to lib, a file each, for the tests; and bundles that to dist, which is published: a page then fetches two
// files beside the Wasm and not twenty. dist/wasm is left alone: tools/wasm makes it.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const lib = join(here, "lib");

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

// Comments and white space are a third of what these files are to a browser, compressed as they may be. Names stay, for
// those who read a stack.
await build({
  entryPoints: ["index.js", "worker.js", "worker-script.js"].map((name) => join(lib, name)),
  outdir: dist,
  bundle: true,
  splitting: true,
  chunkNames: "shared-[hash]",
  format: "esm",
  target: "es2022",
  minify: true,
  plugins: [
    {
      name: "wasm",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\.\/wasm\/headwater\.js$/ }, () => ({ path: join(dist, "wasm", "headwater.js") })),
    },
  ],
});

// A package carries its licences; the repository has them once.
for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
  copyFileSync(join(here, "..", "..", licence), join(here, licence));
