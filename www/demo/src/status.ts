// What the page is doing now, what it asks, and what went wrong: shown in every place that asked for it.

import { bytes } from "./format.js";
import type { Trouble } from "./errors.js";
import { StatusView } from "./status-view.js";

/** Work that goes on. */
export interface Work {
  text: string;
  progress?: { loaded: number; total: number; unit: "bytes" | "steps" } | undefined;
  /** Where it can be given up. */
  cancel?: (() => void) | undefined;
  /** Where more of the same waits. */
  cancelAll?: (() => void) | undefined;
}

/** A question with two answers. */
export interface Question {
  text: string;
  yes: string;
  no: string;
  answer(yes: boolean): void;
}

export interface State {
  kind: "idle" | "working" | "asking" | "done" | "error";
  work:
    | {
        text: string;
        share: number | undefined;
        cancel: (() => void) | undefined;
        cancelAll: (() => void) | undefined;
      }
    | undefined;
  /** Said beside the work, or after it. */
  note: string;
  question: Question | undefined;
  troubles: Trouble[];
}

export class Status {
  #work: { owner: object; work: Work } | undefined;
  #note = "";
  #question: Question | undefined;
  /** By whatever they belong to, in the order in which they came. */
  readonly #troubles = new Map<object, Trouble>();
  readonly #views: Pick<StatusView, "show">[] = [];

  get isWorking(): boolean {
    return this.#work !== undefined;
  }

  /** Work of `owner` goes on; notes that were said before it give way. */
  work(owner: object, work: Work): void {
    if (this.#work?.owner !== owner) this.#note = "";
    this.#work = { owner, work };
    this.#show();
  }

  /** The work of `owner` has ended; another's is left alone. */
  rest(owner: object): void {
    if (this.#work?.owner !== owner) return;
    this.#work = undefined;
    this.#note = "";
    this.#show();
  }

  /** A sentence: beside work while there is some, else for as long as it takes to read it. */
  done(text: string): void {
    this.#note = text;
    this.#show();
  }

  /** An error stays until it is dismissed, or what it belongs to has gone well. One for each `key`. */
  trouble(trouble: Trouble, key: object = {}): void {
    this.#troubles.delete(key);
    this.#troubles.set(key, trouble);
    this.#show();
  }

  forget(key: object): void {
    if (this.#troubles.delete(key)) this.#show();
  }

  dismiss(): void {
    this.#troubles.clear();
    this.#note = "";
    this.#show();
  }

  /** Waits for the visitor's answer; rejects when `signal` is aborted, and the question goes. */
  ask(text: string, yes: string, no: string, signal: AbortSignal): Promise<boolean> {
    return new Promise<boolean>((resolve, reject) => {
      const end = () => {
        this.#question = undefined;
        signal.removeEventListener("abort", giveUp);
        this.#show();
      };
      const giveUp = () => (end(), reject(signal.reason));
      signal.addEventListener("abort", giveUp, { once: true });
      this.#question = { text, yes, no, answer: (answer) => (end(), resolve(answer)) };
      this.#show();
    });
  }

  showIn(place: HTMLElement): void {
    this.watch(new StatusView(place, () => this.dismiss()));
  }

  /** `view` is shown what there is now, and every change. */
  watch(view: Pick<StatusView, "show">): void {
    this.#views.push(view);
    view.show(this.#state());
  }

  #state(): State {
    const work = this.#work?.work;
    return {
      kind: this.#question
        ? "asking"
        : work
          ? "working"
          : this.#troubles.size > 0
            ? "error"
            : this.#note
              ? "done"
              : "idle",
      work: work && { text: textOf(work), share: shareOf(work), cancel: work.cancel, cancelAll: work.cancelAll },
      note: this.#note,
      question: this.#question,
      troubles: [...this.#troubles.values()],
    };
  }

  #show(): void {
    const state = this.#state();
    for (const view of this.#views) view.show(state);
  }
}

function textOf({ text, progress }: Work): string {
  if (!progress || progress.total <= 0) return text;
  const { loaded, total, unit } = progress;
  return unit === "bytes" ? `${text}: ${bytes(loaded)} of ${bytes(total)}` : `${text}: ${loaded} of ${total}`;
}

function shareOf({ progress }: Work): number | undefined {
  return progress && progress.total > 0 ? Math.min(1, progress.loaded / progress.total) : undefined;
}
