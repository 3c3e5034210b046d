// What this browser's GPU can do, asked without loading a model.

import { type Names, checkNames } from "./arguments.js";
import { isHinted, isSoftware } from "./choose.js";
import { type Limits, NOTHING_FOUND, type Probe, type ProbeOptions, failedProbe } from "./probe-result.js";
import { NO_ADAPTER, acquire, runtime, webgpuMissing } from "./runtime.js";

const NAMES: Names<ProbeOptions> = { wasm: true };

/** Opens the device that segmenters would share, and measures it once. Never throws. */
export async function probe(options: ProbeOptions = {}): Promise<Probe> {
  const found: Probe = { ...NOTHING_FOUND };
  try {
    checkNames("probe", options, NAMES);
    const missing = webgpuMissing();
    if (missing) return { ...found, reason: missing, code: "no-adapter" };
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) return { ...found, reason: NO_ADAPTER, code: "no-adapter" };
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
      const rate = found.gflops.toFixed(0);
      found.reason = `${lease.info.name} computes ${rate} GFLOP/s: it is probably a software adapter`;
    }
    return found;
  } catch (error) {
    return failedProbe(error, found);
  }
}

function limitsOf({ limits }: { limits: Limits }): Limits {
  return {
    maxTextureDimension2D: limits.maxTextureDimension2D,
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
  };
}
