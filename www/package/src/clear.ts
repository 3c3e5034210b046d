// Removing models from the browser's cache.

import { bad } from "./arguments.js";
import { clearAll, clearModel } from "./cache.js";
import { tag } from "./picture.js";
import { baseAddress, resolve } from "./source.js";

/**
 * Removes the model at an address from the browser's cache, or without one all models.
 *
 * @throws HeadwaterError `bad-argument` when the address is none
 */
export async function clear(model?: string | URL): Promise<void> {
  if (model === undefined) return clearAll();
  if (typeof model !== "string" && tag(model) !== "URL") bad("model", model, "an address, for nothing else is cached");
  await clearModel(addressOf(model));
}

/** A model's address as the cache knows it. */
export function addressOf(model: string | URL): URL {
  const url = resolve(model, baseAddress(), "model");
  url.hash = "";
  return url;
}
