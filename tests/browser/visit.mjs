// Opens a report in Chromium, uses it as people do, and prints what it saw as one JSON object.
//
//   node visit.mjs CHROMIUM PAGE BIG_PAGE HTTP_PAGE     (the last three are addresses)

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , executablePath, local, big, http] = process.argv;
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });

// Every page is watched: what it asks for, what it complains of, what its policy refused.
async function open(address, { hash = "", width = 1280, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  const log = { requests: [], complaints: [] };
  page.on("request", (request) => log.requests.push(request.url()));
  page.on("pageerror", (error) => log.complaints.push(String(error)));
  page.on("dialog", (dialog) => { log.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      log.complaints.push(message.text());
    }
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective}`));
  });
  await page.goto(address + hash);
  return { page, log, done: () => context.close() };
}

const titles = (page) => page.locator(".card h3").allTextContents();
const live = (page) => page.evaluate(() => document.querySelectorAll("video[src], img[src]").length);
const count = async (page, words) => {
  await page.locator(".count", { hasText: words }).waitFor();
  return page.locator(".count").textContent();
};

async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations: found } = await globalThis.axe.run(document, { runOnly: tags });
    return found.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
  });
}

// A clip plays when its time goes on and it has a picture.
async function play(page, name) {
  await page.getByRole("button", { name: `Play: ${name}` }).click();
  return page.evaluate(async (label) => {
    const clip = [...document.querySelectorAll("video")].find((each) => each.ariaLabel === label);
    const until = performance.now() + 8_000;
    while (clip.currentTime < 0.1 && performance.now() < until) {
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    return {
      time: clip.currentTime, width: clip.videoWidth, height: clip.videoHeight, controls: clip.controls,
      muted: clip.muted, inline: clip.playsInline, loop: clip.loop, focused: document.activeElement === clip,
    };
  }, name);
}

const visits = {
  async opens() {
    const { page, log, done } = await open(local);
    await page.locator(".card").first().waitFor();
    const seen = {
      title: await page.title(), heading: await page.locator("h1").textContent(),
      titles: await titles(page), count: await count(page, "clips"),
      night: await page.locator(".night-picture svg").getAttribute("aria-label"),
      images: await page.locator("img").count(), hit: await page.evaluate(() => "hit" in globalThis),
      instead: await page.locator(".card .instead").allTextContents(),
    };
    await page.waitForTimeout(500);
    await done();
    return { ...seen, ...log };
  },

  async plays() {
    const { page, log, done } = await open(local);
    const loop = await play(page, "A lighthouse at dusk");
    const odd = await play(page, "An odd name");
    const alone = await page.evaluate(() => [...document.querySelectorAll("video")].filter((each) => !each.paused).length);
    await done();
    return { loop, odd, alone, ...log };
  },

  async "shows the first frame of a clip that nobody plays"() {
    const { page, done } = await open(local);
    const clip = page.locator(".card video").first();
    await page.waitForFunction(() => document.querySelector(".card video")?.readyState >= 2);
    const state = await clip.evaluate((each) => ({ paused: each.paused, controls: each.controls, preload: each.preload }));
    await done();
    return state;
  },

  async previews() {
    const seen = {};
    for (const reducedMotion of ["no-preference", "reduce"]) {
      const { page, done } = await open(local, { reducedMotion });
      await page.waitForFunction(() => document.querySelector(".card video")?.readyState >= 2);
      await page.locator(".card .screen").first().hover();
      await page.waitForTimeout(600);
      const paused = () => page.locator(".card video").first().evaluate((each) => each.paused);
      const over = await paused();
      await page.mouse.move(1, 1);
      await page.waitForTimeout(100);
      seen[reducedMotion] = { over, after: await paused() };
      await done();
    }
    return seen;
  },

  async filters() {
    const { page, log, done } = await open(local);
    const seen = {};
    await page.getByRole("searchbox").fill("lighthouse DUSK");
    seen.text = [await count(page, "1 of"), await titles(page), await page.evaluate(() => location.hash)];
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByLabel("Status").selectOption("failed");
    seen.status = [await count(page, "1 of"), await titles(page)];
    await page.getByLabel("Status").selectOption("");
    await page.getByLabel("Channel").selectOption("youtube");
    await count(page, "of");
    seen.meta = [await titles(page), await page.evaluate(() => location.hash)];
    await page.getByRole("searchbox").fill("nothing like this");
    seen.none = await count(page, "None");
    await page.getByRole("button", { name: "Clear filters" }).click();
    seen.cleared = [await count(page, /^\d+ clips/), await page.evaluate(() => location.hash)];
    await page.getByRole("button", { name: "Take 1 of 2" }).click();
    await count(page, "2 of");
    seen.takes = await titles(page);
    seen.facets = await page.locator(".chooser span").allTextContents();
    await done();
    return { ...seen, ...log };
  },

  async "opens from a link"() {
    const { page, done } = await open(local, { hash: "#view=gallery&q=wizard&meta.channel=instagram" });
    const seen = {
      titles: await titles(page), count: await count(page, "of"),
      q: await page.getByRole("searchbox").inputValue(), channel: await page.getByLabel("Channel").inputValue(),
    };
    await page.evaluate(() => { location.hash = "#status=in_doubt"; });
    await count(page, "1 of");
    seen.after = await titles(page);
    await done();
    return seen;
  },

  async calendar() {
    const { page, log, done } = await open(local);
    await page.getByRole("button", { name: "Calendar" }).click();
    const month = page.getByRole("table", { name: "December 2026" });
    await month.waitFor();
    const cell = (day) => page.locator(`td:has(time[datetime="${day}"])`);
    const seen = {
      captions: await page.locator(".month caption").allTextContents(),
      heads: await page.locator(".month").first().getByRole("columnheader").allTextContents(),
      first: await cell("2026-12-01").textContent(), timed: await cell("2026-12-03").textContent(),
      failed: await cell("2026-12-04").textContent(), empty: await cell("2026-12-30").textContent(),
      remark: await page.locator(".months > .empty").textContent(),
      pressed: await page.locator(".views [aria-pressed=true]").allTextContents(),
      crowded: await cell("2027-01-05").locator("li").count(),
    };
    await cell("2027-01-05").getByRole("button", { name: /more/ }).click();
    seen.day = [await count(page, "of"), await page.evaluate(() => location.hash)];
    await page.getByRole("button", { name: "Remove the filter" }).click();
    seen.without = await count(page, /^\d+ clips/);
    await page.getByRole("button", { name: "Calendar" }).click();
    await cell("2026-12-01").getByRole("button").click();
    seen.opened = await page.getByRole("dialog").getByRole("heading").textContent();
    await page.waitForFunction(() => document.querySelector("dialog video")?.readyState >= 2);
    await done();
    return { ...seen, ...log };
  },

  async unfinished() {
    const { page, log, done } = await open(local, { hash: "#view=unfinished" });
    const seen = {
      commands: await page.locator(".command code").allTextContents(),
      tables: await page.locator(".sheet caption").allTextContents(),
      heads: await page.locator(".sheet").first().getByRole("columnheader").allTextContents(),
      rows: await page.locator(".sheet tbody tr").allTextContents(),
    };
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: /Copy the command: Failed/ }).click();
    await page.locator("#said", { hasText: "Copied" }).waitFor();
    seen.copied = await page.evaluate(() => navigator.clipboard.readText());
    await done();
    return { ...seen, ...log };
  },

  async "copies without a clipboard"() {
    const { page, done } = await open(local, { hash: "#view=unfinished" });
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
      document.execCommand = (command) => { globalThis.selected = [command, String(document.activeElement.value)]; return true; };
    });
    await page.getByRole("button", { name: /Copy the command: In doubt/ }).click();
    await page.locator("#said", { hasText: "Copied" }).waitFor();
    const selected = await page.evaluate(() => globalThis.selected);
    await done();
    return { selected };
  },

  async details() {
    const { page, log, done } = await open(local);
    await page.getByRole("button", { name: "Details: An old wizard" }).click();
    const dialog = page.getByRole("dialog");
    const seen = {
      name: await dialog.getByRole("heading").textContent(), facts: await dialog.locator(".facts").textContent(),
      hash: await page.evaluate(() => location.hash),
      file: await dialog.getByRole("link").getAttribute("href"),
    };
    await dialog.getByRole("button", { name: "Next" }).click();
    seen.next = await dialog.getByRole("heading").textContent();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await page.waitForFunction(() => location.hash === "");
    seen.focus = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    await page.goto(`${local}#task=failed-one`);
    await dialog.waitFor();
    seen.linked = await dialog.getByRole("heading").textContent();
    await done();
    return { ...seen, ...log };
  },

  async "goes by keyboard"() {
    const { page, done } = await open(local);
    const focus = () => page.evaluate(() => {
      const { activeElement: it } = document;
      const { outlineStyle, boxShadow } = getComputedStyle(it);
      return { name: it.getAttribute("aria-label") ?? it.textContent.trim(), seen: outlineStyle !== "none" || boxShadow !== "none" };
    });
    await page.keyboard.press("Tab");
    const order = [await focus()];
    await page.keyboard.press("Enter");
    order.push(await focus());
    for (let stop = 0; stop < 12; stop += 1) {
      await page.keyboard.press("Tab");
      order.push(await focus());
    }
    await page.getByRole("button", { name: "Play: A lighthouse" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => [...document.querySelectorAll("video")].some((each) => !each.paused));
    await done();
    return { order };
  },

  async "is accessible"() {
    const found = {};
    for (const colorScheme of ["light", "dark"]) {
      for (const hash of ["", "#view=calendar", "#view=unfinished", "#task=wizard"]) {
        for (const width of colorScheme === "light" ? [1280, 360] : [1280]) {
          const { page, done } = await open(local, { colorScheme, hash, width });
          await page.locator(".count", { hasText: /\w/ }).waitFor();
          await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
          const here = await violations(page);
          if (here.length) {
            found[`${colorScheme} ${hash} ${width}`] = here;
          }
          await done();
        }
      }
    }
    return found;
  },

  async "fits a phone"() {
    const widths = {};
    for (const hash of ["", "#view=calendar", "#view=unfinished", "#task=wizard"]) {
      const { page, done } = await open(local, { hash, width: 360, height: 740 });
      await page.locator(".count", { hasText: /\w/ }).waitFor();
      widths[hash] = await page.evaluate(() => [document.documentElement, document.getElementById("detail")].map((each) => each.scrollWidth - each.clientWidth));
      await done();
    }
    return widths;
  },

  async "holds a thousand"() {
    const { page, log, done } = await open(big);
    await page.locator(".card").first().waitFor();
    const cards = () => page.locator(".card").count();
    const seen = { cards: await cards(), live: [] };
    for (let turn = 0; turn < 400 && (await cards()) < 1_000; turn += 1) {
      await page.mouse.wheel(0, 4_000);
      await page.waitForTimeout(25);
      if (turn % 10 === 0) {
        seen.live.push(await live(page));
      }
    }
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.waitForTimeout(400);
    seen.live.push(await live(page));
    seen.end = await cards();
    await page.evaluate(() => { location.hash = "#view=calendar"; });
    await page.locator(".month").first().waitFor();
    await page.waitForTimeout(400);
    seen.calendar = await live(page);
    await done();
    return { ...seen, ...log };
  },

  async "lays out rows"() {
    const seen = {};
    for (const width of [1280, 800, 360]) {
      const { page, done } = await open(local, { width });
      await page.locator(".card").first().waitFor();
      seen[width] = await page.evaluate(() => {
        const rows = new Map();
        for (const card of document.querySelectorAll(".card")) {
          const { top, right } = card.getBoundingClientRect();
          const { height } = card.querySelector(".stage").getBoundingClientRect();
          rows.set(top, [...(rows.get(top) ?? []), { right, height }]);
        }
        const edge = document.querySelector(".clips").getBoundingClientRect().right;
        return [...rows.values()].map((row) => ({
          heights: row.map((each) => Math.round(each.height)), short: Math.round(edge - row.at(-1).right),
        }));
      });
      await done();
    }
    return seen;
  },

  async "finds a clip gone"() {
    const { page, done } = await open(local, { hash: "#q=moved" });
    await page.locator(".card .absent").waitFor();
    const words = await page.locator(".card .instead").allTextContents();
    const players = await page.locator(".card video").count();
    await done();
    return { words, players };
  },

  async "works over http"() {
    const { page, log, done } = await open(http);
    const clip = await play(page, "A lighthouse at dusk");
    await done();
    return { clip, ...log };
  },

  async "says what it needs without script"() {
    const { page, done } = await open(local, { javaScriptEnabled: false });
    const seen = { text: await page.locator("body").innerText() };
    await done();
    return seen;
  },

  async prints() {
    const { page, done } = await open(local);
    await page.locator(".card").first().waitFor();
    await page.emulateMedia({ media: "print" });
    const shown = await page.evaluate(() => [".toolbar", ".play", ".card h3", ".figures"].map((each) => document.querySelector(each).checkVisibility()));
    await done();
    return { shown };
  },
};

const seen = {};
for (const [name, visit] of Object.entries(visits)) {
  try {
    seen[name] = await visit();
  } catch (error) {
    seen[name] = { error: String(error.stack ?? error) };
  }
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
