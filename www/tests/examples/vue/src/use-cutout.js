import { removeBackground } from "headwater";
import { onWatcherCleanup, shallowRef, toValue, watchEffect } from "vue";

/** The cut-out of `source` (an address, a File, or a ref of either) as an address for an <img>, and what went wrong. */
export function useCutout(source, options) {
  const url = shallowRef();
  const error = shallowRef();
  watchEffect(async () => {
    const picture = toValue(source);
    const controller = new AbortController();
    const { signal } = controller;
    let address;
    onWatcherCleanup(() => {
      controller.abort();
      if (address) URL.revokeObjectURL(address);
    });
    url.value = error.value = undefined;
    if (!picture) return;
    try {
      const blob = await removeBackground(picture, { ...options, signal });
      if (signal.aborted) return;
      url.value = address = URL.createObjectURL(blob);
    } catch (thrown) {
      if (!signal.aborted) error.value = thrown;
    }
  });
  return { url, error };
}
