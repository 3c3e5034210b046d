// Fingers, pens and mice on the board: one drags a piece, two pinch it, the wheel scales the chosen one.

import type { Board } from "./board.js";
import type { Edits } from "./edits.js";
import type { Piece, Place } from "./piece.js";

interface Point {
  x: number;
  y: number;
}

export function startGestures(board: Board, edits: Edits): void {
  const fingers = new Map<number, Point>();
  let held: { piece: Piece; from: Place } | undefined;

  const letGo = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    if (fingers.size > 0 || !held) return;
    held.piece.element.removeAttribute("data-held");
    edits.dragged(held.piece, held.from);
    held = undefined;
  };

  board.element.addEventListener("pointerdown", (event) => {
    const target = event.target as Element;
    if (event.button !== 0 || target.closest("button, a, label, input, [data-brushing]")) return;
    if (!held) {
      const piece = board.at(event.clientX, event.clientY);
      if (!piece) {
        board.select(undefined);
        (document.activeElement as HTMLElement | null)?.blur();
        return;
      }
      held = { piece, from: edits.whereabouts(piece) };
      piece.element.focus({ preventScroll: true });
      piece.element.setAttribute("data-held", "");
      event.preventDefault(); // or the mouse press would move the focus to whatever element lies on top
    }
    if (fingers.size === 2) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    board.element.setPointerCapture(event.pointerId);
  });

  board.element.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!held || !before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const [from, to] = [distance(before, other), distance(now, other)];
      if (from > 1) board.scale(held.piece, to / from);
      board.move(held.piece, (now.x - before.x) / 2, (now.y - before.y) / 2);
    } else {
      board.move(held.piece, now.x - before.x, now.y - before.y);
    }
    fingers.set(event.pointerId, now);
  });

  board.element.addEventListener("pointerup", letGo);
  board.element.addEventListener("pointercancel", letGo);

  board.element.addEventListener(
    "wheel",
    (event) => {
      const piece = board.at(event.clientX, event.clientY);
      // A wheel that meets anything but the chosen piece scrolls the page.
      if (!piece || piece !== board.selected) return;
      event.preventDefault();
      edits.scale(piece, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
    },
    { passive: false },
  );
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
