// Opens the page in a stock Firefox, by WebDriver BiDi, and prints what it saw as one JSON object.
//
//   node visit-firefox.mjs FIREFOX PAGE NIGHT_PAGE VIEW DOWNLOADS
//
// PAGE and NIGHT_PAGE are files, VIEW is the address that `pipeline view` prints, DOWNLOADS a folder for what is saved.

import { readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import puppeteer from "puppeteer-core";

const [, , executablePath, local, night, view, downloads] = process.argv;
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  extraPrefsFirefox: {
    "browser.download.folderList": 2,
    "browser.download.dir": downloads,
    "browser.download.always_ask_before_handling_new_types": false,
    "browser.helperApps.neverAsk.saveToDisk": "application/x-ndjson,text/calendar",
  },
});

// What a page asks for over the network, what it complains of, what its policy refused.
async function open(address) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.setDefaultTimeout(120_000); // what hangs, not what is slow on a busy machine
  const log = { requests: [], complaints: [] };
  page.on("request", (request) => log.requests.push(request.url()));
  page.on("pageerror", (error) => log.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) {
      log.complaints.push(message.text());
    }
  });
  await page.evaluateOnNewDocument(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(address);
  await page.waitForFunction(() => /\w/.test(document.querySelector(".count")?.textContent ?? ""));
  return { page, log };
}

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
const texts = (page, selector) => page.$$eval(selector, (all) => all.map((each) => each.textContent));
const press = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).click();
const keys = async (page, ...names) => {
  for (const name of names) {
    await page.keyboard.press(name);
  }
};
const go = async (page, hash, selector) => {
  await page.evaluate((value) => { location.hash = value; }, hash);
  await page.waitForSelector(selector);
};
// A film has a picture, or the page says in its place why it has none.
const outcome = (page, films, instead) => page.waitForFunction((selector, words) => {
  const all = [...document.querySelectorAll(selector)];
  const said = document.querySelector(words)?.textContent;
  return said ? { said } : all.length > 0 && all.every((film) => film.currentTime > 0.1) && { widths: all.map((film) => film.videoWidth) };
}, {}, films, instead).then((handle) => handle.jsonValue());

const visits = {
  async opens() {
    const { page, log } = await open(local);
    const seen = {
      title: await page.title(), count: await text(page, ".count"), titles: await texts(page, ".card .title"),
      hit: await page.evaluate(() => "hit" in globalThis),
    };
    await go(page, "#q=pictured", ".card .stage img");
    await page.waitForFunction(() => document.querySelector(".card .stage img").naturalWidth > 0);
    seen.poster = await page.$eval(".card .stage img", (image) => image.naturalWidth);
    await go(page, "#view=night", ".night-picture svg");
    await go(page, "#view=unfinished", ".sheet");
    return { ...seen, ...log };
  },

  async "refuses what the page does not name"() {
    const { page, log } = await open(local);
    await page.evaluate(() => {
      const image = document.createElement("img");
      image.src = "http://127.0.0.1:9/beacon.png";
      document.body.append(image);
    });
    await page.waitForFunction(() => document.querySelector("body > img").complete);
    const fetched = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "answered", (error) => error.name));
    // The page hears of a refusal after what it refused has failed.
    const until = Date.now() + 20_000;
    while (log.complaints.filter((each) => each.startsWith("refused: ")).length < 2 && Date.now() < until) {
      await pause(50);
    }
    return { fetched, ...log };
  },

  async plays() {
    const { page, log } = await open(`${local}#q=dusk`);
    await (await page.waitForSelector(".card .play, .card .absent")).click();
    return { film: await outcome(page, ".plays video:not([aria-hidden])", ".card .absent"), ...log };
  },

  async culls() {
    const { page, log } = await open(night);
    await keys(page, "ArrowRight");
    for (let clip = 0; clip < 10; clip += 1) {
      if (clip % 5 === 4) {
        await keys(page, "n");
        await page.keyboard.type(`Hands in ${clip}`);
        await keys(page, "Enter", "x");
      } else {
        await keys(page, "p");
      }
    }
    const seen = { progress: await text(page, ".progress"), save: await text(page, ".save") };
    await keys(page, "s");
    await page.keyboard.type("Ada");
    await keys(page, "Enter");
    await page.waitForFunction(() => document.querySelector("#toast")?.textContent.includes("Saved as"));
    seen.toast = await text(page, "#toast");
    await page.evaluate(() => { location.reload(); });
    await page.waitForFunction((before) => document.querySelector(".progress")?.textContent === before, {}, seen.progress);
    return { ...seen, ...log };
  },

  async compares() {
    const { page, log } = await open(`${local}#q=twice`);
    await page.waitForSelector(".card");
    await keys(page, "ArrowRight", "c");
    await page.waitForSelector(".compare .side");
    const seen = { sides: (await page.$$(".compare .side")).length };
    await page.waitForFunction(() => [...document.querySelectorAll(".side")].every((side) => side.querySelector("video")?.readyState > 1 || side.querySelector(".cannot")));
    await keys(page, " ");
    seen.films = await outcome(page, ".side video", ".side .cannot");
    seen.apart = await page.$$eval(".side video", (films) => {
      const times = films.map((film) => film.currentTime);
      return Math.max(0, Math.max(...times) - Math.min(...times));
    });
    await keys(page, "Escape");
    await page.waitForFunction(() => !document.querySelector(".compare"));
    return { ...seen, ...log };
  },

  async calendar() {
    const { page, log } = await open(`${local}#view=calendar`);
    await page.waitForSelector("#calendar .event");
    const days = (await page.$$("#calendar td:has(.event)")).length;
    await press(page, "Calendar file (.ics)");
    const until = Date.now() + 20_000;
    while (!(await readdir(downloads)).some((name) => name.endsWith(".ics")) && Date.now() < until) {
      await pause(100);
    }
    return { days, ...log };
  },

  async live() {
    const { page, log } = await open(view);
    const seen = { address: page.url() };
    const ready = () => page.$eval("#live .live-reading", (reading) => Number.parseInt(reading.textContent, 10));
    await page.waitForFunction(() => /^\d/.test(document.querySelector("#live .live-reading")?.textContent ?? ""));
    seen.before = await ready();
    await press(page, "Run what is left…");
    await page.waitForFunction(() => document.querySelector(".question")?.textContent.includes("$"));
    await press(page, "Start the run");
    await page.waitForFunction(() => document.querySelector("#live .state-word").textContent.includes("Running"));
    await page.waitForFunction(() => document.querySelector("#live .state-word").textContent.includes("Ended"), { timeout: 120_000 });
    seen.after = await ready();
    await keys(page, "ArrowRight", "p");
    // The word is on the disk before the server says so.
    await page.waitForFunction(async () => {
      const { entries } = await (await fetch("./data")).json();
      return entries.some((entry) => entry.verdict === "kept");
    }, { polling: 300 });
    return { ...seen, ...log };
  },
};

const seen = {};
for (const [name, visit] of Object.entries(visits)) {
  try {
    seen[name] = await visit();
  } catch (error) {
    seen[name] = { error: String(error.stack ?? error) };
  }
  for (const page of (await browser.pages()).slice(1)) {
    await page.close();
  }
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
