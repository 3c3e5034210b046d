// The sizes that a net runs at: multiples of what its layers divide a side by.

/** What browsers and servers can hold at all; a link may ask for more. */
const LARGEST = 4096;

/** The net's own size, and what other sizes are multiples of; null where it runs at its own only. */
export interface SizeRule {
  own: number;
  multiple: number | null;
}

/** A few sizes to choose from: the net's own, a half and a quarter of it, as near as they can be. */
export function offeredSizes(rule: SizeRule): number[] {
  const sizes = [rule.own / 4, rule.own / 2, rule.own].map((side) => nearestSize(side, rule));
  return [...new Set(sizes)];
}

/** The nearest size that the net runs at; of two that are as near, the larger. */
export function nearestSize(side: number, { own, multiple }: SizeRule): number {
  if (multiple === null) return own;
  const most = Math.max(multiple, Math.floor(LARGEST / multiple) * multiple);
  return Math.min(most, Math.max(multiple, Math.round(side / multiple) * multiple));
}

/** A size that a link asked for: what becomes of it, and what is said where that is something else. */
export function correctedSize(asked: string, rule: SizeRule): { side: number | undefined; words: string } {
  const side = Number(asked);
  if (!/^\d+$/.test(asked) || side === 0) return { side: undefined, words: `“${asked}” in the link is not a size.` };
  const nearest = nearestSize(side, rule);
  if (nearest === side) return { side, words: "" };
  const { own, multiple } = rule;
  const legal =
    multiple === null
      ? `${own} px`
      : multiple > 1
        ? `sides that are multiples of ${multiple} px, up to ${LARGEST}`
        : `sides up to ${LARGEST} px`;
  return { side: nearest, words: `The net does not run at ${side} px, only at ${legal}: ${nearest} px is chosen.` };
}
