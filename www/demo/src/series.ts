// Which of several pictures is being worked on: "3 of 12". A series begins with a first member and ends with its last.

export class Series<T> {
  #members: T[] = [];
  readonly #open = new Set<T>();

  /** Adds a member at the end. Joining twice is joining once. */
  join(member: T): void {
    if (this.#open.has(member)) return;
    this.#members.push(member);
    this.#open.add(member);
  }

  /** A member is done, failed or cancelled. Returns the size of the series that ended with it, else undefined. */
  leave(member: T): number | undefined {
    if (!this.#open.delete(member) || this.#open.size > 0) return undefined;
    const size = this.#members.length;
    this.#members = [];
    return size;
  }

  /** How many there are, done ones included. */
  get size(): number {
    return this.#members.length;
  }

  /** Those that are not done, in order. */
  get waiting(): T[] {
    return this.#members.filter((member) => this.#open.has(member));
  }

  /** Counted from 1; 0 for what is no member. */
  placeOf(member: T): number {
    return this.#members.lastIndexOf(member) + 1;
  }
}
