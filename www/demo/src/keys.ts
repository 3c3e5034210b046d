// What the keyboard does to the piece that has the focus.

import type { Board } from "./board.js";
import type { Piece } from "./piece.js";

export interface Actions {
  export(piece: Piece): void;
  compare(piece: Piece): void;
  cutAgain(piece: Piece): void;
}

const STEP = 0.01;
const LEAP = 0.06;
const GROWTH = 1.06;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function startKeys(board: Board, actions: Actions): void {
  board.element.addEventListener("keydown", (event) => {
    const piece = board.selected;
    if (!piece || event.target !== piece.element || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!act(piece, event.key, event.shiftKey)) return;
    event.preventDefault();
  });

  function act(piece: Piece, key: string, far: boolean): boolean {
    const arrow = ARROWS[key];
    if (arrow) {
      const pixels = Math.min(board.width, board.height) * (far ? LEAP : STEP);
      board.move(piece, arrow[0] * pixels, arrow[1] * pixels);
      return true;
    }
    switch (key) {
      case "+":
      case "=":
        board.scale(piece, GROWTH);
        return true;
      case "-":
        board.scale(piece, 1 / GROWTH);
        return true;
      case "[":
        board.shift(piece, -1);
        return true;
      case "]":
        board.shift(piece, 1);
        return true;
      case "Delete":
      case "Backspace":
        board.remove(piece);
        return true;
      case "Escape":
        piece.element.blur();
        board.select(undefined);
        return true;
      case "e":
      case "E":
        actions.export(piece);
        return true;
      case "c":
      case "C":
        actions.compare(piece);
        return true;
      case "Enter":
        actions.cutAgain(piece);
        return true;
      default:
        return false;
    }
  }
}
