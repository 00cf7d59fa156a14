// Takes pictures of the page: node shoot.mjs CHROMIUM REPORT.html FOLDER [VIEW JOB]
//
// FOLDER gets a picture for each name below. With VIEW, the address that `pipeline view` prints, also of its first page
// and of that of JOB, which a run is rendering.

import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [, , executablePath, report, folder, view, job] = process.argv;
const WIDE = { width: 1440, height: 900 };
const LAPTOP = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844 };
const CULL = ["ArrowRight", "p", "p", "x", "p"];
const served = (path) => view && new URL(path + new URL(view).search, view).href;
// `keys` are pressed before the picture is taken; `at` is another page than the report.
const PICTURES = {
  // While the run is in progress.
  ...(view && {
    morning: { viewport: WIDE, at: served("/"), shows: ".job-card" },
    live: { viewport: WIDE, at: served(`/${job}/`), rest: 2_500 },
  }),
  light: { viewport: WIDE, keys: CULL },
  laptop: { viewport: LAPTOP },
  dark: { viewport: WIDE, colorScheme: "dark", hash: "#density=grid", keys: CULL },
  calendar: { viewport: WIDE, hash: "#view=calendar" },
  unfinished: { viewport: WIDE, hash: "#view=unfinished" },
  detail: { viewport: WIDE, keys: ["ArrowRight", "Enter"] },
  compare: { viewport: WIDE, keys: ["ArrowRight", "c", " "], rest: 1_200 },
  phone: { viewport: PHONE, deviceScaleFactor: 1.5, isMobile: true, hasTouch: true },
  print: { viewport: { width: 794, height: 1123 }, media: "print" },
};

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const [name, taken] of Object.entries(PICTURES)) {
  const { at, hash = "", keys = [], media = "screen", rest = 400, shows = "main", ...options } = taken;
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(at ?? pathToFileURL(resolve(report)) + hash);
  await page.emulateMedia({ media });
  await page.locator(shows).first().waitFor();
  for (const key of keys) {
    await page.keyboard.press(key);
  }
  await page.waitForFunction(() => [...document.querySelectorAll("video[src]")].every((clip) => clip.readyState >= 2 || clip.error));
  await page.waitForFunction(() => [...document.images].every((image) => {
    const { top, bottom, width } = image.getBoundingClientRect();
    return image.complete || width === 0 || bottom < 0 || top > innerHeight; // others are not asked for yet
  }));
  await page.waitForTimeout(rest); // for what moves to have come to rest, or a film on its way
  await page.screenshot({ path: `${folder}/${name}.png` });
  await context.close();
}
await browser.close();
