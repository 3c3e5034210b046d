// Bytes of model files that came over the network since the page was opened, by the browser's own account.

export class Downloads {
  bytes = 0;

  /** One resource that the page's worker has fetched. */
  add(address: string, bytes: number): void {
    if (new URL(address).pathname.startsWith("/models/")) this.bytes += bytes;
  }
}
