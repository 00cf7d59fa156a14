// What a page of many clips costs a browser: node page.mjs CHROMIUM ADDRESS
//
// Prints one line a quantity. The machine has no GPU, so that all of it is drawn by the processor.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../tests/browser/package.json", import.meta.url))("playwright-core");
const [, , executablePath, address] = process.argv;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const devtools = await page.context().newCDPSession(page);
await devtools.send("Network.enable");
let bytes = 0;
let films = 0;
devtools.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
page.on("request", (request) => { films += /\.(mp4|webm|mov)(\?|$)/.test(request.url()); });

const say = (label, value, unit) => console.log(`${label}: ${Number(value.toFixed(2))} ${unit}`);

// The browser's processes, each by the memory that is its own or its share.
function memory() {
  const all = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter(Boolean);
  const family = new Set([String(process.pid)]);
  for (let grown = true; grown; ) {
    const found = all.filter(([, pid, parent]) => family.has(parent) && !family.has(pid));
    found.forEach(([, pid]) => { family.add(pid); });
    grown = found.length > 0;
  }
  const share = (pid) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) / 1024;
    } catch {
      return 0; // it has ended
    }
  };
  const chrome = all.filter(([, pid, , args]) => family.has(pid) && args.includes(executablePath.split("/").at(-1)));
  return {
    page: Math.max(0, ...chrome.filter(([, , , args]) => args.includes("--type=renderer")).map(([, pid]) => share(pid))),
    all: chrome.reduce((total, [, pid]) => total + share(pid), 0),
  };
}

const began = performance.now();
await page.goto(address, { waitUntil: "commit" });
// A canvas that was not drawn is 300 pixels wide.
await page.waitForFunction(() => [...document.querySelectorAll("#gallery canvas.still")].some((each) => each.width !== 300));
say("first picture", (performance.now() - began) / 1000, "s");
await page.waitForLoadState("networkidle");
say("films before the first scroll", films, "");
say("over the wire before the first scroll", bytes / 1e6, "MB");

// From one end to the other by the wheel, as fast as a hand turns it: a frame each time one is drawn.
await page.evaluate(() => {
  globalThis.frames_ = [];
  let last = performance.now();
  const note = (now) => { globalThis.frames_.push(now - last); last = now; requestAnimationFrame(note); };
  requestAnimationFrame(note);
});
await page.mouse.move(720, 600);
let most = memory();
for (let turn = 0; turn < 3_000; turn += 1) {
  await page.mouse.wheel(0, 400);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  if (turn % 50 === 0) {
    const now = memory();
    most = { page: Math.max(most.page, now.page), all: Math.max(most.all, now.all) };
    if (await page.evaluate(() => scrollY + innerHeight >= document.documentElement.scrollHeight - 2)) {
      break;
    }
  }
}
const frames = await page.evaluate(() => globalThis.frames_.slice(5).sort((one, other) => one - other));
say("scrolling, median", 1000 / frames[Math.floor(frames.length / 2)], "frames/s");
say("scrolling, slowest twentieth", 1000 / frames[Math.floor(frames.length * 0.95)], "frames/s");
await page.waitForLoadState("networkidle");
await page.waitForTimeout(2_000);
const after = memory();
say("memory of the page after all", after.page, "MB");
say("memory of the page at most", Math.max(most.page, after.page), "MB");
say("memory of the whole browser after all", after.all, "MB");
say("films after all", films, "");
say("over the wire after all", bytes / 1e6, "MB");

// From the key to the frame that shows what was found.
const times = [];
await page.evaluate(() => scrollTo(0, 0));
const search = page.getByRole("searchbox");
for (const words of ["1", "12", "shot 7", "youtube 9", "nothing like it", "shot 70"]) {
  await search.fill("");
  await page.waitForTimeout(300);
  times.push(await search.evaluate((field, asked) => new Promise((resolve) => {
    const before = document.querySelector(".count").textContent;
    const from = performance.now();
    field.value = asked;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    const look = () => {
      const first = document.querySelector("#gallery .card, #gallery [role=listitem], #gallery li");
      if (new URLSearchParams(location.hash.slice(1)).get("q") === asked) {
        requestAnimationFrame(() => resolve([performance.now() - from, before, Boolean(first)][0]));
      } else {
        requestAnimationFrame(look);
      }
    };
    look();
  }), words));
}
say("search, slowest of six", Math.max(...times), "ms");
await browser.close();
