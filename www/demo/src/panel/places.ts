// Which parts of the net a split leaves to whom.

import type { ModelDescription } from "headwater";

export type Place = "client" | "server";

/**
 * One for each of the model's stages. A cut that the model does not name, such as `P12`, leaves the front layers here
 * and the rest to the server; how much that is, `clientShare`, only a report says. Undefined where nobody knows.
 */
export function placesOf(model: ModelDescription, split: string, clientShare?: number): Place[] | undefined {
  const column = model.splits.findIndex(({ name }) => name === split);
  if (column >= 0) return model.stages.map(({ sides }) => (sides[column] === "body" ? "server" : "client"));
  if (clientShare === undefined) return undefined;
  const whole = model.stages.reduce((sum, { macs }) => sum + macs, 0);
  let before = 0;
  return model.stages.map(({ macs }) => {
    // A stage that is cut in two is drawn where the larger part of it ran.
    const middle = before + macs / 2;
    before += macs;
    return middle <= clientShare * whole ? "client" : "server";
  });
}

/** The model as it would run at `side`: a convolutional net's work is in proportion to the picture's pixels. */
export function atSize(model: ModelDescription, side: number): ModelDescription {
  const [width, height] = model.size;
  if (model.sizeMultiple === null || (width === side && height === side)) return model;
  const scaled = (macs: number) => Math.round((macs * side * side) / (width * height));
  return {
    ...model,
    size: [side, side],
    macs: scaled(model.macs),
    stages: model.stages.map((stage) => ({ ...stage, macs: scaled(stage.macs) })),
    splits: model.splits.map((split) => ({
      ...split,
      client_macs: scaled(split.client_macs),
      server_macs: scaled(split.server_macs),
    })),
  };
}
