// What this browser's GPU can do, asked without loading a model.

import { isSoftware } from "./choose.js";
import { type Code, wrap } from "./errors.js";
import type { DeviceInfo } from "./face.js";
import { acquire, runtime, webgpuMissing } from "./runtime.js";

/** What {@link probe} finds. */
export interface Probe {
  /** Whether a device can be opened. */
  webgpu: boolean;
  /** What drives it, as the browser names it; null where there is none. */
  adapter: DeviceInfo | null;
  /** Whether it is as slow as a program that plays a GPU: the split `auto` then prefers the server. */
  software: boolean;
  /** Billions of floating point operations a second, measured on a small kernel; null where it was not. */
  gflops: number | null;
  /** Whether the adapter computes in half precision. */
  f16: boolean;
  /** The adapter's limits, in WebGPU's own words; null where there is none. */
  limits: Limits | null;
  /** Why it is not as it should be, a sentence; null where all is well. */
  reason: string | null;
  /** The same as a code: `no-adapter`, `device`, `download`, `internal`. Null for an adapter that is only slow. */
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

/** Opens the device that segmenters would share, and measures it once. Never throws. */
export async function probe(options: { wasm?: URL | string | WebAssembly.Module | undefined } = {}): Promise<Probe> {
  const found: Probe = {
    webgpu: false,
    adapter: null,
    software: false,
    gflops: null,
    f16: false,
    limits: null,
    reason: null,
    code: null,
  };
  try {
    const missing = webgpuMissing();
    if (missing) return { ...found, reason: missing, code: "no-adapter" };
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) {
      return { ...found, reason: "WebGPU is there, but no adapter that it may use", code: "no-adapter" };
    }
    found.limits = limitsOf(adapter);
    const lease = await acquire(await runtime(options.wasm));
    try {
      found.webgpu = true;
      found.adapter = lease.info;
      found.f16 = lease.info.f16;
      found.gflops = await lease.rate();
    } finally {
      lease.release();
    }
    found.software = isSoftware(found.gflops, isHinted(lease.info, adapter));
    if (found.software) {
      found.reason = `${lease.info.name} computes ${found.gflops.toFixed(0)} GFLOP/s: it is probably a program that plays a GPU`;
    }
    return found;
  } catch (error) {
    const { code, message } = wrap(error, "device");
    return { ...found, software: found.adapter?.type === "cpu", reason: message, code };
  }
}

/** Whether its type or a flag says that an adapter is a program. */
export function isHinted(info: DeviceInfo, adapter?: GPUAdapter): boolean {
  const flagged = adapter as { isFallbackAdapter?: boolean; info?: { isFallbackAdapter?: boolean } } | undefined;
  return info.type === "cpu" || !!(flagged?.info?.isFallbackAdapter ?? flagged?.isFallbackAdapter);
}

function limitsOf(adapter: GPUAdapter): Limits {
  const { limits } = adapter;
  return {
    maxTextureDimension2D: limits.maxTextureDimension2D,
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
  };
}
