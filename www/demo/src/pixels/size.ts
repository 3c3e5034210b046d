// Sizes in pixels.

export interface Size {
  width: number;
  height: number;
}

/** The largest size in the picture's proportions that is within `bound`, and never above its own. */
export function within(size: Size, bound: Size): Size {
  const factor = Math.min(1, bound.width / size.width, bound.height / size.height);
  return {
    width: Math.max(1, Math.round(size.width * factor)),
    height: Math.max(1, Math.round(size.height * factor)),
  };
}
