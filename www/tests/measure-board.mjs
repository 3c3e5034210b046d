// node measure-board.mjs [COUNT]: memory and frames of a board of phone photographs. HEADWATER_DEMO names another build
// of the page to measure, such as an older one on the same machine.
import { frameRates, phonePhoto, residentBytes } from "./support/board-load.mjs";
import { cutOut, id, openDemo } from "./support/demo.mjs";
import { openStage } from "./support/stage.mjs";

const count = Number(process.argv[2] ?? 12);
const stage = await openStage({ flags: ["--js-flags=--expose-gc"] });
const ends = [];
try {
  const photo = await phonePhoto(stage, "phone.jpg");
  const { page } = await openDemo(stage, { after: (end) => ends.push(end) }, "?split=remote&size=64");
  const report = async (pieces) => {
    const megabytes = Math.round((await residentBytes(stage, page)) / 1e6);
    console.log(`${pieces} pieces: ${megabytes} MB`);
  };
  await report(0);
  for (let pieces = 1; pieces <= count; pieces++) {
    await page.locator(id("pick")).setInputFiles([photo]);
    await cutOut(page, pieces);
    await page.waitForTimeout(1500);
    if ([1, 2, 4, 8, count].includes(pieces)) await report(pieces);
  }
  const { idle, dragged } = await frameRates(page);
  console.log(`${idle.toFixed(1)} frames a second idle, ${dragged.toFixed(1)} while one is dragged`);
} finally {
  for (const end of ends) await end();
  await stage.close();
}
