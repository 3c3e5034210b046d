// What `probe` finds, in the page and in a worker.

import { type Code, clause, wrap } from "./errors.js";
import type { DeviceInfo } from "./face.js";

/** What `probe` finds. */
export interface Probe {
  /** Whether a device can be opened. */
  webgpu: boolean;
  /** What drives it, as the browser names it; null where there is none. */
  adapter: DeviceInfo | null;
  /** Whether it is as slow as a software adapter: the split `auto` then prefers the server. */
  software: boolean;
  /** Billions of floating point operations a second, measured on a small kernel; null where it was not. */
  gflops: number | null;
  /** Whether the adapter computes in half precision. */
  f16: boolean;
  /** The adapter's limits, in WebGPU's own words; null where there is none. */
  limits: Limits | null;
  /** Why it is not as it should be: a clause without a full stop, to stand after a colon. Null where all is well. */
  reason: string | null;
  /**
   * The same as a code: `no-adapter`, `device`, `download`, `bad-argument`, `internal`; from `headwater/worker` also
   * `unsupported`. Null for an adapter that is only slow.
   */
  code: Code | null;
}

/** Those of an adapter's limits that decide what fits. Bytes, but for the texture's side in pixels and the counts. */
export interface Limits {
  maxTextureDimension2D: number;
  maxBufferSize: number;
  maxStorageBufferBindingSize: number;
  maxStorageBuffersPerShaderStage: number;
  maxComputeInvocationsPerWorkgroup: number;
  maxComputeWorkgroupStorageSize: number;
}

/** How `probe` finds the Wasm module. */
export interface ProbeOptions {
  /** As the option of `load`. */
  wasm?: URL | string | WebAssembly.Module | undefined;
}

/** A probe that has found nothing yet. */
export const NOTHING_FOUND: Readonly<Probe> = {
  webgpu: false,
  adapter: null,
  software: false,
  gflops: null,
  f16: false,
  limits: null,
  reason: null,
  code: null,
};

/** What was `found` before `error` was thrown, and the error. */
export function failedProbe(error: unknown, found: Probe = NOTHING_FOUND): Probe {
  const { code, message } = wrap(error, "device");
  return { ...found, software: found.adapter?.type === "cpu", reason: clause(message), code };
}
