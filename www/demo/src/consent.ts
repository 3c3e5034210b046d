// Whether a photograph may be sent where the visitor had not chosen that: asked once, remembered for the visit.

export class Consent {
  #answer: boolean | undefined;
  #asking: Promise<boolean> | undefined;

  /** `ask` puts the question to the visitor; `why` is the device's failure as a sentence. */
  constructor(readonly ask: (why: string, signal: AbortSignal) => Promise<boolean>) {}

  /** The visitor's answer. Rejects when `signal` is aborted while the question stands. */
  async toPost(why: string, signal: AbortSignal): Promise<boolean> {
    if (this.#answer !== undefined) return this.#answer;
    this.#asking ??= this.ask(why, signal).finally(() => (this.#asking = undefined));
    this.#answer = await this.#asking;
    return this.#answer;
  }

  /** A "no" stands until the visitor asks for a cut-out again; then the question may be put once more. */
  reconsider(): void {
    if (this.#answer === false) this.#answer = undefined;
  }
}
