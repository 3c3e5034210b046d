// What can be undone, and done again.

export interface Step {
  /** What was done, as it ends "Undone: …". */
  words: string;
  undo(): void;
  redo(): void;
}

/** Steps of the same kind that follow each other this quickly are one. */
const JOINED_MILLIS = 900;
/** Older steps are forgotten: removed pieces and strokes live as long as theirs. */
const DEPTH = 100;

export class History {
  #done: (Step & { kind: string | undefined; at: number })[] = [];
  #undone: Step[] = [];

  /** `onChange` is called when there is something else to undo or redo. */
  constructor(
    readonly onChange: () => void,
    readonly now: () => number = () => performance.now(),
  ) {}

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** A step that was made. Where `kind` is the last one's too, and little time has gone by, they are one. */
  add(step: Step, kind?: string): void {
    const last = this.#done.at(-1);
    const at = this.now();
    this.#undone = [];
    if (last && kind !== undefined && last.kind === kind && at - last.at < JOINED_MILLIS) {
      this.#done[this.#done.length - 1] = { ...step, undo: last.undo, kind, at };
    } else {
      this.#done.push({ ...step, kind, at });
      if (this.#done.length > DEPTH) this.#done.shift();
    }
    this.onChange();
  }

  /** Returns the words of what was undone. */
  undo(): string | undefined {
    const step = this.#done.pop();
    if (!step) return undefined;
    step.undo();
    this.#undone.push(step);
    this.onChange();
    return step.words;
  }

  redo(): string | undefined {
    const step = this.#undone.pop();
    if (!step) return undefined;
    step.redo();
    // Never joined with what comes next.
    this.#done.push({ ...step, kind: undefined, at: -Infinity });
    this.onChange();
    return step.words;
  }
}
