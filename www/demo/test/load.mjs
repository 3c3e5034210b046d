// Modules of src as Node can import them.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const src = join(dirname(fileURLToPath(import.meta.url)), "..", "src");

/** What `name` (a path in src) exports. Its functions must not touch a document. */
export async function load(name) {
  const { outputFiles } = await build({ entryPoints: [join(src, name)], bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
