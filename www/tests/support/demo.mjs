// The demo page in a context of its own, and what tests of it ask again and again.
import { visit } from "./browser.mjs";

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** The selector of a `data-testid`. */
export const id = (name) => `[data-testid="${name}"]`;

/** Opens `/${query}` of the stage's demo; the context is closed when the test `t` ends. `before` runs in it first, `gate` gets the gate. */
export async function openDemo(stage, t, query, options = {}) {
  const { viewport = DESKTOP, colorScheme = "light", before, arg, permissions, gate } = options;
  stage.gate?.reset();
  gate?.(stage.gate);
  const context = await stage.browser.newContext({ viewport, colorScheme, acceptDownloads: true, permissions });
  t.after(() => context.close());
  // Violations of the policy are errors on the console too; this says which.
  const opened = await visit(context, "about:blank", {
    before: () => addEventListener("securitypolicyviolation", (event) => console.error(event.violatedDirective)),
  });
  if (before) await opened.page.addInitScript(before, arg);
  await opened.page.goto(`${stage.origin}/${query}`);
  return opened;
}

/** When the model's header is there and the adapter is known. */
export function ready(page) {
  return page.waitForFunction(() => {
    const adapter = document.querySelector('[data-testid="adapter"]');
    return adapter.textContent && document.querySelector('#split option[value="U3"]');
  });
}

/** Waits until `count` pieces are cut out. */
export function cutOut(page, count = 1) {
  return page.waitForFunction(
    ([selector, count]) => document.querySelectorAll(selector).length === count,
    [`${id("piece")}[data-state="cut"]`, count],
    { timeout: 150_000 },
  );
}

/** Waits for a state of the status: `working`, `asking`, `done`, `error`. */
export function statusIs(page, ...states) {
  return page.waitForFunction(
    ([selector, states]) => states.includes(document.querySelector(selector).dataset.state),
    [id("status"), states],
    { timeout: 150_000 },
  );
}

/** A sample photograph as a file for `setInputFiles`, under another name. */
export async function sampleFile(stage, sample, name) {
  const photo = await (await fetch(`${stage.origin}/photos/${sample}.jpg`)).arrayBuffer();
  return { name, mimeType: "image/jpeg", buffer: Buffer.from(photo) };
}

/** Drops files on the board at a point of the window, all at once. */
export async function dropFiles(page, files, clientX, clientY) {
  const list = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, bytes: buffer.toString("base64") }));
  await page.evaluate(
    ({ list, clientX, clientY }) => {
      const dataTransfer = new DataTransfer();
      for (const { name, mimeType, bytes } of list) {
        const data = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
        dataTransfer.items.add(new File([data], name, { type: mimeType }));
      }
      const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer, clientX, clientY });
      document.querySelector("[data-testid=board]").dispatchEvent(event);
    },
    { list, clientX, clientY },
  );
}

/** Centres of all pieces, in pixels of the window. */
export function centres(page) {
  return page.locator(id("piece")).evaluateAll((pieces) =>
    pieces.map((piece) => {
      const { left, top, width, height } = piece.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    }),
  );
}

/**
 * Takes WebGPU away in the page's workers. A worker has no way in for tests, so its script comes through the gate with
 * a line before it.
 */
export function hideWebGPU(gate) {
  const line = 'Object.defineProperty(WorkerNavigator.prototype, "gpu", { get: () => undefined });\n';
  gate.hook = (request, response) => {
    if (new URL(request.url, gate.target).pathname !== "/segmenter.js") return false;
    void fetch(new URL("/segmenter.js", gate.target)).then(async (answer) => {
      response.writeHead(200, { "content-type": "text/javascript" }).end(line + (await answer.text()));
    });
    return true;
  };
}
