// What a file's tests share: one server, one browser.
import { Gate } from "./gate.mjs";
import { launch } from "./browser.mjs";
import { serve } from "./serving.mjs";

/** Opens all of it; `gate` puts a {@link Gate} before the server, and pages come from there. */
export async function openStage({ gate = false, flags } = {}) {
  const server = await serve();
  try {
    const between = gate ? await Gate.open(server.origin) : undefined;
    const browser = await launch({ flags });
    return {
      server,
      gate: between,
      browser,
      origin: between?.origin ?? server.origin,
      async close() {
        await browser.close();
        await between?.close().catch(() => undefined); // a test may have closed it
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
