/** The longest side of a picture or a mask, in pixels: what WebGPU guarantees of a texture. */
export const MAX_SIDE = 8192;
