// One error class for the whole package: a code to branch on and a sentence for people.

/** Codes that the Wasm module and the server give. */
const WASM_CODES = [
  "bad-argument",
  "bad-model",
  "bad-image",
  "bad-shape",
  "unsupported-operator",
  "unknown-split",
  "bad-message",
  "mismatch",
  "server-unreachable",
  "server-error",
  "server-busy",
  "timeout",
  "no-adapter",
  "adapter-limit",
  "device",
  "download",
  "io",
  "internal",
] as const;

/** Codes that only the browser's side gives. */
const BROWSER_CODES = ["aborted", "released", "storage", "unsupported"] as const;

/** What went wrong, in the few classes that a caller can act on. The README says what helps against each. */
export type Code = (typeof WASM_CODES)[number] | (typeof BROWSER_CODES)[number];

const CODES: ReadonlySet<string> = new Set<string>([...WASM_CODES, ...BROWSER_CODES]);

/** The only error that this package throws. `message` says what was expected and what was found. */
export class HeadwaterError extends Error {
  /** To branch on. */
  readonly code: Code;

  /** `options.cause` is the error behind this one, where there is one. */
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HeadwaterError";
    this.code = code;
  }
}

/** Whether `value` is one of the codes, and not, say, the number that a DOMException has under that name. */
export function isCode(value: unknown): value is Code {
  return typeof value === "string" && CODES.has(value);
}

/**
 * Turns whatever was thrown into a {@link HeadwaterError}. Errors that carry a code keep it, aborts become
 * `aborted`, a full disk `storage`; everything else becomes `otherwise`. `place` goes before the message.
 */
export function wrap(error: unknown, otherwise: Code = "internal", place = ""): HeadwaterError {
  const before = place === "" ? "" : `${place}: `;
  if (error instanceof HeadwaterError) return error;
  if (typeof error !== "object" || error === null) return new HeadwaterError(otherwise, before + String(error));
  const { name, message, code } = error as { name?: unknown; message?: unknown; code?: unknown };
  const said = before + (typeof message === "string" && message !== "" ? message : String(name ?? error));
  if (isCode(code)) return new HeadwaterError(code, said, { cause: error });
  // By name: old browsers have a DOMException where new ones have a class of its own.
  if (name === "AbortError") return new HeadwaterError("aborted", said, { cause: error });
  if (name === "QuotaExceededError") return new HeadwaterError("storage", said, { cause: error });
  return new HeadwaterError(otherwise, said, { cause: error });
}

/** A message fit to stand within a sentence: without its full stop. */
export function clause(message: string): string {
  return message.replace(/\.+$/, "");
}
