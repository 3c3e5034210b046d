// The worker that runs nets: the package's own, which also says what it has fetched.

import "headwater/worker-script.js";

/** To the page: one resource. It is in the worker's own list and not in the page's. */
export interface Fetched {
  type: "fetched";
  address: string;
  bytes: number;
}

new PerformanceObserver((list) => {
  for (const { name, transferSize } of list.getEntries() as PerformanceResourceTiming[]) {
    (postMessage as (message: Fetched) => void)({ type: "fetched", address: name, bytes: transferSize });
  }
}).observe({ type: "resource", buffered: true });
