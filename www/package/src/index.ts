// What `import … from "headwater"` gives.

export type { CutoutOptions, CutoutOutput, CutoutResult, CutoutType, PictureSource } from "./cutout-options.js";
export type { Edges } from "./edges.js";
export { type Code, HeadwaterError } from "./errors.js";
export type { Estimate } from "./estimate.js";
export type { SegmenterEvent, SegmenterEventType } from "./events.js";
export type { DeviceInfo } from "./face.js";
export { Mask } from "./mask.js";
export { probe } from "./probe.js";
export type { Limits, Probe, ProbeOptions } from "./probe-result.js";
export { decodeUpright } from "./orientation.js";
export {
  type RemoveBackground,
  type RemoveBackgroundOptions,
  DEFAULT_MODEL,
  removeBackground,
} from "./remove-background.js";
export { Segmenter } from "./page-segmenter.js";
export type {
  Codec,
  Crossing,
  CrossingTensor,
  HeaderValues,
  ImageSource,
  LoadOptions,
  ModelDescription,
  ModelSource,
  Precision,
  Progress,
  Report,
  RequestHeaders,
  SegmentOptions,
  SegmentResult,
  SegmentStage,
  SplitDescription,
} from "./types.js";
