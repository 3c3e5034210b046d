// The published types stand by themselves, with the library of pages and with that of workers, and no skipLibCheck.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "headwater-types-"));
after(() => rmSync(folder, { recursive: true }));
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

const PAGE = `
  import { Mask, Segmenter, type CutoutOptions, removeBackground } from "${dist}/index.js";
  import { Segmenter as InWorker } from "${dist}/worker.js";
  import { HeadwaterCutout } from "${dist}/element.js";
  const options: CutoutOptions = { type: "image/jpeg", background: "white", edges: "keep" };
  export async function cut(photo: HTMLImageElement): Promise<Blob> {
    const here = await Segmenter.load("/m"), there = await InWorker.load("/m", { worker: "/w.js" });
    const { mask } = await here.segment(photo);
    const pixels = new ImageData(mask.alpha, mask.width);
    const canvas: HTMLCanvasElement = await mask.cutout(photo, { edges: "clean" });
    here[Symbol.dispose]();
    const { downloadBytes } = await there.cutout(photo, options).then(() => InWorker.estimate("/m"));
    const element: HeadwaterCutout = document.createElement("headwater-cutout");
    return pixels && canvas && downloadBytes ? element.blob ?? removeBackground(photo, options) : removeBackground("/p");
  }
  // @ts-expect-error a misspelt option
  void removeBackground("/p", { backgroud: "red" });
  // @ts-expect-error no picture
  void removeBackground(7);
  void Mask;`;

const WORKER = `
  import { Segmenter } from "${dist}/index.js";
  export async function cut(photo: Blob): Promise<OffscreenCanvas> {
    const segmenter = await Segmenter.load("https://example.com/m");
    return (await segmenter.segment(photo)).mask.cutout(photo);
  }`;

for (const [name, source, lib] of [
  ["pages", PAGE, ["ES2022", "DOM", "DOM.Iterable"]],
  ["workers", WORKER, ["ES2022", "WebWorker"]],
]) {
  test(`types: ${name}`, () => {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      types: [],
      lib,
    };
    const files = [join(folder, `${name}.ts`)];
    writeFileSync(files[0], source);
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });
}
