// What the native command makes of the same picture, computed once a run.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MODEL, PIXELS, SERVER } from "./needs.mjs";

const run = promisify(execFile);

/** Keeps native masks in a folder that lives as long as it does. */
export class Native {
  #folder = mkdtempSync(join(tmpdir(), "headwater-native-"));

  /** The place of the mask of `photo` at its own size, and the report. */
  async segment(photo, { split, size, codec = "f16", server }) {
    const mask = join(this.#folder, `${photo}-${split}-${size}-${codec}.png`);
    const arguments_ = ["segment", join(PIXELS, `${photo}.webp`), "--model", MODEL, "--mask", mask, "--json"];
    arguments_.push("--split", split, "--size", String(size), "--codec", codec);
    if (server) arguments_.push("--server", server);
    const { stdout } = await run(SERVER, arguments_, { maxBuffer: 2 ** 24 });
    if (!existsSync(mask)) throw new Error(`${mask} was not written`);
    return { mask, report: JSON.parse(stdout) };
  }

  close() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
