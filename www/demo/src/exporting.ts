// PNG files: one piece at its photograph's resolution, or the whole board.

import type { Backdrops } from "./backdrop.js";
import type { Board } from "./board.js";
import { canvasOf, context2d, el } from "./dom.js";
import type { Piece } from "./piece.js";

/** Longer side of an exported board, pixels. */
const BOARD_SIDE = 2400;

export async function exportPiece(piece: Piece): Promise<string> {
  const canvas = piece.cutout?.canvas;
  if (!canvas) throw new Error(`The photograph ${piece.name} has not been cut out yet.`);
  const name = `${stem(piece.name)}-cutout.png`;
  await save(canvas, name);
  return `${name} saved: ${canvas.width} × ${canvas.height} pixels.`;
}

export async function exportBoard(board: Board, backdrops: Backdrops): Promise<string> {
  const factor = BOARD_SIDE / Math.max(board.width, board.height);
  const canvas = canvasOf(Math.round(board.width * factor), Math.round(board.height * factor));
  const context = context2d(canvas);
  context.imageSmoothingQuality = "high";
  backdrops.paint(context, canvas.width, canvas.height);
  context.shadowColor = "rgb(12 22 26 / 0.32)";
  context.shadowBlur = 22 * factor;
  context.shadowOffsetY = 9 * factor;
  for (const piece of board.inOrder()) {
    const { x, y, width, height } = piece.box(canvas.width, canvas.height);
    context.drawImage(piece.visible, x, y, width, height);
  }
  await save(canvas, "board.png");
  return `board.png saved: ${canvas.width} × ${canvas.height} pixels.`;
}

async function save(canvas: HTMLCanvasElement, name: string): Promise<void> {
  const png = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!png)
    throw new Error(
      `The file ${name} could not be made: ${canvas.width} × ${canvas.height} pixels are too many for this browser.`,
    );
  const address = URL.createObjectURL(png);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the download reads it after the click
}

function stem(name: string): string {
  return name.replace(/\.[a-z0-9]+$/i, "") || "photograph";
}
