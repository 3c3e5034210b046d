// Which parts of the net a split leaves to whom.

import type { ModelDescription } from "headwater";

export type Place = "client" | "server";

/** One for each of the model's stages. A split that the model does not name is drawn as if all of it ran here. */
export function placesOf(model: ModelDescription, split: string): Place[] {
  const column = model.splits.findIndex(({ name }) => name === split);
  return model.stages.map(({ sides }) => (sides[column] === "body" ? "server" : "client"));
}
