// What a segmenter tells of by itself.

/**
 * `devicelost`: the GPU's device went away while a picture was segmented; it is opened again. `recovered`: it was, and
 * the picture is done. `fallback`: this device cannot run its part, so that from now on the pictures themselves are
 * posted.
 */
export type SegmenterEventType = "devicelost" | "recovered" | "fallback";

/** A segmenter's event. `detail.reason` is a sentence. */
export type SegmenterEvent = CustomEvent<{ reason: string }>;

// Merged with the class: it inherits these methods from EventTarget, and here they get their events' types.
export interface SegmenterTarget {
  addEventListener(
    type: SegmenterEventType,
    listener: ((event: SegmenterEvent) => void) | EventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener(
    type: SegmenterEventType,
    listener: ((event: SegmenterEvent) => void) | EventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  /** The same as `release`, for `using segmenter = await Segmenter.load(…)`. */
  [Symbol.dispose](): void;
}

// As TypeScript's own library and Node's types declare it, for users whose `lib` has no ESNext.Disposable.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

/** What both segmenters, the page's and the worker's, are made of. */
export abstract class SegmenterTarget extends EventTarget {
  static {
    // Older browsers have no such symbol, and then no `using` that would ask for it.
    const { dispose } = Symbol as { dispose?: symbol };
    const value = function (this: SegmenterTarget): void {
      this.release();
    };
    if (dispose) Object.defineProperty(this.prototype, dispose, { value, configurable: true, writable: true });
  }

  /** Frees what it holds. */
  abstract release(): void;

  /** Dispatches an event. */
  protected tell(type: SegmenterEventType, reason: string): void {
    this.dispatchEvent(new CustomEvent(type, { detail: { reason } }));
  }
}
