// The ways photographs come in: dropped, pasted, picked.

import { byId } from "./dom.js";

export interface Arrival {
  file: Blob;
  name: string;
}

export interface Point {
  clientX: number;
  clientY: number;
}

/** `onArrivals` gets what came together, in its order; `at` is where it was dropped on the board. */
export function startDrop(
  onArrivals: (arrivals: Arrival[], at?: Point) => void,
  onRefusal: (error: unknown) => void,
): void {
  // What a file is its bytes say, when they are read: types are missing or wrong often enough.
  const take = (files: Iterable<File>, at?: Point) =>
    onArrivals(
      [...files].map((file) => ({ file, name: file.name || "photograph" })),
      at,
    );

  const input = byId("pick", HTMLInputElement);
  input.addEventListener("change", () => {
    take(input.files ?? []);
    input.value = ""; // so that the same file can be picked again
  });

  // The words already hold a label that opens the same dialog; the rest of the empty board does so too.
  byId("invitation").addEventListener("click", (event) => {
    if (!(event.target as Element).closest("label")) input.click();
  });

  addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) take(event.clipboardData.files);
  });

  // Enter and leave fire for every element passed over: their balance says whether the file is still above the page.
  let depth = 0;
  const mark = (change: number) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  addEventListener("dragenter", () => mark(1));
  addEventListener("dragleave", () => mark(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    const at = (event.target as Element).closest("#board") ? event : undefined;
    const files = event.dataTransfer?.files;
    if (files?.length) return take(files, at);
    const address = event.dataTransfer?.getData("text/uri-list").split("\n")[0];
    if (address) void follow(address, at);
  });

  /** A picture dragged from this page is an address. Other sites' pictures cannot be read from here. */
  async function follow(address: string, at?: Point): Promise<void> {
    try {
      if (new URL(address, location.href).origin !== location.origin) {
        throw new Error("A picture of another site cannot be read from here. Save it first, or copy it and paste it.");
      }
      onArrivals([await fetchPhoto(address)], at);
    } catch (error) {
      onRefusal(error);
    }
  }
}

export async function fetchPhoto(address: string): Promise<Arrival> {
  const name = new URL(address, location.href).pathname.split("/").at(-1)!;
  // The browser's own words for a server that is gone are "Failed to fetch".
  const answer = await fetch(address).catch(() => {
    throw new Error(`The photograph ${name} could not be fetched: check the connection, and that its server runs.`);
  });
  if (!answer.ok) throw new Error(`The photograph ${name} could not be fetched: the server answered ${answer.status}.`);
  return { file: await answer.blob(), name };
}
