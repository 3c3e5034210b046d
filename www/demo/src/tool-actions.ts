// What the tools and keys do.

import type { Board } from "./board.js";
import type { Brushing } from "./brushing.js";
import type { Compare } from "./compare.js";
import type { Consent } from "./consent.js";
import type { Cutting } from "./cutting.js";
import { byId, setDisabled } from "./dom.js";
import type { Edits } from "./edits.js";
import { troubleOf } from "./errors.js";
import type { Exporting, Saving } from "./exporting.js";
import type { History } from "./history.js";
import type { Keys } from "./keys.js";
import type { Looks } from "./looks.js";
import { startMenu } from "./menu.js";
import type { Piece } from "./piece.js";
import type { Settings } from "./settings.js";
import type { Status } from "./status.js";
import type { Tool } from "./tools.js";
import type { Webcam } from "./webcam.js";

export interface Parts {
  board: Board;
  edits: Edits;
  history: History;
  cutting: Cutting;
  consent: Consent;
  compare: Compare;
  exporting: Exporting;
  webcam: Webcam;
  brushing: Brushing;
  looks: Looks;
  status: Status;
}

const GROWTH = 1.12;

export class ToolActions implements Keys {
  onChange: () => void = () => undefined;
  readonly #undo = byId("undo", HTMLButtonElement);
  readonly #redo = byId("redo", HTMLButtonElement);
  readonly #clear = byId("clear", HTMLButtonElement);
  readonly #export = byId("export-board", HTMLButtonElement);
  readonly #exportMenu = byId("board-menu-button", HTMLButtonElement);

  constructor(
    readonly parts: Parts,
    readonly settings: () => Settings,
  ) {
    this.#undo.addEventListener("click", () => this.undo());
    this.#redo.addEventListener("click", () => this.redo());
    this.#clear.addEventListener("click", () => this.#clearAll());
    this.#export.addEventListener("click", () => this.#tried(parts.exporting.wholeBoard("image/png")));
    startMenu("save-menu", "data-saving", (saving) => {
      const piece = parts.board.selected;
      if (piece) this.#tried(parts.exporting.piece(piece, saving as Saving));
    });
    startMenu("board-menu", "data-saving", (saving) => {
      if (saving === "zip") this.#tried(parts.exporting.all());
      else this.#tried(parts.exporting.wholeBoard(saving as "image/png" | "image/jpeg"));
    });
  }

  get isBrushing(): boolean {
    return this.parts.brushing.piece !== undefined;
  }

  brushKey(event: KeyboardEvent): boolean {
    return this.parts.brushing.key(event);
  }

  use(tool: Tool, piece: Piece): void {
    const { edits, webcam, compare, exporting } = this.parts;
    const actions: Record<Tool, () => void> = {
      smaller: () => edits.scale(piece, 1 / GROWTH),
      larger: () => edits.scale(piece, GROWTH),
      lower: () => edits.shift(piece, -1),
      raise: () => edits.shift(piece, 1),
      turn: () => edits.turn(piece),
      flip: () => edits.flip(piece),
      before: () => this.before(piece, !piece.view.isBefore),
      brush: () => this.#brush(piece),
      again: () => void this.#cutAgain(piece),
      compare: () => piece.run && piece.isCut && !piece.isBusy && compare.open(piece),
      copy: () => void this.copy(piece),
      export: () => piece.isCut && this.#tried(exporting.piece(piece, "photo")),
      "save-menu": () => undefined,
      remove: () => this.#remove(piece),
      keep: () => void webcam.keep(),
      stop: () => webcam.stop(),
    };
    actions[tool]();
  }

  before(piece: Piece, on: boolean): void {
    if (!piece.isCut || piece.view.isBefore === on) return;
    piece.view.isBefore = on;
    this.parts.looks.refresh(piece);
    this.onChange();
  }

  copy(piece: Piece): boolean {
    if (!piece.isCut) return false;
    this.#tried(this.parts.exporting.copy(piece));
    return true;
  }

  undo(): void {
    this.#say("Undone", this.parts.history.undo());
  }

  redo(): void {
    this.#say("Done again", this.parts.history.redo());
  }

  showBoard(): void {
    const { board, history } = this.parts;
    const heir = board.selected?.element ?? board.element;
    setDisabled(this.#redo, !history.canRedo, history.canUndo ? this.#undo : heir);
    setDisabled(this.#undo, !history.canUndo, history.canRedo ? this.#redo : heir);
    const isEmpty = board.pieces.length === 0;
    for (const button of [this.#clear, this.#export, this.#exportMenu]) setDisabled(button, isEmpty, heir);
    byId("save-zip", HTMLButtonElement).disabled = !board.pieces.some((piece) => piece.isCut);
  }

  #brush(piece: Piece): void {
    const { brushing } = this.parts;
    if (brushing.piece === piece) brushing.stop();
    else this.#tried(brushing.start(piece));
  }

  #say(what: string, words: string | undefined): void {
    if (!words) return;
    this.parts.brushing.sync();
    this.parts.board.events.announce(`${what}: ${words}`);
    this.onChange();
  }

  /** The focus goes to the next piece where it was on the piece or on a tool of it. */
  #remove(piece: Piece): void {
    const { board, edits, webcam, status } = this.parts;
    const focused = document.activeElement;
    const followed = piece.element.contains(focused) || byId("tools").contains(focused);
    status.forget(piece);
    if (piece.state === "live") webcam.stop();
    else edits.remove([piece]);
    if (followed) (board.selected?.element ?? board.element).focus();
  }

  #clearAll(): void {
    const { board, edits, webcam, status } = this.parts;
    webcam.stop();
    for (const piece of board.pieces) status.forget(piece);
    edits.remove([...board.pieces]);
    board.element.focus();
    status.done("The board was cleared. Undo brings everything back.");
  }

  async #cutAgain(piece: Piece): Promise<void> {
    const { cutting, consent, edits } = this.parts;
    if (piece.isBusy || piece.state === "live") return;
    consent.reconsider();
    const before = piece.shape;
    if ((await cutting.cut(piece, this.settings())) && before.mask) edits.reshaped(piece, before, "cutting out");
  }

  #tried(work: Promise<void>): void {
    work.catch((error: unknown) => this.parts.status.trouble(troubleOf(error)));
  }
}
