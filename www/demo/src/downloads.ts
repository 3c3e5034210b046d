// Bytes of model files that came over the network since the page was opened, by the browser's own account.

export class Downloads {
  bytes = 0;

  constructor() {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        if (new URL(entry.name).pathname.startsWith("/models/")) this.bytes += entry.transferSize;
      }
    }).observe({ type: "resource", buffered: true });
  }
}
