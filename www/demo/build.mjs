// Bundles the page into dist: one script, one style sheet, the Wasm module, the sample photographs.
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const photos = join(here, "..", "..", "tests", "photos");
const wasm = createRequire(import.meta.url).resolve("headwater/headwater_bg.wasm");

if (!existsSync(wasm)) {
  console.error("The Wasm module is missing in www/package/dist/wasm: run tools/wasm first.");
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "photos"), { recursive: true });

await build({
  entryPoints: { main: join(here, "src", "main.ts"), style: join(here, "style.css") },
  outdir: dist,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  logLevel: "info",
});

for (const name of ["index.html", "mark.svg"]) copyFileSync(join(here, name), join(dist, name));
copyFileSync(wasm, join(dist, "headwater_bg.wasm"));
for (const name of ["astronaut", "chelsea", "coffee", "rocket"]) {
  copyFileSync(join(photos, `${name}.jpg`), join(dist, "photos", `${name}.jpg`));
}
