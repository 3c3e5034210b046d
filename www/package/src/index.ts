// What `import … from "headwater"` gives.

export { type Code, HeadwaterError } from "./errors.js";
export type { SegmenterEvent, SegmenterEventType } from "./events.js";
export type { DeviceInfo } from "./face.js";
export { Mask } from "./mask.js";
export { type Limits, type Probe, probe } from "./probe.js";
export { Segmenter } from "./segmenter.js";
export type {
  Codec,
  Crossing,
  CrossingTensor,
  ImageSource,
  LoadOptions,
  ModelDescription,
  ModelSource,
  Precision,
  Progress,
  Report,
  SegmentOptions,
  SegmentResult,
  SplitDescription,
} from "./types.js";
