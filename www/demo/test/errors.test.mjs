// The advice beside an error.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./load.mjs";

const { troubleOf } = await load("errors.ts");
const failure = (code, message) => troubleOf(Object.assign(new Error(message), { code }));

test("an error names its address, and the advice fits what was found", () => {
  const missing = failure("download", "http://a.test/models/m.safetensors: expected a model file, found status 404");
  assert.match(missing.what, /^http:\/\/a\.test\/models\/m\.safetensors: /);
  assert.doesNotMatch(missing.help, /connection/);
  assert.match(failure("download", "http://a.test/m.safetensors cannot be reached").help, /connection/);
  assert.match(failure("server-unreachable", "http://a.test/v2 cannot be reached").help, /until its weights are kept/);
});

test("every code of the package has advice", () => {
  const source = readFileSync(new URL("../../package/src/errors.ts", import.meta.url), "utf8");
  const lists = [...source.matchAll(/_CODES = \[([^\]]*)\]/g)].map(([, list]) => list);
  const codes = lists.flatMap((list) => [...list.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code));
  assert.ok(codes.length > 15, `${codes}`);
  for (const code of codes) {
    if (code === "aborted") continue; // cancelled by whoever sees it
    assert.notEqual(failure(code, "something").help, "", code);
  }
});
