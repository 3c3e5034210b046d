// What a board full of phone photographs costs: memory of the page's processes, frames while one is dragged.
import { readFileSync } from "node:fs";
import { id } from "./demo.mjs";

/** A photograph of 12 megapixels as a file: a sample enlarged, with grain so that it is as large as a phone's. */
export async function phonePhoto(stage, name) {
  const context = await stage.browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`${stage.origin}/page/harness.html`);
    const base64 = await page.evaluate(async () => {
      const bitmap = await createImageBitmap(await (await fetch("/photos/astronaut.jpg")).blob());
      const [width, height] = [3000, 4000];
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, width, height);
      const grain = new ImageData(512, 512);
      for (let i = 0; i < grain.data.length; i += 4) {
        grain.data.fill(Math.random() * 255, i, i + 3);
        grain.data[i + 3] = 18;
      }
      const tile = new OffscreenCanvas(512, 512);
      tile.getContext("2d").putImageData(grain, 0, 0);
      context.fillStyle = context.createPattern(tile, "repeat");
      context.fillRect(0, 0, width, height);
      const file = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
      const reader = new FileReader();
      reader.readAsDataURL(file);
      await new Promise((resolve) => (reader.onload = resolve));
      return reader.result.split(",")[1];
    });
    return { name, mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
  } finally {
    await context.close();
  }
}

/** Resident bytes of all renderers and of the GPU process, after a collection of garbage. Linux only. */
export async function residentBytes(stage, page) {
  await page.evaluate(async () => {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  });
  const session = await stage.browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo
    .filter(({ type }) => type === "renderer" || type === "GPU")
    .reduce((sum, process) => sum + rssOf(process.id), 0);
}

function rssOf(pid) {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) * 1024;
}

/** Frames a second while the uppermost piece is dragged in circles, and while nothing happens. */
export async function frameRates(page, millis = 4000) {
  const count = (span) =>
    page.evaluate(
      (span) =>
        new Promise((resolve) => {
          let frames = 0;
          const start = performance.now();
          const next = (now) => {
            frames++;
            if (now - start < span) requestAnimationFrame(next);
            else resolve((frames * 1000) / (now - start));
          };
          requestAnimationFrame(next);
        }),
      span,
    );
  const idle = await count(millis);
  const box = await page.locator(id("piece")).last().boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  const counting = count(millis);
  let steps = 0;
  const end = performance.now() + millis;
  while (performance.now() < end) {
    steps++;
    await page.mouse.move(x + 60 * Math.sin(steps / 6), y + 30 * Math.cos(steps / 6));
  }
  const dragged = await counting;
  await page.mouse.up();
  return { idle, dragged };
}
