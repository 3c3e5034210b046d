// Blobs handed to the visitor: as a download, or on the clipboard.

import { el } from "./dom.js";

export function download(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the download reads it after the click
}

/** Browsers want this to be called in the event of a key or a click; the picture may come later. */
export async function copy(png: Promise<Blob>): Promise<void> {
  if (!navigator.clipboard || typeof ClipboardItem === "undefined") {
    throw new Error(
      isSecureContext
        ? "This browser lets no page copy pictures. Save the picture instead."
        : "Pages that came neither by HTTPS nor from this machine may not copy. Save the picture instead.",
    );
  }
  await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
}

/** A file's name without its ending. */
export function stem(name: string): string {
  return name.replace(/\.[a-z0-9]+$/i, "") || "photograph";
}

/** Names that differ, as files of one folder have to: `a.png`, `a-2.png`. Case counts for nothing, as on many disks. */
export function distinct(names: string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const dot = name.lastIndexOf(".");
    const [first, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    let free = name;
    for (let count = 2; taken.has(free.toLowerCase()); count++) free = `${first}-${count}${ending}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
