// Where a new piece lands: as large as there is room for, clear of the others' centres.

export interface Room {
  width: number;
  height: number;
}

/** Everything in shares of the board's width and height; `zoom` is board pixels a photograph's pixel. */
export interface Place {
  x: number;
  y: number;
  zoom: number;
}

interface Point {
  x: number;
  y: number;
}

/** Margin around a piece and under a bar that lies on the board, board pixels. */
const MARGIN = 20;
/** Centres at least this far apart, in shares of the piece's own size, can be distinguished at a glance. */
const APART = 0.45;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const CANDIDATES = 160;

/**
 * A place for a photograph of `size` on a board of `board` pixels on which others lie at `others`. `at` is where it was
 * dropped; without it the middle. `company` is how many there will be with this one.
 */
export function placeFor(size: Room, board: Room, others: Point[], company: number, at?: Point): Place {
  // Twelve pieces side by side need a twelfth of the board each; overlapping a little is what collages do.
  const share = company <= 1 ? 1 : Math.max(0.22, Math.min(0.6, 0.95 / Math.sqrt(company)));
  const top = Math.min(56, board.height * 0.15);
  const roomX = Math.max(1, (board.width - 2 * MARGIN) * share);
  const roomY = Math.max(1, (board.height - top - MARGIN) * share);
  const zoom = Math.min(roomX / size.width, roomY / size.height);
  const [halfX, halfY] = [(size.width * zoom) / 2, (size.height * zoom) / 2];
  const inside = ({ x, y }: Point): Point => ({
    x: clamp(x * board.width, halfX + MARGIN / 2, board.width - halfX - MARGIN / 2) / board.width,
    y: clamp(y * board.height, halfY + top, board.height - halfY - MARGIN / 2) / board.height,
  });
  const middle = { x: 0.5, y: (board.height + top - MARGIN / 2) / 2 / board.height };
  const start = at ?? middle;
  if (others.length === 0) return { ...inside(start), zoom };

  const [wantX, wantY] = [2 * halfX * APART, 2 * halfY * APART];
  let best: { point: Point; distance: number } | undefined;
  for (let step = 0; step < CANDIDATES; step++) {
    const point = inside(spiral(start, step, wantX, wantY, board));
    // 1 is far enough; sizes are the new piece's own, since the others have sizes of all kinds.
    const distance = Math.min(
      ...others.map((other) =>
        Math.hypot(((other.x - point.x) * board.width) / wantX, ((other.y - point.y) * board.height) / wantY),
      ),
    );
    if (distance >= 1) return { ...point, zoom };
    if (!best || distance > best.distance) best = { point, distance };
  }
  return { ...best!.point, zoom };
}

/** A sunflower's seeds: evenly far apart, from the start outwards. */
function spiral(start: Point, step: number, stepX: number, stepY: number, board: Room): Point {
  const radius = Math.sqrt(step);
  const angle = step * GOLDEN_ANGLE;
  return {
    x: start.x + (radius * Math.cos(angle) * stepX) / board.width,
    y: start.y + (radius * Math.sin(angle) * stepY) / board.height,
  };
}

/** Where there is no room between the two, the middle of both. */
function clamp(value: number, least: number, most: number): number {
  return least > most ? (least + most) / 2 : Math.min(most, Math.max(least, value));
}
