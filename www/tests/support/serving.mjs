// `headwater serve` with the demo at `/` and, beside it, the package's own files for pages that tests write.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEMO, MODEL, PACKAGE, PIXELS, SERVER } from "./needs.mjs";

const START_MILLIS = 60_000;

/** Starts a server of its own on a free port; resolves when it listens. */
export async function serve() {
  const site = mkdtempSync(join(tmpdir(), "headwater-site-"));
  cpSync(DEMO, site, { recursive: true });
  cpSync(PACKAGE, join(site, "package"), { recursive: true });
  cpSync(PIXELS, join(site, "pixels"), { recursive: true });
  cpSync(fileURLToPath(new URL("page", import.meta.url)), join(site, "page"), { recursive: true });

  const child = spawn(SERVER, ["serve", "--listen", "127.0.0.1:0", "--model", MODEL, "--pages", site], {
    env: { ...process.env, RUST_LOG: "warn" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const origin = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`headwater serve ${why}:\n${said}`));
    const late = setTimeout(() => fail("does not say where it listens"), START_MILLIS);
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code) => fail(`ended with ${code}`));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const found = / on (http:\/\/[\d.]+:\d+)/.exec(said);
      if (!found) return;
      clearTimeout(late);
      resolve(found[1]);
    });
  });
  return {
    origin,
    /** What it has written to its log. */
    log: () => said,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null) child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 5000);
      await (child.exitCode === null ? ended : undefined);
      clearTimeout(hard);
      rmSync(site, { recursive: true, force: true });
    },
  };
}
