// What becomes of the old background's colours at soft edges.

import { checkWord } from "./arguments.js";

/**
 * `clean`: half-transparent pixels get the colour that the subject alone has there, estimated from its surroundings.
 * `keep`: they keep the photograph's colour, in which the old background is mixed.
 */
export type Edges = "clean" | "keep";

const EDGES: readonly string[] = ["clean", "keep"] satisfies Edges[];

/** @throws HeadwaterError `bad-argument` */
export function checkEdges(edges: Edges): void {
  checkWord("edges", edges, EDGES);
}
