// The workers that segmenters share.

import { HeadwaterError, wrap } from "./errors.js";
import { CONNECT } from "./limits.js";

/** The worker's script cannot be had, or may not be a worker: code `download`. */
export class NoWorker extends HeadwaterError {
  constructor(message: string, cause?: unknown) {
    super("download", message, { cause });
  }
}

/** A worker and who uses it. */
interface Hired {
  worker: Worker;
  /** Called when it has failed, and with it everything it does. */
  users: Set<(error: HeadwaterError) => void>;
}

const hired = new Map<Worker | string, Hired>();

/** A way to a worker. */
export interface Line {
  port: MessagePort;
  /** The last one to close ends the worker, unless it is the caller's own. */
  hangUp(): void;
}

/**
 * A port to the worker at `where`, which is started if nobody uses it yet. `onFailure` hears that it could not be, or
 * has failed. A worker of the caller's own has to import `headwater/worker-script.js`.
 */
export function connect(where: Worker | string | undefined, onFailure: (error: HeadwaterError) => void): Line {
  const key = where ?? "";
  const found = hired.get(key) ?? hire(where, key);
  const { worker, users } = found;
  users.add(onFailure);
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(CONNECT, [port2]);
  const hangUp = (): void => {
    port1.close();
    users.delete(onFailure);
    if (users.size > 0 || hired.get(key) !== found) return;
    hired.delete(key);
    if (typeof where !== "object") worker.terminate();
  };
  return { port: port1, hangUp };
}

const HELP =
  "esbuild needs the option `worker`, Vite before 8 has to exclude headwater from optimizeDeps, " +
  "another origin has to allow this page to read the script (CORS)";

/** @throws HeadwaterError `unsupported` where there are no workers, `download` when the browser refuses the script. */
function start(where: string | undefined): Worker {
  if (typeof Worker === "undefined") {
    const help = "import headwater instead of headwater/worker";
    throw new HeadwaterError("unsupported", `this runtime has no workers of the web's kind: ${help}`);
  }
  const begin = (): Worker => {
    // Bundlers look for exactly this expression and make a worker of the file.
    if (where === undefined) return new Worker(new URL("./worker-script.js", import.meta.url), { type: "module" });
    return new Worker(where, { type: "module" });
  };
  try {
    return begin();
  } catch (error) {
    if ((error as Partial<DOMException> | null)?.name !== "SecurityError") {
      throw new NoWorker(wrap(error, "download", "the worker cannot be started").message, error);
    }
    return startElsewhere(begin, error);
  }
}

/**
 * A worker whose script another origin holds, such as a CDN: browsers refuse its address, but a script of this origin
 * may import it. The address is known to bundlers alone, so `begin` is run once more with a class in the place of
 * `Worker` that only remembers its arguments.
 */
function startElsewhere(begin: () => void, refusal: unknown): Worker {
  const Real = globalThis.Worker;
  let address = "";
  let module = true;
  globalThis.Worker = class {
    constructor(url: string | URL, options?: WorkerOptions) {
      address = String(url);
      module = options?.type === "module";
    }
  } as typeof Worker;
  try {
    begin();
  } finally {
    globalThis.Worker = Real;
  }
  const quoted = JSON.stringify(address);
  const script = new Blob([module ? `import ${quoted};` : `importScripts(${quoted});`], { type: "text/javascript" });
  const url = URL.createObjectURL(script);
  try {
    return new Real(url, module ? { type: "module" } : {});
  } catch (error) {
    const help = "the script is another origin's; a content security policy has to allow it and worker-src blob:";
    throw new NoWorker(`the worker ${address.slice(0, 200)} cannot be started (${help})`, error ?? refusal);
  } finally {
    // The worker has begun to fetch it by then.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

function hire(where: Worker | string | undefined, key: Worker | string): Hired {
  const worker = typeof where === "object" ? where : start(where);
  const users: Hired["users"] = new Set();
  const fail = (event: Event): void => {
    if (hired.get(key)?.worker === worker) hired.delete(key);
    const { message } = event as ErrorEvent;
    // A script that cannot be had, or not be parsed, gives an event without a message.
    const error = message
      ? new HeadwaterError("internal", `the worker failed: ${message}`)
      : new NoWorker(`the worker's script could not be loaded (${HELP})`);
    for (const tell of [...users]) tell(error);
  };
  worker.addEventListener("error", fail);
  worker.addEventListener("messageerror", fail);
  const found = { worker, users };
  hired.set(key, found);
  return found;
}
