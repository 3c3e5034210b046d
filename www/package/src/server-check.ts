// Whether a server is there and has the model, asked before weights are downloaded for it.

import { shownValue } from "./arguments.js";
import { type Code, HeadwaterError, isCode, wrap } from "./errors.js";
import type { Server } from "./server.js";

/** How long the answer may take where something else can be chosen, and where a server that wakes up is waited for. */
const AUTO_MILLIS = 15_000;
const NEEDED_MILLIS = 60_000;
/** The most bytes that a description can have. */
const MAX_BYTES = 2 ** 18;

/** Why a server cannot be used. `down`: it may be there again later; else its address or its model is wrong. */
export interface ServerTrouble {
  error: HeadwaterError;
  down: boolean;
}

/**
 * Asks `server` for its description of the model `name`. Resolves to undefined where it has the one whose hash is
 * `sha256`, or is too busy to answer. `needed`: nothing can be done without it. Never rejects.
 */
export async function serverTrouble(
  server: Server,
  name: string,
  sha256: string,
  needed: boolean,
  signal: AbortSignal | undefined,
): Promise<ServerTrouble | undefined> {
  const path = `/v2/models/${encodeURIComponent(name)}`;
  const trouble = (code: Code, message: string, down = false): ServerTrouble => ({
    error: new HeadwaterError(code, `${server.address}${path}: ${message}`),
    down,
  });
  try {
    const { status, contentType, body } = await server.get(
      path,
      MAX_BYTES,
      needed ? NEEDED_MILLIS : AUTO_MILLIS,
      signal,
    );
    if (status === 429 || status === 503) return undefined;
    const json = parsed(body);
    const found = `found status ${status} (${shownValue(contentType.slice(0, 64))}, ${body.length} bytes)`;
    const said = typeof json?.["error"] === "string" ? `, ${shownValue(json["error"])}` : "";
    if (status >= 500) return trouble("server-error", `expected a model's description, ${found}${said}`, true);
    if (status !== 200 && said !== "") {
      const code = json?.["code"];
      return trouble(isCode(code) ? code : "server-error", `${found}${said}`);
    }
    if (status !== 200 || typeof json?.["name"] !== "string") {
      const hint = "is it the address of a Headwater server, without /v2?";
      return trouble("bad-message", `expected the description of a model, ${found}: ${hint}`);
    }
    const theirs = (json["parameters"] as Record<string, unknown> | undefined)?.["model_sha256"];
    // Other servers of this protocol state none.
    if (typeof theirs === "string" && theirs !== sha256) {
      return trouble("mismatch", `expected the model with hash ${sha256}, found ${theirs.slice(0, 64)}`);
    }
    return undefined;
  } catch (thrown) {
    const error = wrap(thrown);
    return { error, down: error.code === "server-unreachable" || error.code === "timeout" };
  }
}

function parsed(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
