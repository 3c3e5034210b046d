// What the page is doing now: one state, shown in every place that asked for it.

import { bytes } from "./format.js";
import { el } from "./dom.js";
import type { Trouble } from "./errors.js";

export interface State {
  kind: "idle" | "working" | "done" | "error";
  text: string;
  help?: string;
  code?: string;
  /** 0 to 1, where the end is known. */
  progress?: number;
  cancel?: () => void;
}

/** What was done is said long enough to be read, then gives way to the board. Work and errors stay. */
const LEAVING: KeyframeAnimationOptions = { delay: 6000, duration: 700, fill: "forwards" };

export class Status {
  #state: State = { kind: "idle", text: "" };
  readonly #views: ((state: State) => void)[] = [];

  get state(): State {
    return this.#state;
  }

  set(state: State): void {
    this.#state = state;
    for (const view of this.#views) view(state);
  }

  working(
    text: string,
    cancel: () => void,
    progress?: { loaded: number; total: number; unit: "bytes" | "steps" },
  ): void {
    const state: State = { kind: "working", text, cancel };
    if (progress && progress.total > 0) {
      state.progress = Math.min(1, progress.loaded / progress.total);
      state.text =
        progress.unit === "bytes"
          ? `${text}: ${bytes(progress.loaded)} of ${bytes(progress.total)}`
          : `${text}: ${progress.loaded} of ${progress.total}`;
    }
    this.set(state);
  }

  done(text: string): void {
    this.set({ kind: "done", text });
  }

  /** An error stays until it is dismissed or other work begins. */
  trouble(trouble: Trouble): void {
    this.set({ kind: "error", text: trouble.what, help: trouble.help, code: trouble.code });
  }

  showIn(place: HTMLElement): void {
    const line = el("p", { class: "status-text", role: "status" });
    const help = el("p", { class: "status-help" });
    const bar = el("progress", { max: 1, "aria-label": "Progress" });
    const cancel = el("button", { type: "button", class: "quiet", "data-testid": "cancel" }, "Cancel");
    const close = el("button", { type: "button", class: "quiet" }, "Dismiss");
    cancel.addEventListener("click", () => this.#state.cancel?.());
    close.addEventListener("click", () => this.set({ kind: "idle", text: "" }));
    place.append(el("div", { class: "status-words" }, line, help), bar, cancel, close);

    let leaving: Animation | undefined;
    const view = (state: State) => {
      place.dataset["state"] = state.kind;
      place.dataset["code"] = state.code ?? "";
      place.hidden = !state.text;
      if (line.textContent !== state.text) line.textContent = state.text;
      help.textContent = state.help ?? "";
      help.hidden = !state.help;
      bar.hidden = state.kind !== "working";
      if (state.progress === undefined) bar.removeAttribute("value");
      else bar.value = state.progress;
      cancel.hidden = !state.cancel;
      close.hidden = state.kind !== "error";
      leaving?.cancel();
      if (state.kind === "done") leaving = place.animate({ opacity: 0 }, LEAVING);
    };
    this.#views.push(view);
    view(this.#state);
  }
}
