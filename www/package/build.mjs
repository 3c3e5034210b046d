// Compiles src to dist. dist/wasm is left alone: tools/wasm makes it.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

if (!existsSync(join(dist, "wasm", "headwater.js"))) {
  console.error("The Wasm module is missing in www/package/dist/wasm: run tools/wasm first.");
  process.exit(1);
}

// What a source that is gone has left behind would be published.
mkdirSync(dist, { recursive: true });
for (const name of readdirSync(dist)) if (name !== "wasm") rmSync(join(dist, name), { recursive: true });

const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", here], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

// A package carries its licences; the repository has them once.
for (const licence of ["LICENSE-APACHE", "LICENSE-MIT"])
  copyFileSync(join(here, "..", "..", licence), join(here, licence));
