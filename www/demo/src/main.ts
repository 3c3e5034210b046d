// Puts the parts together. Each of them does one thing; here is what calls what.

import type { Probe } from "headwater";
import { Arrivals } from "./arrivals.js";
import { Backdrops } from "./backdrop.js";
import { Board } from "./board.js";
import { Brushing } from "./brushing.js";
import { Compare } from "./compare.js";
import { Consent } from "./consent.js";
import { Cutting } from "./cutting.js";
import { byId, setDisabled } from "./dom.js";
import { Downloads } from "./downloads.js";
import { fetchPhoto, startDrop } from "./drop.js";
import { Edits } from "./edits.js";
import { Engine } from "./engine.js";
import { troubleOf } from "./errors.js";
import { Exporting } from "./exporting.js";
import { sentence } from "./format.js";
import { startGestures } from "./gestures.js";
import { History } from "./history.js";
import { startKeys } from "./keys.js";
import { Looks } from "./looks.js";
import { startOffline } from "./offline.js";
import { Panel } from "./panel.js";
import { adapterView } from "./panel/adapter.js";
import type { Piece } from "./piece.js";
import { Pixels } from "./pixels.js";
import { isSample, sampleAddress, startSamples } from "./samples.js";
import { sendsWords } from "./sends.js";
import { SettingsControls } from "./settings.js";
import { Status } from "./status.js";
import { startTheme } from "./theme.js";
import { Tools } from "./tools.js";
import { ToolActions } from "./tool-actions.js";
import { Webcam } from "./webcam.js";

startTheme();
startOffline();

const status = new Status();
for (const place of document.querySelectorAll<HTMLElement>("[data-status]")) status.showIn(place);

const pixels = new Pixels();
const downloads = new Downloads();
const panel = new Panel(downloads, pixels);
const settings = new SettingsControls(() => show());
const NOTICES = {
  devicelost: "The graphics device was lost and is being opened again",
  recovered: "The graphics device is back",
  fallback: "This device cannot run its part, so the photograph itself is sent",
};
const engine = new Engine(
  pixels,
  (kind, reason) => status.done(`${NOTICES[kind]}. ${sentence(reason)}`),
  (address, bytes) => downloads.add(address, bytes),
);

const spoken = byId("spoken");
const board = new Board(byId("board"), {
  onSelect: (piece) => {
    if (brushing.piece && brushing.piece !== piece) brushing.stop();
    show();
  },
  onCount: () => show(),
  announce: (text) => (spoken.textContent = text),
});
const looks = new Looks(pixels, board, (error) => status.trouble(troubleOf(error)));
board.looks = looks;
const history = new History(() => show());
const brushing = new Brushing(board, pixels, history, () => show());
const edits = new Edits(board, history);
const refuse = (error: unknown) => status.trouble(troubleOf(error));
const backdrops = new Backdrops(board.element, pixels, refuse);
const consent = new Consent((why, signal) =>
  status.ask(
    `This device cannot run it. ${why} Send photographs to the server of this page (${location.host}) instead?`,
    "Send",
    "Not now",
    signal,
  ),
);
const changed = (piece: Piece) => piece === board.selected && show();
const cutting = new Cutting(engine, status, consent, changed);
const webcam = new Webcam(engine, board, status, consent, () => settings.value, changed, showCamera);
let found: Probe | undefined;
let splits = ["local", "remote"];
const compare = new Compare(
  cutting,
  () => splits,
  () => {
    show();
    board.selected?.element.focus();
  },
);
const exporting = new Exporting(pixels, board, backdrops, status);
const arrivals = new Arrivals(pixels, board, cutting, status, () => settings.value);
const actions = new ToolActions(
  { board, edits, history, cutting, consent, compare, exporting, webcam, brushing, looks, status },
  () => settings.value,
);
actions.onChange = () => show();
const tools = new Tools((tool) => board.selected && actions.use(tool, board.selected));

function show(): void {
  const piece = board.selected;
  tools.show(piece, actions.isBrushing);
  panel.show(piece, settings.value);
  if (found) byId("adapter").replaceChildren(...adapterView(found, settings.value.split));
  byId("sends").textContent = sendsWords(settings.value.split, location.host);
  setDisabled(byId("again", HTMLButtonElement), !piece || piece.isBusy || piece.state === "live", piece?.element);
  actions.showBoard();
}

function showCamera(): void {
  byId("camera").setAttribute("aria-pressed", String(webcam.running));
}

async function useSample(address: string): Promise<void> {
  try {
    await arrivals.take([await fetchPhoto(address)]);
  } catch (error) {
    refuse(error);
  }
}

startGestures(board, edits);
startKeys(board, edits, actions);
startDrop((files, at) => void arrivals.take(files, at), refuse);
startSamples((address) => void useSample(address));
byId("again").addEventListener("click", () => board.selected && actions.use("again", board.selected));
byId("camera").hidden = !Webcam.allowed;
byId("camera").addEventListener("click", () => {
  if (webcam.running) webcam.stop();
  else void webcam.start().then(showCamera);
});
addEventListener("beforeunload", (event) => {
  if (board.pieces.length > 0) event.preventDefault();
});
show();

try {
  // The adapter decides the size that is suggested, so a photograph that the link asks for waits for it.
  found = await engine.probe();
  // Where the processor does the graphics too, a page that moves while it computes takes half of it.
  document.documentElement.toggleAttribute("data-still", found.software);
  byId("adapter").dataset["software"] = String(found.software);
  settings.knowDevice(found);
  panel.knowDevice(found);

  const model = await engine.describe();
  splits = [
    "local",
    ...model.splits.map(({ name }) => name).filter((name) => name !== "local" && name !== "remote"),
    "remote",
  ];
  settings.know(model);
  panel.know(model);
} catch (error) {
  refuse(error);
}
show();

const asked = settings.query.get("photo");
if (asked && isSample(asked)) await useSample(sampleAddress(asked));
else if (asked)
  status.trouble({
    code: "page",
    what: `There is no sample photograph “${asked}”.`,
    help: "Choose one of those below the board.",
  });
