// The status as elements: a line of work with its progress, a question, what was done, what went wrong.

import { el } from "./dom.js";
import type { State } from "./status.js";

/** What was done is said long enough to be read, then gives way to the board. Work, questions and errors stay. */
const LEAVING: KeyframeAnimationOptions = { delay: 6000, duration: 700, fill: "forwards" };

export class StatusView {
  readonly #line = el("p", { class: "status-text", role: "status" });
  readonly #bar = el("progress", { max: 1, "aria-label": "Progress" });
  readonly #cancel = button("Cancel", "cancel");
  readonly #cancelAll = button("Cancel all", "cancel-all");
  readonly #work = el(
    "div",
    { class: "status-row" },
    el("div", { class: "status-words" }, this.#line),
    this.#bar,
    this.#cancel,
    this.#cancelAll,
  );
  readonly #note = el("p", { class: "status-note", role: "status" });
  readonly #question = el("p", { class: "status-words", role: "alert" });
  readonly #yes = button("Send", "consent-yes");
  readonly #no = button("Not now", "consent-no");
  readonly #asking = el(
    "div",
    { class: "status-row status-asking", role: "group", "aria-label": "Question", "data-testid": "question" },
    this.#question,
    this.#yes,
    this.#no,
  );
  readonly #count = el("strong", {});
  readonly #list = el("ul", { class: "status-troubles", "data-testid": "troubles" });
  readonly #wrong = el("div", { class: "status-words", role: "alert" }, this.#count, this.#list);
  readonly #dismiss = button("Dismiss", "dismiss");
  readonly #errors = el("div", { class: "status-row" }, this.#wrong, this.#dismiss);
  readonly #place: HTMLElement;
  #state: State | undefined;
  #leaving: Animation | undefined;

  constructor(place: HTMLElement, onDismiss: () => void) {
    this.#place = place;
    this.#cancel.addEventListener("click", () => this.#state?.work?.cancel?.());
    this.#cancelAll.addEventListener("click", () => this.#state?.work?.cancelAll?.());
    this.#yes.addEventListener("click", () => this.#state?.question?.answer(true));
    this.#no.addEventListener("click", () => this.#state?.question?.answer(false));
    this.#dismiss.addEventListener("click", onDismiss);
    place.append(this.#asking, this.#work, this.#note, this.#errors);
  }

  show(state: State): void {
    this.#state = state;
    const { work, note, question, troubles } = state;
    const place = this.#place;
    const focused = document.activeElement;
    place.dataset["state"] = state.kind;
    place.dataset["code"] = troubles.at(-1)?.code ?? "";
    place.hidden = state.kind === "idle";

    this.#asking.hidden = !question;
    say(this.#question, question?.text ?? "");
    this.#yes.textContent = question?.yes ?? "";
    this.#no.textContent = question?.no ?? "";

    this.#work.hidden = !work;
    say(this.#line, work?.text ?? "");
    if (work?.share === undefined) this.#bar.removeAttribute("value");
    else this.#bar.value = work.share;
    this.#cancel.hidden = !work?.cancel;
    this.#cancelAll.hidden = !work?.cancelAll;

    this.#note.hidden = !note;
    say(this.#note, note);

    this.#errors.hidden = troubles.length === 0;
    this.#count.hidden = troubles.length < 2;
    say(this.#count, `${troubles.length} things went wrong`);
    const lines = troubles.map(({ what, help }) => (help ? `${what} ${help}` : what));
    const shown = [...this.#list.children].map(({ textContent }) => textContent);
    if (lines.length !== shown.length || lines.some((line, at) => line !== shown[at])) {
      this.#list.replaceChildren(
        ...troubles.map(({ what, help, code }) =>
          el("li", { "data-code": code }, what, ...(help ? [" ", el("span", { class: "status-help" }, help)] : [])),
        ),
      );
    }

    // A button that goes takes the focus with it.
    if (focused && place.contains(focused) && focused.closest("[hidden]"))
      heirOf(place)?.focus({ preventScroll: true });

    this.#leaving?.cancel();
    if (state.kind === "done") this.#leaving = place.animate({ opacity: 0 }, LEAVING);
  }
}

/** What the status is about: the comparison, or the chosen piece, or the board. */
function heirOf(place: HTMLElement): HTMLElement | null {
  const around = place.closest<HTMLElement>("dialog, #board");
  return around?.querySelector<HTMLElement>("input[type=range], [data-selected]") ?? around;
}

function button(words: string, testid: string): HTMLButtonElement {
  return el("button", { type: "button", class: "quiet", "data-testid": testid }, words);
}

/** Live regions speak whenever they are written, so they are written when the words change. */
function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
