// What callers pass, checked by hand: JavaScript knows no types, and a misspelt option must not be ignored.

import { HeadwaterError } from "./errors.js";

/** The names that an options object may have. A type with one more or one fewer does not compile. */
export type Names<Options> = Readonly<Record<keyof Required<Options>, true>>;

/**
 * Checks that `options` is an object whose every name is among `names`.
 *
 * @throws HeadwaterError `bad-argument`, with the known name that is nearest to the unknown one.
 */
export function checkNames(call: string, options: unknown, names: Readonly<Record<string, true>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    bad(`options of ${call}`, options, "an object");
  }
  for (const name of Object.keys(options as object)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const near = known.filter((other) => distance(name.toLowerCase(), other.toLowerCase()) <= 2)[0];
    const help = near ? `did you mean "${near}"?` : `expected one of ${known.join(", ")}`;
    throw new HeadwaterError("bad-argument", `${call} has no option ${shownValue(name)}: ${help}`);
  }
}

/** @throws HeadwaterError `bad-argument` unless `value` is undefined or a `type`, as `typeof` names it. */
export function checkType(name: string, value: unknown, type: "boolean" | "function"): void {
  if (value !== undefined && typeof value !== type) bad(name, value, `a ${type}`);
}

/** @throws HeadwaterError `bad-argument` unless `value` is undefined or one of `words`. */
export function checkWord(name: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  bad(name, value, `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
}

/** @throws HeadwaterError `bad-argument` unless `signal` is undefined or an AbortSignal, perhaps of another frame. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== "boolean" || typeof addEventListener !== "function") bad("signal", signal, "an AbortSignal");
}

/** @throws HeadwaterError `bad-argument`, with what was expected and what was found. */
export function bad(name: string, found: unknown, expected: string): never {
  throw new HeadwaterError("bad-argument", `${name}: expected ${expected}, found ${shownValue(found)}`);
}

/** A value fit for a message: short, and never an exception. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 200));
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return `[${value.slice(0, 4).map(shownValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) return Object.prototype.toString.call(value).slice(8, -1);
  return String(value);
}

/** How many letters have to be added, removed or replaced to make `a` of `b` (Levenshtein's distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const letter of a) {
    const next = [row[0]! + 1];
    for (let i = 0; i < b.length; i += 1) {
      next.push(Math.min(row[i]! + (letter === b[i] ? 0 : 1), row[i + 1]! + 1, next[i]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
