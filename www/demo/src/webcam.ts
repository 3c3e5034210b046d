// The camera as a live piece: frame after frame is cut out, as fast as the engine is done with the one before.

import type { Board } from "./board.js";
import type { Consent } from "./consent.js";
import { canvasOf, context2d } from "./dom.js";
import type { Engine, Run } from "./engine.js";
import { isAbort, troubleOf } from "./errors.js";
import { sentence } from "./format.js";
import { maskSizeOf } from "./masks.js";
import { fileOf, type Photo } from "./photo.js";
import type { Piece } from "./piece.js";
import type { Settings } from "./settings.js";
import type { Status } from "./status.js";

/** Wider frames show nothing more at the sizes that the net runs at. */
const WIDEST = 640;
/** Feature maps are copied out no more often than this. */
const FEATURES_MILLIS = 600;

export class Webcam {
  piece: Piece | undefined;
  #stream: MediaStream | undefined;
  #video: HTMLVideoElement | undefined;
  #abort = new AbortController();
  #captured: HTMLCanvasElement | undefined;

  constructor(
    readonly engine: Engine,
    readonly board: Board,
    readonly status: Status,
    readonly consent: Consent,
    readonly settings: () => Settings,
    readonly onFrame: (piece: Piece) => void,
    readonly onStop: () => void,
  ) {}

  /** Pages that did not come over HTTPS or from this machine are given no camera. */
  static get allowed(): boolean {
    return isSecureContext && "mediaDevices" in navigator && "getUserMedia" in navigator.mediaDevices;
  }

  get running(): boolean {
    return this.#stream !== undefined;
  }

  async start(): Promise<void> {
    if (this.#stream) return;
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 1280 } },
      });
      this.#video = document.createElement("video");
      this.#video.muted = true;
      this.#video.playsInline = true;
      this.#video.srcObject = this.#stream;
      await this.#video.play();
    } catch (error) {
      this.stop();
      this.status.trouble({ code: "camera", ...cameraWords(error) });
      return;
    }
    this.#stream.getVideoTracks()[0]?.addEventListener("ended", () => this.stop());
    this.#abort = new AbortController();
    void this.#loop(this.#video, this.#abort.signal);
  }

  /** The live piece goes; what was kept stays. */
  stop(): void {
    this.#abort.abort();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video = undefined;
    const { piece } = this;
    this.piece = undefined;
    this.status.rest(this);
    if (piece) this.board.remove(piece);
    this.onStop();
  }

  /** The frame on show becomes a piece of its own, in the live one's place. */
  async keep(): Promise<void> {
    const { piece } = this;
    const run = piece?.run;
    const frame = this.#captured;
    if (!piece || !run || !frame) return;
    const { place } = piece;
    this.stop();
    const photo = photoOf(frame, await fileOf(frame), "camera.png");
    const kept = this.board.add(photo);
    this.board.setPlace(kept, place);
    kept.runs.set(run.report.split, run);
    kept.reveal(run);
    this.onFrame(kept);
  }

  async #loop(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
    const factor = Math.min(1, WIDEST / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * factor), Math.round(video.videoHeight * factor)];
    const shown = canvasOf(width, height);
    let kept = -Infinity;
    let features: Run["features"] = [];
    while (!signal.aborted) {
      // A new canvas for each frame: the one on show has to stay as it is until it is kept or replaced.
      const frame = canvasOf(width, height);
      context2d(frame, { willReadFrequently: true }).drawImage(video, 0, 0, width, height);
      if (!this.piece) {
        this.piece = this.board.add(photoOf(frame, new Blob(), "camera"));
        this.piece.become("live");
      }
      const start = performance.now();
      const keepCrossing = start - kept > FEATURES_MILLIS;
      try {
        const run = await this.engine.run(frame, this.settings(), {
          signal,
          maskSize: maskSizeOf(frame, Infinity),
          keepCrossing,
          onProgress: ({ stage }) =>
            stage === "weights" &&
            !signal.aborted &&
            this.status.work(this, { text: "Making the camera's layers ready", cancel: () => this.stop() }),
          onReady: () => this.status.rest(this),
          mayPost: (why) => this.consent.toPost(sentence(why.message), signal),
        });
        if (signal.aborted || !this.piece) return;
        if (keepCrossing) {
          features = run.features;
          kept = start;
        }
        compose(shown, frame, run);
        this.#captured = frame;
        this.piece.showFrame(shown, { ...run, features });
        this.onFrame(this.piece);
      } catch (error) {
        if (isAbort(error)) return;
        console.error(error);
        this.stop();
        this.status.trouble(troubleOf(error));
        return;
      }
    }
  }
}

function compose(shown: HTMLCanvasElement, frame: HTMLCanvasElement, { mask }: Run): void {
  const image = context2d(frame).getImageData(0, 0, frame.width, frame.height);
  mask.alpha.forEach((value, at) => (image.data[at * 4 + 3] = value));
  context2d(shown).putImageData(image, 0, 0);
}

/** A frame as a photograph; while it is live nobody asks for its file. */
function photoOf({ width, height }: HTMLCanvasElement, file: Blob, name: string): Photo {
  return { name, width, height, file, remark: undefined };
}

function cameraWords(error: unknown): { what: string; help: string } {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") {
    return {
      what: "The camera was not allowed.",
      help: "Allow it for this page in the browser's address bar, then try again.",
    };
  }
  if (name === "NotFoundError") return { what: "No camera was found.", help: "Connect one, then try again." };
  if (name === "NotReadableError") {
    return { what: "The camera is in use elsewhere.", help: "Close the other program that uses it, then try again." };
  }
  return {
    what: `The camera could not be opened: ${error instanceof Error ? error.message : String(error)}.`,
    help: "Try again.",
  };
}
