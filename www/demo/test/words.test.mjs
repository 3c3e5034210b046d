// What the panel says, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { adapterWords, fittingSize } = await load("panel/adapter.ts");
const { verdict } = await load("panel/bytes.ts");
const { autoWords } = await load("panel/summary.ts");
const { atSize, placesOf } = await load("panel/places.ts");
const { correctedSize, nearestSize, offeredSizes } = await load("sizes.ts");
const { adapterName, bytes, macs, millis, percent, rounded, times } = await load("format.ts");

const none = {
  webgpu: false,
  adapter: null,
  software: false,
  gflops: null,
  code: "no-adapter",
  reason: "no adapter (Vulkan)",
};
const slow = { webgpu: true, adapter: { name: "google swiftshader", type: "cpu" }, software: true, gflops: 2 };
const fast = { webgpu: true, adapter: { name: "nvidia ampere", type: "discrete-gpu" }, software: false, gflops: 9000 };
const SECURE = { secure: true, webgpu: true };

/** Whole sentences, one after the other, in words for visitors. */
function areSentences({ heading, text }) {
  for (const part of [heading, ...(text ? text.split(/(?<=\.) /) : [])]) {
    assert.match(part, /^[A-Z“].*\.$/s, part);
  }
  assert.doesNotMatch(heading + text, /Vulkan|Metal|DirectX|GFLOP|kernel|google/i);
}

test("the notice about the adapter is whole sentences, whatever was found", () => {
  for (const found of [
    none,
    { ...none, code: "device" },
    { ...none, code: "download" },
    slow,
    fast,
    { ...fast, software: true },
  ]) {
    for (const split of ["auto", "local", "remote", "U3"]) {
      for (const around of [SECURE, { secure: false, webgpu: false }, { secure: true, webgpu: false }]) {
        areSentences(adapterWords(found, split, around));
      }
    }
  }
});

test("a missing WebGPU is explained by what is the case", () => {
  const text = (around, found = none) => adapterWords(found, "auto", around).text;
  assert.match(text({ secure: false, webgpu: false }), /HTTPS/);
  assert.match(text({ secure: true, webgpu: false }), /does not offer it/);
  assert.match(text(SECURE), /no graphics adapter/);
  assert.doesNotMatch(text(SECURE), /does not offer it|HTTPS/);
});

test("advice that was taken is not given again", () => {
  assert.match(adapterWords(slow, "U3", SECURE).text, /“remote”/);
  assert.doesNotMatch(adapterWords(slow, "remote", SECURE).text, /“remote”|quicker/);
});

test("auto's choice is explained by what is the case", () => {
  const words = (split, { reasons = [], fallback = null, none = false } = {}) =>
    autoWords({ report: { split, fallback }, reasons }, none);
  assert.match(words("U3"), /“U3” because .* fast enough/);
  assert.match(words("remote"), /computes slowly/);
  assert.match(words("remote", { none: true, fallback: "no adapter" }), /cannot run layers/);
  assert.match(words("remote", { fallback: "the device was lost" }), /could not run its part/);
  const down = words("local", { reasons: ["The server is not used: it cannot be reached."] });
  assert.match(down, /“local” because the server does not answer/);
  assert.doesNotMatch(down, /fast enough/);
});

test("the suggested size follows who computes", () => {
  assert.ok(fittingSize(slow, "auto") > fittingSize(slow, "local"), "with auto the server computes");
  assert.ok(fittingSize(none, "remote") > fittingSize(slow, "U3"));
  assert.equal(fittingSize(fast, "local"), 1024);
});

test("what was sent is compared with the file and with remote, and one run has one verdict", () => {
  const run = { split: "U3", up_bytes: 131_000, size: [256, 256] };
  const words = verdict(run, 951_000, 30_400);
  assert.match(words, /4\.3 times as large as what “remote” would post at this size/);
  assert.match(words, /7\.3 times smaller than the file itself/);
  assert.match(verdict({ ...run, split: "local", up_bytes: 0 }, 951_000, 30_400), /Nothing left this browser/);
  assert.match(
    verdict({ ...run, split: "remote", up_bytes: 30_400 }, 951_000, undefined),
    /posted.*31 times smaller than the file/,
  );
});

const stages = [1, 1, 2, 4, 2].map((macs, at) => ({ name: `s${at}`, macs, sides: ["head", at < 2 ? "head" : "body"] }));
const model = { splits: [{ name: "local" }, { name: "named" }], stages };

test("a cut without a name is drawn with its front here and the rest at the server", () => {
  assert.deepEqual(placesOf(model, "named"), ["client", "client", "server", "server", "server"]);
  assert.deepEqual(placesOf(model, "P7", 0.4), ["client", "client", "client", "server", "server"]);
  assert.deepEqual(placesOf(model, "P1", 0), Array(5).fill("server"));
  assert.deepEqual(placesOf(model, "P9", 1), Array(5).fill("client"));
  assert.equal(placesOf(model, "P7"), undefined, "nobody knows before a run");
});

test("only sizes that the net runs at are offered and chosen", () => {
  const rule = { own: 1024, multiple: 64 };
  assert.deepEqual(offeredSizes(rule), [256, 512, 1024]);
  assert.deepEqual(offeredSizes({ own: 320, multiple: 32 }), [96, 160, 320]);
  assert.deepEqual(offeredSizes({ own: 64, multiple: 64 }), [64]);
  assert.deepEqual(offeredSizes({ own: 520, multiple: null }), [520]);
  assert.deepEqual(correctedSize("512", { own: 520, multiple: null }).side, 520);
  for (const side of [1, 31, 33, 333, 600, 4095, 1e9]) assert.equal(nearestSize(side, rule) % 64, 0, side);
  assert.equal(nearestSize(333, rule), 320);
  assert.deepEqual(correctedSize("512", rule), { side: 512, words: "" });
  assert.equal(correctedSize("333", rule).side, 320);
  assert.match(correctedSize("333", rule).words, /333.*multiples of 64.*320/);
  for (const asked of ["", "abc", "-64", "0", "1e3", "64.5"]) {
    assert.equal(correctedSize(asked, rule).side, undefined, asked);
    assert.match(correctedSize(asked, rule).words, /not a size/);
  }
});

test("numbers keep three digits at every boundary, and their units", () => {
  const plain = (text) => text.replaceAll("\u00a0", " ");
  for (const [found, wanted] of [
    [bytes(999), "999 B"],
    [bytes(9_996), "10.0 kB"],
    [bytes(999_499), "999 kB"],
    [bytes(999_500), "1.00 MB"],
    [bytes(88_012_345), "88.0 MB"],
    [bytes(999_500_000), "1.00 GB"],
    [millis(0.4), "< 1 ms"],
    [millis(999.6), "1.00 s"],
    [millis(9_996), "10.0 s"],
    [macs(999_600_000), "1.00 billion"],
    [percent(0.004), "< 1%"],
    [percent(0.996), "> 99%"],
    [times(9.97), "10"],
  ]) {
    assert.equal(plain(found), wanted);
  }
});

test("a report is shown without the noise of clocks", () => {
  const report = { head_millis: 1969.8999999999069, up_bytes: 12, size: [256, 256], fallback: null };
  assert.deepEqual(rounded(report), { ...report, head_millis: 1969.9 });
});

test("adapters have the names that people know", () => {
  assert.equal(adapterName("google swiftshader"), "SwiftShader");
  assert.equal(adapterName("nvidia ampere"), "NVIDIA ampere");
  assert.equal(adapterName("qualcomm adreno-7xx"), "Qualcomm adreno-7xx");
  assert.equal(adapterName(""), "A graphics adapter without a name");
});

test("a plan's work is that of the chosen size", () => {
  const model = {
    size: [1024, 1024],
    sizeMultiple: 32,
    macs: 4000,
    stages: [
      { name: "a", macs: 1000, sides: ["head"] },
      { name: "b", macs: 3000, sides: ["body"] },
    ],
    splits: [{ name: "U1", client_macs: 1000, server_macs: 3000, cut_values: 7 }],
  };
  const half = atSize(model, 512);
  assert.deepEqual([half.size, half.macs], [[512, 512], 1000]);
  assert.deepEqual(
    half.stages.map(({ macs }) => macs),
    [250, 750],
  );
  assert.deepEqual(half.splits, [{ name: "U1", client_macs: 250, server_macs: 750, cut_values: 7 }]);
  assert.equal(atSize(model, 1024), model);
  const fixed = { ...model, sizeMultiple: null };
  assert.equal(atSize(fixed, 512), fixed, "it runs at its own size only");
});
