// Every error becomes two sentences: what happened, and what to do about it.

import { sentence } from "./format.js";

export interface Trouble {
  code: string;
  what: string;
  help: string;
}

const HELP: Record<string, string> = {
  "bad-argument": "Choose another split, size or codec.",
  "bad-model":
    "The server's model file is not one that this page can read. Ask whoever runs it to fetch or convert the model again.",
  "bad-image": "Try a JPEG, PNG or WebP file.",
  "bad-shape": "Choose another size.",
  "unsupported-operator": "This model needs a newer Headwater.",
  "unknown-split": "Choose one of the splits in the list.",
  "bad-message":
    "This page and its server do not understand each other. Reload the page. If that does not help, whoever runs this site has to put “headwater serve” of the same version behind it.",
  mismatch: "The server has exchanged its model. Reload the page to get the new one.",
  "server-unreachable":
    "Check the connection and that the server runs, then try again. The split “local” computes in this browser and needs the server only until its weights are kept here.",
  "server-error": "Try again in a moment. If it stays so, tell whoever runs this site: the server's log says more.",
  "server-busy": "Other pictures are in the queue. Wait a moment and try again.",
  timeout: "Choose a smaller size, or a split that leaves the server less to do.",
  "no-adapter":
    "Use a current Chrome, Edge, Safari or Firefox, or choose the split “remote”, which sends the photograph to the server.",
  "adapter-limit": "Choose a smaller size: this one does not fit the graphics adapter.",
  device: "The graphics device stopped. Try again; if it happens twice, choose a smaller size.",
  download: "Check the connection and try again. What has arrived is kept.",
  io: "Try again.",
  internal: "This is a mistake of ours. Reload the page and tell us what you did.",
  released: "Try again.",
  unsupported: "This browser lacks what the page needs. A current Chrome, Edge, Safari or Firefox has it.",
  storage:
    "The browser's storage is full or closed to this page. It works without; the weights are then fetched each time.",
};

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const own = error instanceof Error && "help" in error && typeof error.help === "string" ? error.help : "";
  return { code, what: sentence(message), help: own || adviceOn(code, message) };
}

function adviceOn(code: string, message: string): string {
  // A connection that works brought the answer that there is nothing.
  if (code === "download" && /status 4\d\d/.test(message)) {
    return "Trying again will not help: whoever runs this site has to put the file there, as “headwater serve” does.";
  }
  return HELP[code] ?? "";
}

export function isAbort(error: unknown): boolean {
  return codeOf(error) === "aborted";
}

/** Failures of this device that a server can make up for. */
export function isOfDevice(error: unknown): error is Error & { code: string } {
  return ["no-adapter", "adapter-limit", "device"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "AbortError") return "aborted";
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "page";
}
