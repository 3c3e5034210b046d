// Makes docs/board.jpg: two photographs cut out on the demo page, as a visitor does it.
//
//     headwater serve --pages www/demo/dist        (make web builds the page)
//     (cd www/tests && node ../../docs/make_board.mjs http://127.0.0.1:8080/)
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

// Where the browser tests have their packages.
const require = createRequire(new URL("../www/tests/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const address = new URL(process.argv[2] ?? "http://127.0.0.1:8080/");
address.search = "?split=U3&size=512&photo=coffee";
const browser = await chromium.launch({
  executablePath: process.env.HEADWATER_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--disable-gpu-watchdog"],
});
const page = await browser.newPage({
  viewport: { width: 1280, height: 800 },
  deviceScaleFactor: 1.5,
  reducedMotion: "reduce",
});
page.setDefaultTimeout(280_000);
const test = (id) => page.locator(`[data-testid="${id}"]`);
const cut = page.locator('[data-testid="piece"][data-state="cut"]');

/** Drags the piece in front by so many pixels. */
async function drag(x, y) {
  const box = await cut.last().boundingBox();
  const [left, top] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(left, top);
  await page.mouse.down();
  await page.mouse.move(left + x, top + y, { steps: 5 });
  await page.mouse.up();
}

await page.goto(address.href);
await cut.first().waitFor();
await page.waitForTimeout(1500);
await drag(190, 40);
await test("sample-chelsea").click();
await cut.nth(1).waitFor();
await page.waitForTimeout(1500);
await drag(-190, -45);
await test("backdrops").locator("label, button, input").nth(4).click({ force: true });
await page.waitForTimeout(800);
await page.screenshot({ path: fileURLToPath(new URL("board.jpg", import.meta.url)), type: "jpeg", quality: 82 });
await browser.close();
