// Calling functions of the caller's.

/** Calls `callback`. What it throws is reported as uncaught, like an event listener's error, and disturbs no work. */
export function callBack<Value>(callback: ((value: Value) => void) | undefined, value: Value): void {
  try {
    callback?.(value);
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else
      setTimeout(() => {
        throw error;
      });
  }
}
