// Takes pictures of a report: node shoot.mjs CHROMIUM REPORT.html FOLDER
//
// report-light.png, report-laptop.png, report-dark.png, report-calendar.png, report-detail.png, report-unfinished.png,
// report-compare.png, report-phone.png and report-print.png; the first and that of a phone at twice their size in CSS pixels.

import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [, , executablePath, report, folder] = process.argv;
const WIDE = { width: 1440, height: 900 };
const LAPTOP = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 844 };
// `keys` are pressed before the picture is taken.
const PICTURES = {
  light: { viewport: WIDE, deviceScaleFactor: 2, keys: ["ArrowRight", "p", "p", "x", "p"] },
  laptop: { viewport: LAPTOP },
  dark: { viewport: WIDE, colorScheme: "dark", hash: "#density=grid", keys: ["ArrowRight", "p", "p", "x", "p"] },
  calendar: { viewport: WIDE, hash: "#view=calendar" },
  unfinished: { viewport: WIDE, hash: "#view=unfinished" },
  detail: { viewport: WIDE, keys: ["ArrowRight", "Enter"] },
  compare: { viewport: WIDE, keys: ["ArrowRight", "Shift+ArrowRight", "c"] },
  phone: { viewport: PHONE, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  print: { viewport: { width: 794, height: 1123 }, media: "print" },
};

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const [name, { hash = "", keys = [], media = "screen", ...options }] of Object.entries(PICTURES)) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(pathToFileURL(resolve(report)) + hash);
  await page.emulateMedia({ media });
  for (const key of keys) {
    await page.keyboard.press(key);
  }
  await page.waitForFunction(() => [...document.querySelectorAll("video[src]")].every((clip) => clip.readyState >= 2 || clip.error));
  await page.waitForFunction(() => [...document.images].every((image) => image.complete));
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${folder}/report-${name}.png` });
  await context.close();
}
await browser.close();
