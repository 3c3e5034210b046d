// What the page and its pixel worker say to each other.

import type { Operations } from "./operations.js";

export type OperationName = keyof Operations;

export interface Request {
  id: number;
  name: OperationName;
  given: unknown;
}

export type Answer =
  { id: number; result: unknown } | { id: number; failure: { code: string; message: string; help?: string } };
