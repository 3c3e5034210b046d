// The page without a network: registers the worker that keeps its files.

/** Where there is no such worker (an insecure context, storage that is forbidden), the page needs its server. */
export function startOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  // What the visitor sees first needs the network more than what is kept for later.
  const register = () => void navigator.serviceWorker.register("service-worker.js").catch(() => undefined);
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

/** The address of a file of this build: its version is that of this script. */
export function asset(name: string): string {
  return name + new URL(import.meta.url).search;
}
