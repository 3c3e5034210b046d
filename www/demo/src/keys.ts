// What the keyboard does: to the chosen piece, wherever the focus is, and to the whole board.

import type { Board } from "./board.js";
import type { Edits } from "./edits.js";
import type { Piece } from "./piece.js";
import type { Tool } from "./tools.js";

const STEP = 0.01;
const LEAP = 0.06;
const GROWTH = 1.06;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const TOOLS: Record<string, Tool> = {
  "[": "lower",
  "]": "raise",
  Delete: "remove",
  Backspace: "remove",
  e: "export",
  c: "compare",
  r: "turn",
  f: "flip",
  p: "brush",
  Enter: "again",
};

/** Where keys have a meaning of their own. */
const TYPED = "select, textarea, [contenteditable], dialog *, [popover] *";
/** Inputs that take no text. */
const TEXTLESS = new Set(["button", "checkbox", "color", "file", "image", "radio", "range", "reset", "submit"]);
/** Where Enter, the arrows or both have one. */
const PRESSED = "button, a, summary, label, input, [role=toolbar] *";
const SCROLLED = ".panel *, pre, input";

export interface Keys {
  use(tool: Tool, piece: Piece): void;
  before(piece: Piece, on: boolean): void;
  /** While a piece is brushed: whether the key was one of the brush's. */
  brushKey(event: KeyboardEvent): boolean;
  undo(): void;
  redo(): void;
  /** False where there is nothing of ours to copy. */
  copy(piece: Piece): boolean;
}

export function startKeys(board: Board, edits: Edits, keys: Keys): void {
  document.addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (event.defaultPrevented || target.closest(TYPED) || takesText(target)) return;
    if (document.querySelector("dialog[open]")) return;
    const handled = event.ctrlKey || event.metaKey ? command(event) : !event.altKey && plain(event, target);
    if (handled) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "b" && board.selected) keys.before(board.selected, false);
  });
  // A key that is held while the window is left is never let go here.
  addEventListener("blur", () => board.selected && keys.before(board.selected, false));

  function command(event: KeyboardEvent): boolean {
    const key = event.key.toLowerCase();
    if (key === "z") return event.shiftKey ? (keys.redo(), true) : (keys.undo(), true);
    if (key === "y") return (keys.redo(), true);
    // Whoever has marked text copies that.
    if (key === "c" && board.selected && getSelection()?.isCollapsed !== false) return keys.copy(board.selected);
    return false;
  }

  function plain(event: KeyboardEvent, target: Element): boolean {
    const piece = board.selected;
    if (!piece) return false;
    const { key, shiftKey } = event;
    const arrow = ARROWS[key];
    const pressed = (key === "Enter" || key === " ") && target.closest(PRESSED);
    // Sliders and radio buttons keep the arrows, the brush's own among them.
    const kept = pressed || (arrow && target.closest("input"));
    if (!kept && keys.brushKey(event)) return true;
    if (arrow) {
      if (target.closest(SCROLLED)) return false;
      const pixels = Math.min(board.width, board.height) * (shiftKey ? LEAP : STEP);
      edits.move(piece, arrow[0] * pixels, arrow[1] * pixels);
      return true;
    }
    if (key === "+" || key === "=") return (edits.scale(piece, GROWTH), true);
    if (key === "-") return (edits.scale(piece, 1 / GROWTH), true);
    if (key.toLowerCase() === "b") return (event.repeat || keys.before(piece, true), true);
    if (key === "Escape") {
      if (document.activeElement === piece.element) piece.element.blur();
      board.select(undefined);
      return true;
    }
    const tool = TOOLS[key.length === 1 ? key.toLowerCase() : key];
    if (!tool || (key === "Enter" && target.closest(PRESSED))) return false;
    keys.use(tool, piece);
    return true;
  }
}

/** Whether letters, and what undoes them, are the element's own. */
export function takesText({ tagName, type }: { tagName: string; type?: string }): boolean {
  return tagName === "INPUT" && !TEXTLESS.has(type ?? "text");
}
