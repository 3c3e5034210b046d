// The packed package, and apps that use it as a stranger's app does: unpacked in their node_modules, built by their own
// `npm run build`.
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MODEL, PIXELS, ROOT, SERVER } from "./needs.mjs";

const run = promisify(execFile);
const WWW = join(ROOT, "www");
const EXAMPLES = fileURLToPath(new URL("../examples", import.meta.url));
const START_MILLIS = 60_000;

/** Packs the package into a folder of its own, and says what is in it. */
export class Pack {
  folder = mkdtempSync(join(tmpdir(), "headwater-pack-"));

  static async make() {
    const pack = new Pack();
    const from = ["pack", "--json", "--pack-destination", pack.folder, join(WWW, "package")];
    const { stdout } = await run("npm", from, { cwd: pack.folder });
    // An array before npm 12, an object by the packages' names after.
    const [{ filename, files }] = Object.values(JSON.parse(stdout));
    await run("tar", ["-xzf", join(pack.folder, filename)], { cwd: pack.folder });
    const archive = join(pack.folder, filename);
    return Object.assign(pack, { archive, files: files.map(({ path }) => path).sort() });
  }

  /** Where a file of it lies, unpacked. */
  path(name) {
    return join(this.folder, "package", name);
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A copy of an example with the package and the tools in its node_modules. */
export class Example {
  folder = mkdtempSync(join(tmpdir(), "headwater-example-"));

  constructor(name, pack, installed = false) {
    cpSync(join(EXAMPLES, name), this.folder, { recursive: true });
    if (!installed) this.#link(pack);
  }

  /** One whose packages npm installs, from the network: for bundlers that follow no links. */
  static async install(name, pack) {
    const example = new Example(name, pack, true);
    await run("npm", ["install", "--no-audit", "--no-fund", pack.archive], { cwd: example.folder });
    return example;
  }

  #link(pack) {
    const modules = join(this.folder, "node_modules");
    mkdirSync(modules);
    for (const tool of readdirSync(join(WWW, "node_modules"))) {
      if (tool.startsWith("headwater")) continue;
      symlinkSync(join(WWW, "node_modules", tool), join(modules, tool));
    }
    cpSync(pack.path(""), join(modules, "headwater"), { recursive: true });
  }

  /** The model where Vite's users put it. */
  placeModel() {
    mkdirSync(join(this.folder, "public", "models"), { recursive: true });
    symlinkSync(MODEL, join(this.folder, "public", "models", "isnet.safetensors"));
  }

  /** A photograph where the apps look for it. */
  placePhoto(name) {
    mkdirSync(join(this.folder, "public"), { recursive: true });
    cpSync(join(PIXELS, `${name}.webp`), join(this.folder, "public", "photo.webp"));
  }

  /** Replaces `what`, which has to be there, in one of its files. */
  replace(path, what, by) {
    const text = readFileSync(join(this.folder, path), "utf8");
    if (!text.includes(what)) throw new Error(`${path} lacks ${what}`);
    writeFileSync(join(this.folder, path), text.replaceAll(what, by));
  }

  async build(env = {}) {
    await run("npm", ["run", "build"], { cwd: this.folder, env: { ...process.env, ...env } });
  }

  /** `headwater serve --pages dist`. */
  serve() {
    const pages = join(this.folder, "dist");
    return start(SERVER, ["serve", "--listen", "127.0.0.1:0", "--model", MODEL, "--pages", pages]);
  }

  /** `npm run dev` of Vite, without npm between, so that it can be ended. */
  async develop() {
    const script = join(this.folder, "node_modules", "vite", "bin", "vite.js");
    const where = ["--host", "127.0.0.1", "--port", String(await freePort()), "--strictPort"];
    return start(process.execPath, [script, ...where], this.folder);
  }

  /** `next start`. */
  async startNext(origin) {
    const script = join(this.folder, "node_modules", "next", "dist", "bin", "next");
    const args = [script, "start", "--hostname", "127.0.0.1", "--port", String(await freePort())];
    return start(process.execPath, args, this.folder, { HEADWATER_ORIGIN: origin });
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A server of the pages, once it has said where it listens. */
async function start(program, args, cwd, more = {}) {
  const env = { ...process.env, RUST_LOG: "warn", NO_COLOR: "1", ...more };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const origin = await new Promise((resolve, reject) => {
    const fail = (why) => (child.kill("SIGKILL"), reject(new Error(`${program} ${why}:\n${said}`)));
    const late = setTimeout(() => fail("does not say where it listens"), START_MILLIS);
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code) => (clearTimeout(late), fail(`ended with ${code}`)));
    const hear = (text) => {
      said += text;
      const found = /http:\/\/[\d.]+:\d+/.exec(said);
      if (found) resolve((clearTimeout(late), found[0]));
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear);
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(hard);
  };
  return { origin, stop };
}

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
