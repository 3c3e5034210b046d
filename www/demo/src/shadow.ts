// Room that the shadow of a cut-out takes on each side, CSS pixels.
export const SHADOW_ROOM = 34;
