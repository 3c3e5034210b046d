// What every request of one kind carries: headers of the caller's own, and cookies.

import { raced } from "./abort.js";
import { bad, checkWord } from "./arguments.js";
import { HeadwaterError, wrap } from "./errors.js";
import type { RequestHeaders } from "./types.js";

/** Headers and credentials as options give them. Their values are secrets: no message contains one. */
export interface Carried {
  /** The option's name, for messages. */
  name: "headers" | "modelHeaders";
  headers: RequestHeaders | undefined;
  credentials: RequestCredentials | undefined;
}

/** @throws HeadwaterError `bad-argument` when headers are neither a function nor text by names. */
export function checkCarried({ name, headers, credentials }: Carried): void {
  checkWord(name === "headers" ? "credentials" : "modelCredentials", credentials, ["omit", "same-origin", "include"]);
  if (headers !== undefined && typeof headers !== "function") toHeaders(name, headers);
}

/**
 * What `fetch` needs for one request; the caller sets its own headers over them.
 *
 * @throws HeadwaterError `bad-argument` when a function fails or gives no headers, unless its error has a code;
 * `timeout` and `aborted` as `signal` says while the function is awaited.
 */
export async function carry(
  { name, headers, credentials }: Carried,
  signal: AbortSignal,
): Promise<{ headers: Headers; credentials?: RequestCredentials }> {
  let given = headers;
  if (typeof given === "function") {
    const call = given;
    given = await raced(
      (async () => call())().catch((error: unknown) => {
        throw wrap(error, "bad-argument", `the function ${name} failed`);
      }),
      signal,
    );
  }
  return { headers: toHeaders(name, given ?? {}), ...(credentials && { credentials }) };
}

function toHeaders(name: string, values: unknown): Headers {
  if (typeof values !== "object" || values === null) bad(name, values, "an object of texts by header names");
  const headers = new Headers();
  for (const [key, value] of Object.entries(values as object)) {
    try {
      if (typeof value !== "string") throw new TypeError("no text");
      headers.set(key, value);
    } catch {
      // Without the cause, which may quote the value.
      throw new HeadwaterError("bad-argument", `${name}: ${JSON.stringify(key.slice(0, 100))} is no header of HTTP`);
    }
  }
  return headers;
}
