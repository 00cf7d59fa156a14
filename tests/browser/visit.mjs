// Opens a report in Chromium, uses it as people do, and prints what it saw as one JSON object.
//
//   node visit.mjs CHROMIUM PAGE BIG_PAGE NIGHT_PAGE HTTP_PAGE DOWNLOADS
//
// The pages are addresses; DOWNLOADS is a folder for what a page saves. Names of visits may follow: then only those.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , executablePath, local, big, night, http, downloads, ...only] = process.argv;
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
  page.on("dialog", (dialog) => {
    if (dialog.type() === "beforeunload") {
      log.warned = true;
      dialog.accept();
    } else {
      log.complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    }
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      log.complaints.push(message.text());
    }
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective}`));
  });
  page.setDefaultTimeout(10_000);
  await page.goto(address + hash);
  return { page, log, done: () => context.close() };
}

const titles = (page) => page.locator(".card .title").allTextContents();
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
  await page.locator(".card", { hasText: name }).getByRole("button", { name: "Play" }).click();
  return page.evaluate(async (label) => {
    const find = () => [...document.querySelectorAll(".plays video:not([aria-hidden])")].find((each) => each.ariaLabel === label);
    const until = performance.now() + 8_000;
    while (!(find()?.currentTime >= 0.1) && performance.now() < until) {
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    const clip = find();
    return {
      time: clip.currentTime, width: clip.videoWidth, height: clip.videoHeight, controls: clip.controls,
      muted: clip.muted, inline: clip.playsInline, loop: clip.loop,
    };
  }, name);
}

const playing = (page) => page.evaluate(() => [...document.querySelectorAll("video")].filter((each) => !each.paused).length);
const said = (page) => page.evaluate(() => document.querySelector("dialog[open] .said, #said").textContent);
// What has the focus; of a card its title, the take, and what is said of it.
const focused = (page) => page.evaluate(() => {
  const { activeElement: it } = document;
  const words = [...it.querySelectorAll(":scope.card :is(.title, .line > .unseen, .mark)")].map((each) => each.textContent);
  return it.ariaLabel ?? (words.filter(Boolean).join(", ") || it.textContent.trim());
});
// Cards that are wholly on the screen.
const whole = (page) => page.locator(".card").evaluateAll((cards) => cards.filter((card) => {
  const { top, bottom, left, right } = card.getBoundingClientRect();
  return top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
}).length);
// Wait until the page has drawn what it was told.
const drawn = (page) => page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));

const visits = {
  async opens() {
    const { page, log, done } = await open(local);
    await page.locator(".card").first().waitFor();
    const seen = {
      title: await page.title(), heading: await page.locator("h1").textContent(),
      titles: await titles(page), count: await count(page, "clips"),
      images: await page.locator("img").count(), hit: await page.evaluate(() => "hit" in globalThis),
      instead: await page.locator(".card .instead").allTextContents(),
    };
    await page.waitForTimeout(500);
    await page.evaluate(() => { location.hash = "#view=night"; });
    seen.night = await page.locator(".night-picture svg").getAttribute("aria-label");
    await done();
    return { ...seen, ...log };
  },

  async plays() {
    const { page, log, done } = await open(local);
    const loop = await play(page, "A lighthouse at dusk");
    const odd = await play(page, "An odd name");
    const alone = await playing(page);
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
      await page.waitForTimeout(900);
      const over = await playing(page);
      await page.mouse.move(1, 1);
      await page.waitForTimeout(100);
      seen[reducedMotion] = { over, after: await playing(page) };
      await done();
    }
    return seen;
  },

  async "scrubs with a strip"() {
    const { page, log, done } = await open(local, { hash: "#q=pictured" });
    await page.locator(".card .stage canvas.still").waitFor();
    // The page's clock stands still: a mouse that rests is one for which time is made to pass.
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);
    const box = await page.locator(".card .screen").boundingBox();
    const over = (part) => page.mouse.move(box.x + box.width * part, box.y + box.height * 0.7);
    const tiles = [];
    for (const part of [0.05, 0.5, 0.95]) {
      await over(part);
      tiles.push(await page.locator(".strip").evaluate((strip) => [strip.hidden, strip.style.getPropertyValue("--tile")]));
    }
    await page.mouse.move(1, 1);
    await page.clock.runFor(1_000);
    const films = () => log.requests.filter((each) => each.endsWith(".mp4")).length;
    const before = films();
    await over(0.5);
    await Promise.all([page.waitForRequest(/pictured\.mp4$/), page.clock.runFor(1_000)]);
    const after = films();
    await page.mouse.move(1, 1);
    await page.waitForFunction(() => document.querySelectorAll(".card video").length === 0);
    await done();
    return { tiles, before, after, ...log };
  },

  async filters() {
    const { page, log, done } = await open(local);
    const seen = {};
    await page.getByRole("searchbox").fill("lighthouse DUSK");
    seen.text = [await count(page, "1 of"), await titles(page), await page.evaluate(() => location.hash)];
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Status", { exact: true }).selectOption("failed");
    seen.status = [await count(page, "1 of"), await titles(page)];
    seen.chip = await page.locator(".chip").allTextContents();
    await page.getByLabel("Status", { exact: true }).selectOption("");
    await page.getByLabel("Channel", { exact: true }).selectOption("youtube");
    await count(page, "of");
    seen.meta = [await titles(page), await page.evaluate(() => location.hash)];
    seen.facets = await page.locator(".chooser label").allTextContents();
    await page.keyboard.press("Escape");
    await page.getByRole("searchbox").fill("nothing like this");
    seen.none = await count(page, "None");
    await page.getByRole("button", { name: "Clear filters" }).click();
    seen.cleared = [await count(page, /^\d+ clips/), await page.evaluate(() => location.hash)];
    await page.getByLabel("Order").selectOption("prompt");
    await drawn(page);
    seen.ordered = (await titles(page)).slice(-3);
    await done();
    return { ...seen, ...log };
  },

  async "opens from a link"() {
    const { page, done } = await open(local, { hash: "#view=gallery&q=wizard&meta.channel=instagram" });
    const seen = {
      titles: await titles(page), count: await count(page, "of"),
      q: await page.getByRole("searchbox").inputValue(), chips: await page.locator(".chip").allTextContents(),
    };
    await page.evaluate(() => { location.hash = "#status=in_doubt"; });
    await count(page, "1 of");
    seen.after = await titles(page);
    await done();
    return seen;
  },

  async calendar() {
    const { page, log, done } = await open(local);
    await page.getByRole("button", { name: "Calendar", exact: true }).click();
    await page.locator(".month").first().waitFor();
    const seen = { pressed: await page.locator(".views [aria-pressed=true]").allTextContents() };
    await page.locator('td:has(time[datetime="2026-12-01"]) .event').click();
    seen.opened = await page.locator("#detail-title").textContent();
    await page.waitForFunction(() => document.querySelector("dialog video")?.readyState >= 2);
    await page.keyboard.press("Escape");
    await page.evaluate(() => { location.hash = "#day=2027-01-05"; });
    seen.day = [await count(page, "of"), await page.locator(".chip").first().textContent()];
    await page.getByRole("button", { name: "Remove the filter" }).first().click();
    seen.without = await count(page, /^\d+ clips/);
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
    await page.getByRole("button", { name: "An old wizard" }).click();
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
    seen.focus = await focused(page);
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
      return { name: it.className.includes("card") ? "card" : (it.getAttribute("aria-label") ?? it.textContent.trim()), seen: outlineStyle !== "none" || boxShadow !== "none" };
    });
    await page.keyboard.press("Tab");
    const order = [await focus()];
    await page.keyboard.press("Enter");
    order.push(await focus());
    for (let stop = 0; stop < 18; stop += 1) {
      await page.keyboard.press("Tab");
      order.push(await focus());
    }
    await done();
    return { order };
  },

  async "has a key for everything"() {
    const { page, log, done } = await open(local);
    const { keyboard } = page;
    const progress = () => page.locator(".progress").textContent();
    const key = async (...names) => {
      for (const name of names) {
        await keyboard.press(name);
        await drawn(page);
      }
      return focused(page);
    };
    const seen = { first: await key("ArrowRight"), second: await key("l"), third: await key("j", "k", "h") };
    seen.last = await key("End");
    seen.home = await key("Home");
    seen.kept = [await key("p"), await progress()];
    await page.locator("#said", { hasText: "Kept." }).waitFor();
    seen.said = await said(page);
    seen.stayed = [await key("Shift+X"), await progress()];
    seen.cleared = [await key("u"), await progress()];
    seen.back = [await key("z"), await progress()];
    await key("n");
    await keyboard.type("Too dark");
    await keyboard.press("Shift+Enter");
    await keyboard.type("p x, and the left hand");
    await keyboard.press("Enter");
    seen.note = [await key(), await page.locator(".card.current .mark.note").getAttribute("title"), await progress()];
    await key("n");
    await keyboard.type("nothing");
    seen.left = [await key("Escape"), await page.locator(".card.current .mark.note").getAttribute("title")];
    await key("Space");
    await page.waitForFunction(() => [...document.querySelectorAll("video")].some((each) => !each.paused));
    await key("Space");
    seen.playing = await playing(page);
    seen.searched = await key("/");
    await keyboard.type("twice px");
    seen.typed = await page.getByRole("searchbox").inputValue();
    await page.getByRole("searchbox").fill("twice");
    await key("Escape", "ArrowRight");
    seen.takes = [await focused(page), await key("2"), await key(","), await key(".")];
    await key("Enter");
    seen.detail = [await page.locator("#detail-title").textContent(), await page.locator(".where").textContent()];
    await key("Shift+P");
    seen.judged = await page.locator(".verdict[aria-pressed=true]").textContent();
    seen.earlier = await key("ArrowLeft");
    seen.closed = await key("Escape");
    await page.getByRole("searchbox").fill("");
    await page.locator("#work").focus();
    await key("Home", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight");
    seen.several = [await page.locator(".card[aria-selected=true]").count(), await page.locator(".selecting-line span").textContent()];
    await key("Shift+P");
    seen.all = [await progress(), await page.locator(".card[aria-selected=true]").count()];
    await key("ArrowLeft", "r");
    seen.again = await page.locator("dialog.small code").textContent();
    await key("Escape", "?");
    seen.help = await page.locator("dialog.help kbd").allTextContents();
    await page.getByLabel("Keys of a single character work").uncheck();
    await key("Escape");
    const before = await progress();
    seen.off = [await key("p"), (await progress()) === before, await key("ArrowRight")];
    await done();
    return { ...seen, ...log };
  },

  // As a person would who has no mouse: every fifteenth is rejected with a reason, others are kept.
  async "culls a night by keyboard"() {
    const context = { acceptDownloads: true };
    const { page, log, done } = await open(night, context);
    await page.locator(".card").first().waitFor();
    await page.keyboard.press("ArrowRight");
    for (let clip = 0; clip < 300; clip += 1) {
      if (clip % 15 === 7) {
        await page.keyboard.press("n");
        await page.keyboard.type(`Hands in ${clip}: “é” 😀 </script>`);
        await page.keyboard.press("Enter");
        await page.keyboard.press("x");
      } else {
        await page.keyboard.press(clip % 5 === 0 ? "p" : "ArrowRight");
      }
    }
    const seen = { progress: await page.locator(".progress").textContent(), save: await page.locator(".save").textContent() };
    await page.reload();
    await page.locator(".card").first().waitFor();
    seen.reloaded = await page.locator(".progress").textContent();
    await page.keyboard.press("s");
    await page.keyboard.type("Ada");
    const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    await file.saveAs(`${downloads}/picks.jsonl`);
    seen.name = file.suggestedFilename();
    await drawn(page);
    seen.after = await page.locator(".save").textContent();
    seen.cards = await page.locator(".card").count();
    await done();
    return { ...seen, ...log };
  },

  async "shows a whole row at once"() {
    const seen = {};
    for (const [name, size] of Object.entries({ desktop: [1440, 900], laptop: [1280, 720], phone: [390, 844] })) {
      for (const density of ["", "large", "grid"]) {
        const { page, done } = await open(night, { width: size[0], height: size[1], hash: density && `#density=${density}` });
        await page.locator(".card").first().waitFor();
        seen[`${name} ${density}`.trim()] = await whole(page);
        await done();
      }
    }
    return seen;
  },

  async "is accessible"() {
    const found = {};
    for (const colorScheme of ["light", "dark"]) {
      for (const hash of ["", "#density=grid", "#view=calendar", "#view=unfinished", "#view=night", "#task=wizard", "#task=doubt-one", "keys"]) {
        for (const width of colorScheme === "light" ? [1280, 360] : [1280]) {
          const { page, done } = await open(local, { colorScheme, hash: hash.startsWith("#") ? hash : "", width });
          await page.locator(".count", { hasText: /\w/ }).waitFor();
          if (hash === "keys") {
            await page.keyboard.press("ArrowRight");
            await page.keyboard.press("p");
            await page.keyboard.press("Shift+X");
            await page.keyboard.press("?");
          }
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
    for (const hash of ["", "#density=grid", "#view=calendar", "#view=unfinished", "#view=night", "#task=wizard"]) {
      const { page, done } = await open(local, { hash, width: 360, height: 740 });
      await page.locator(".count", { hasText: /\w/ }).waitFor();
      widths[hash] = await page.evaluate(() => [document.documentElement, document.getElementById("detail")].map((each) => Math.max(0, each.scrollWidth - each.clientWidth)));
      await done();
    }
    return widths;
  },

  async "holds a thousand"() {
    const { page, log, done } = await open(big);
    await page.locator(".card").first().waitFor();
    const cards = () => page.locator(".card").count();
    const seen = { cards: [await cards()], live: [await live(page)] };
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    for (let turn = 1; turn <= 20; turn += 1) {
      await page.evaluate((top) => scrollTo(0, top), (height * turn) / 20);
      await page.waitForTimeout(60);
      seen.cards.push(await cards());
      seen.live.push(await live(page));
    }
    seen.last = (await titles(page)).at(-1);
    seen.rows = await page.locator("[role=row]").last().getAttribute("aria-rowindex");
    seen.total = await page.locator("[role=grid]").getAttribute("aria-rowcount");
    const at = await page.evaluate(() => scrollY);
    // Pressed in the page: Playwright's own press scrolls first.
    const press = (label) => page.getByRole("button", { name: label, exact: true }).evaluate((tab) => { tab.click(); });
    await press("Calendar");
    await page.locator(".month").first().waitFor();
    await page.waitForTimeout(400);
    seen.calendar = await live(page);
    await press("Clips");
    await drawn(page);
    seen.kept = [at, await page.evaluate(() => scrollY)];
    await page.getByRole("searchbox").fill("no such");
    await count(page, "None");
    seen.search = await page.evaluate(() => {
      const field = document.querySelector("input[type=search]");
      const times = ["s", "shot 7", "thousand 99", "zzz", ""].map((text) => {
        const from = performance.now();
        field.value = text;
        field.dispatchEvent(new Event("input"));
        document.body.getBoundingClientRect();
        return performance.now() - from;
      });
      return Math.max(...times);
    });
    await done();
    return { ...seen, ...log };
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
    const { page: other, done: end } = await open(big);
    await other.locator(".card").first().waitFor();
    await other.emulateMedia({ media: "print" });
    await other.waitForFunction(() => document.querySelectorAll(".card").length === 1_000);
    await end();
    return { shown };
  },
};

const seen = {};
for (const [name, visit] of Object.entries(visits).filter(([name]) => !only.length || only.includes(name))) {
  try {
    seen[name] = await visit();
  } catch (error) {
    seen[name] = { error: String(error.stack ?? error) };
  }
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
