// Constants that the page and the worker share. Beside nothing else: a chunk of its own for one of them would make
// bundlers warn.

/** The longest side of a picture or a mask, in pixels: what WebGPU guarantees of a texture. */
export const MAX_SIDE = 8192;

/** The message that brings a worker a segmenter's port. Other messages of the worker's own are left alone. */
export const CONNECT = "headwater-connect";
