// The result for people.

const COLUMNS = [
  ["", ({ name }) => name],
  ["download MB", ({ downloaded_bytes }) => megabytes(downloaded_bytes)],
  ["ready, cold ms", ({ cold_millis }) => millis(cold_millis)],
  ["ready, kept ms", ({ kept_millis }) => millis(kept_millis)],
  ["first ms", ({ first_millis }) => millis(first_millis)],
  ["later ms (runs)", ({ median_millis, later_runs }) => `${millis(median_millis)} (${later_runs})`],
  ["JS MB", ({ js_heap_bytes }) => megabytes(js_heap_bytes)],
  ["Wasm MB", ({ wasm_bytes }) => megabytes(wasm_bytes)],
  ["MAE", ({ mae }) => mae.toExponential(1)],
  ["IoU", ({ iou }) => iou.toFixed(4)],
];

export function shownTable(bench) {
  const { date, commit, adapter, browser, versions, cores, cpu, load_before, load_after, size, photo } = bench;
  const rows = [
    COLUMNS.map(([title]) => title),
    ...bench.contenders.map((one) => COLUMNS.map(([, cell]) => cell(one))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  return [
    `IS-Net at ${size}x${size}, ${photo}, ${date}, commit ${commit}`,
    `${browser}, adapter ${adapter}; ${cores} cores of ${cpu}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    `load of the machine before ${load_before.join(" ")}, after ${load_after.join(" ")}`,
    "",
    ...rows.map(line),
  ].join("\n");
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

function millis(value) {
  return value.toFixed(0);
}
