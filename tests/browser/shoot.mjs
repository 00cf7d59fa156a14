// Takes pictures of a report: node shoot.mjs CHROMIUM REPORT.html FOLDER
//
// report-light.png, report-dark.png, report-clips.png, report-calendar.png, report-unfinished.png and
// report-phone.png, at twice their size in CSS pixels.

import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [, , executablePath, report, folder] = process.argv;
const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const PICTURES = {
  light: { viewport: WIDE },
  dark: { viewport: WIDE, colorScheme: "dark" },
  clips: { viewport: WIDE, below: true },
  calendar: { viewport: WIDE, hash: "#view=calendar", below: true },
  unfinished: { viewport: WIDE, hash: "#view=unfinished", below: true },
  phone: { viewport: PHONE, below: true },
};

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const [name, { hash = "", below = false, ...options }] of Object.entries(PICTURES)) {
  const page = await browser.newPage({ deviceScaleFactor: 2, ...options });
  await page.goto(pathToFileURL(resolve(report)) + hash);
  if (below) {
    await page.locator("#toolbar").evaluate((bar) => { scrollTo(0, bar.offsetTop); });
  }
  await page.waitForFunction(() => [...document.querySelectorAll("video[src]")].every((clip) => clip.readyState >= 2));
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${folder}/report-${name}.png` });
  await page.close();
}
await browser.close();
