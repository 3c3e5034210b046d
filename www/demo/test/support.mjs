// The page's TypeScript, for tests in Node: modules that need no document.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A module of `src`, with all that it imports. */
export async function source(name) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
