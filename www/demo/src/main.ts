// Puts the parts together. Each of them does one thing; here is who hears of what.

import { probe, type Probe } from "headwater";
import { Backdrops } from "./backdrop.js";
import { Board } from "./board.js";
import { Compare } from "./compare.js";
import { Cutting } from "./cutting.js";
import { byId } from "./dom.js";
import { Downloads } from "./downloads.js";
import { fetchPhoto, startDrop, type Arrival } from "./drop.js";
import { Engine, WASM } from "./engine.js";
import { troubleOf } from "./errors.js";
import { sentence } from "./format.js";
import { exportBoard, exportPiece } from "./exporting.js";
import { startGestures } from "./gestures.js";
import { startKeys } from "./keys.js";
import { Panel } from "./panel.js";
import { startOffline } from "./offline.js";
import { adapterView } from "./panel/adapter.js";
import { openPhoto } from "./photo.js";
import type { Piece } from "./piece.js";
import { isSample, sampleAddress, startSamples } from "./samples.js";
import { SettingsControls } from "./settings.js";
import { Status } from "./status.js";
import { startTheme } from "./theme.js";
import { Tools, type Tool } from "./tools.js";
import { Webcam } from "./webcam.js";

startTheme();
startOffline();

const status = new Status();
for (const place of document.querySelectorAll<HTMLElement>("[data-status]")) status.showIn(place);

const panel = new Panel(new Downloads());
const settings = new SettingsControls(() => show());
const NOTICES = {
  devicelost: "The graphics device was lost and is being opened again",
  recovered: "The graphics device is back",
  fallback: "This device cannot run its part, so the photograph itself is posted",
};
const engine = new Engine((kind, reason) => status.done(`${NOTICES[kind]}. ${sentence(reason)}`));

const spoken = byId("spoken");
const board = new Board(
  byId("board"),
  () => show(),
  (piece) => piece === webcam.piece && webcam.stop(),
  (text) => (spoken.textContent = text),
);
const backdrops = new Backdrops(board.element);
const cutting = new Cutting(engine, status, (piece) => piece === board.selected && show());
const webcam = new Webcam(
  engine,
  board,
  status,
  () => settings.value,
  (piece) => piece === board.selected && show(),
  showCamera,
);
let splits = ["local", "remote"];
let found: Probe | undefined;
const compare = new Compare(
  cutting,
  () => splits,
  () => {
    show();
    board.selected?.element.focus();
  },
);
const tools = new Tools(useTool);

function show(): void {
  const piece = board.selected;
  tools.show(piece);
  panel.show(piece, settings.value);
  if (found) byId("adapter").replaceChildren(...adapterView(found, settings.value.split));
  const again = byId("again", HTMLButtonElement);
  again.disabled = !piece || piece.state === "working" || piece.state === "waiting" || piece.state === "live";
  byId("export-board", HTMLButtonElement).disabled = board.pieces.length === 0;
}

async function arrive({ file, name, at }: Arrival): Promise<void> {
  try {
    const photo = await openPhoto(file, name);
    const piece = board.add(photo, at);
    show();
    await cutting.cut(piece, settings.value);
    if (photo.remark && piece.cutout) status.done(photo.remark);
  } catch (error) {
    refuse(error);
  }
}

function refuse(error: unknown): void {
  status.trouble(troubleOf(error));
}

async function useSample(address: string): Promise<void> {
  try {
    await arrive(await fetchPhoto(address));
  } catch (error) {
    refuse(error);
  }
}

function cutAgain(piece: Piece): void {
  void cutting.cut(piece, settings.value);
}

function saved(what: Promise<string>): void {
  what.then((words) => status.done(words), refuse);
}

function useTool(tool: Tool): void {
  const piece = board.selected;
  if (!piece) return;
  const actions: Record<Tool, () => void> = {
    smaller: () => board.scale(piece, 1 / 1.12),
    larger: () => board.scale(piece, 1.12),
    lower: () => board.shift(piece, -1),
    raise: () => board.shift(piece, 1),
    again: () => cutAgain(piece),
    compare: () => compare.open(piece),
    export: () => saved(exportPiece(piece)),
    remove: () => board.remove(piece),
    keep: () => void webcam.keep(),
    stop: () => webcam.stop(),
  };
  actions[tool]();
}

function showCamera(): void {
  byId("camera").setAttribute("aria-pressed", String(webcam.running));
}

startGestures(board);
startKeys(board, {
  export: (piece) => saved(exportPiece(piece)),
  compare: (piece) => piece.cutout && compare.open(piece),
  cutAgain,
});
startDrop(
  (arrival) => void arrive(arrival),
  (why) => status.trouble({ code: "page", what: why, help: "" }),
);
startSamples((address) => void useSample(address));
byId("again").addEventListener("click", () => board.selected && cutAgain(board.selected));
byId("export-board").addEventListener("click", () => saved(exportBoard(board, backdrops)));
byId("camera").hidden = !Webcam.allowed;
byId("camera").addEventListener("click", () => {
  if (webcam.running) webcam.stop();
  else void webcam.start().then(showCamera);
});
show();

// The adapter decides the size that is suggested, so a photograph that the link asks for waits for it.
found = await probe({ wasm: WASM });
// Where the processor plays the graphics card, a page that moves while it computes takes half of it.
document.documentElement.toggleAttribute("data-still", found.software);
byId("adapter").dataset["software"] = String(found.software);
settings.knowDevice(found);
panel.knowDevice(found);

try {
  const model = await engine.describe();
  splits = [
    "local",
    ...model.splits.map(({ name }) => name).filter((name) => name !== "local" && name !== "remote"),
    "remote",
  ];
  settings.know(model);
  panel.know(model);
  show();
} catch (error) {
  refuse(error);
}

const asked = settings.query.get("photo");
if (asked && isSample(asked)) await useSample(sampleAddress(asked));
else if (asked)
  status.trouble({
    code: "page",
    what: `There is no sample photograph “${asked}”.`,
    help: "Choose one of those below the board.",
  });
