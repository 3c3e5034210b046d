// The result for people.

const NAME = ["", ({ name }) => name];
const COLD = ["ready, cold ms", ({ cold_millis }) => millis(cold_millis)];
const FIRST = ["first ms", ({ first_millis }) => millis(first_millis)];
const MASK = [
  ["MAE", ({ mae }) => mae.toExponential(1)],
  ["IoU", ({ iou }) => iou.toFixed(4)],
];

const WHOLE = [
  NAME,
  ["download MB", ({ downloaded_bytes }) => megabytes(downloaded_bytes)],
  COLD,
  ["ready, kept ms", ({ kept_millis }) => millis(kept_millis)],
  FIRST,
  ["later ms (runs)", later],
  ["/ local", ratio],
  ["JS MB", ({ js_heap_bytes }) => megabytes(js_heap_bytes)],
  ["Wasm MB", ({ wasm_bytes }) => megabytes(wasm_bytes)],
  ...MASK,
];

const PARTS = [
  NAME,
  COLD,
  FIRST,
  ["head ms", ({ head_millis }) => millis(head_millis)],
  ["tail ms", ({ tail_millis }) => millis(tail_millis)],
  ["both, later ms (runs)", later],
  ["/ headwater", ratio],
  ["up apart", ({ up_error }) => up_error.toExponential(1)],
  ...MASK,
];

export function shownTable(bench) {
  const { date, commit, adapter, browser, versions, cores, cpu, load_before, load_after, graph, size, photo } = bench;
  const columns = graph === "whole" ? WHOLE : PARTS;
  // The first contender is ours, on the same layers as the peer.
  const ours = bench.contenders[0];
  const rows = [
    columns.map(([title]) => title),
    ...bench.contenders.map((one) => columns.map(([, cell]) => cell(one, ours))),
  ];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  const what = graph === "whole" ? "IS-Net" : `head and tail of IS-Net's ${graph}`;
  return [
    `${what} at ${size}x${size}, ${photo}, ${date}, commit ${commit}`,
    `${browser}, adapter ${adapter}; ${cores} cores of ${cpu}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    `load of the machine before ${load_before.join(" ")}, after ${load_after.join(" ")}`,
    "",
    ...rows.map(line),
  ].join("\n");
}

/** `(first)` where there was no time for a second run. */
function later({ median_millis, later_runs }) {
  return `${millis(median_millis)} (${later_runs || "first"})`;
}

function ratio({ median_millis }, ours) {
  const times = median_millis / ours.median_millis;
  return `${times >= 10 ? times.toFixed(0) : times.toPrecision(2)}x`;
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

function millis(value) {
  return value.toFixed(0);
}
