// The sizes that a net runs at: multiples of what its layers divide a side by.

/** What browsers and servers can hold at all; a link may ask for more. */
const LARGEST = 4096;

/** A few sizes to choose from: the net's own, a half and a quarter of it, as near as they can be. */
export function offeredSizes(own: number, multiple: number): number[] {
  const sizes = [own / 4, own / 2, own].map((side) => nearestSize(side, multiple));
  return [...new Set(sizes)];
}

/** The nearest size that the net runs at; of two that are as near, the larger. */
export function nearestSize(side: number, multiple: number): number {
  const most = Math.max(multiple, Math.floor(LARGEST / multiple) * multiple);
  return Math.min(most, Math.max(multiple, Math.round(side / multiple) * multiple));
}

/** A size that a link asked for: what becomes of it, and what is said where that is something else. */
export function correctedSize(asked: string, multiple: number): { side: number | undefined; words: string } {
  const side = Number(asked);
  if (!/^\d+$/.test(asked) || side === 0) return { side: undefined, words: `“${asked}” in the link is not a size.` };
  const nearest = nearestSize(side, multiple);
  if (nearest === side) return { side, words: "" };
  const rule =
    multiple > 1 ? `sides that are multiples of ${multiple} px, up to ${LARGEST}` : `sides up to ${LARGEST} px`;
  return { side: nearest, words: `The net does not run at ${side} px, only at ${rule}: ${nearest} px is chosen.` };
}
