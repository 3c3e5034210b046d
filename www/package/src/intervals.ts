// Half-open intervals of a file's bytes.

/** `[start, end)`, in bytes. */
export type Interval = readonly [start: number, end: number];

/** What of `intervals` does not lie in `taken`. */
export function without(intervals: readonly Interval[], taken: Interval): Interval[] {
  const left: Interval[] = [];
  for (const [start, end] of intervals) {
    if (taken[1] <= start || end <= taken[0]) left.push([start, end]);
    else {
      if (start < taken[0]) left.push([start, taken[0]]);
      if (taken[1] < end) left.push([taken[1], end]);
    }
  }
  return left;
}

/** Whether the two have a byte in common. */
export function meet(a: Interval, b: Interval): boolean {
  return a[0] < b[1] && b[0] < a[1];
}

/** How many bytes `intervals`, which do not overlap, hold. */
export function sum(intervals: readonly Interval[]): number {
  return intervals.reduce((bytes, [start, end]) => bytes + end - start, 0);
}
