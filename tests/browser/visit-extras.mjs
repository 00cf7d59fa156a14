// Compares, plays the reel, plans in the calendar, and reads what is unfinished; prints what it saw.
//
//   node visit-extras.mjs CHROMIUM PAGE BIG_PAGE     (addresses; the pages are made with harness.js)

import { readFile } from "node:fs/promises";
import { violations, visitAll } from "./browsing.mjs";

const [, , executablePath, local, big] = process.argv;

const ready = (page) => page.locator(".count", { hasText: /\w/ }).waitFor();
// Tasks of the job have two shapes: the wide one is -1 here, the tall one -2.
const id = (name) => name.replace(/-1$/, "[aspect_ratio=16:9]").replace(/-2$/, "[aspect_ratio=9:16]");
const word = (page, name) => page.evaluate((task) => globalThis.page.byTask.get(task).verdict ?? null, id(name));
const said = (page, name, verdict) =>
  page.waitForFunction(([task, wanted]) => (globalThis.page.byTask.get(task).verdict ?? null) === wanted, [id(name), verdict]);
const openCompare = (page, task, more = []) =>
  page.evaluate(([name, others]) => {
    const { byTask, openCompare, sidesOf } = globalThis.page;
    openCompare([name, ...others].flatMap((each) => sidesOf(byTask.get(each))));
  }, [id(task), more.map(id)]);
const openReel = (page, tasks) =>
  page.evaluate((names) => { globalThis.page.openReel(names.map((name) => globalThis.page.byTask.get(name))); }, tasks.map(id));
const atFocus = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
const caption = (page, text) => page.locator(".reel-caption h3", { hasText: text }).waitFor();
const cells = (page) => page.evaluate(() =>
  Object.fromEntries([...document.querySelectorAll("#calendar td:has(.event)")].map((cell) => [
    cell.querySelector("time").dateTime, [...cell.querySelectorAll(".event")].map((each) => each.textContent),
  ])));

// Whether all films stay within a tenth of a second of each other for two seconds of film, as soon as they do.
const inStep = (page) => page.evaluate(() => new Promise((resolve) => {
  let from = null;
  let last = -1;
  const look = () => {
    const films = [...document.querySelectorAll(".side video")];
    const times = films.map((film) => film.currentTime);
    const apart = Math.max(...times) - Math.min(...times);
    const going = films.every((film) => !film.paused && !film.seeking && film.readyState > 2);
    const least = Math.min(...times);
    from = going && apart < 0.1 && least >= last ? (from ?? least) : null;
    last = least;
    if (from !== null && least - from >= 2) {
      resolve(true);
    } else {
      requestAnimationFrame(look);
    }
  };
  setTimeout(() => resolve(false), 60_000);
  look();
}));

const visits = {
  async compares(open) {
    const { page, log, done } = await open(local);
    await ready(page);
    await page.getByRole("button", { name: "Calendar", exact: true }).focus();
    await openCompare(page, "cat-1");
    const dialog = page.getByRole("dialog", { name: "Compare" });
    await dialog.waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(".side video")].every((film) => film.readyState > 2));
    const seen = {
      sides: await page.locator(".side .side-label").allTextContents(),
      acts: await page.locator(".side-acts").allTextContents(),
      focus: await atFocus(page),
      beyond: await page.evaluate(() =>
        document.querySelector("dialog[open]").getBoundingClientRect().right - document.documentElement.clientWidth),
    };
    await page.waitForFunction(() => document.querySelector(".difference-table")?.textContent.includes("Duration"));
    seen.differs = await page.locator(".difference-table tbody tr").evaluateAll((rows) =>
      Object.fromEntries(rows.map((row) => [row.cells[0].textContent, [...row.cells].slice(1).map((cell) => cell.textContent)])));
    seen.marked = await page.locator(".difference-table ins, .difference-table del").evaluateAll((all) => all.map((each) => [each.localName, each.textContent]));
    await page.keyboard.press("Space");
    seen.inStep = await inStep(page);
    await page.keyboard.press("Space");
    // Past the end of the shorter one: it rests at its end, and the longer one is where the clock is.
    await page.keyboard.press("Home");
    for (let second = 0; second < 5; second += 1) {
      await page.keyboard.press("ArrowRight");
    }
    await page.waitForFunction(() => [...document.querySelectorAll(".side video")].every((film) => film.paused && !film.seeking));
    seen.rest = await page.locator(".side video").evaluateAll((films) => films.map((film) => Math.round(film.currentTime * 10) / 10));
    seen.ended = await page.locator(".side.ended").count();
    const clock = async () => Number.parseFloat(await page.locator(".clock").textContent());
    const before = await clock();
    await page.keyboard.press(",");
    await page.keyboard.press(",");
    seen.stepped = before - (await clock());
    await done();
    return { ...seen, ...log };
  },

  async "judges in compare"(open) {
    const { page, log, done } = await open(local);
    await ready(page);
    await page.getByRole("button", { name: "Calendar", exact: true }).focus();
    await openCompare(page, "cat-1");
    await page.keyboard.press("2");
    const seen = { second: await atFocus(page) };
    await page.keyboard.press("p");
    await said(page, "cat-2", "kept");
    await page.keyboard.press("1");
    await page.keyboard.press("x");
    await said(page, "cat-1", "rejected");
    seen.pressed = await page.locator(".side-acts [data-do][aria-pressed=true]").evaluateAll((all) => all.map((each) => each.ariaLabel));
    await page.keyboard.press("u");
    await said(page, "cat-1", null);
    await page.keyboard.press("3");
    await page.keyboard.press("p");
    seen.told = await page.locator(".compare [role=status]", { hasText: "earlier version" }).textContent();
    await page.getByRole("button", { name: "Reject 1" }).click();
    await said(page, "cat-1", "rejected");
    seen.afterClick = await atFocus(page);
    await page.keyboard.press("m");
    seen.sound = await page.locator(".side video").evaluateAll((films) => films.map((film) => !film.muted));
    await page.keyboard.press("2");
    await page.keyboard.press("d");
    seen.wipe = await page.locator(".side").evaluateAll((all) => all.map((each) => [each.checkVisibility(), each.classList.contains("over")]));
    await page.keyboard.press("Escape");
    await page.locator(".compare").waitFor({ state: "detached" });
    seen.back = await page.evaluate(() => document.activeElement.textContent);
    seen.hash = await page.evaluate(() => location.hash);
    await done();
    return { ...seen, ...log };
  },

  async "chooses among many"(open) {
    const { page, done } = await open(local);
    await ready(page);
    await openCompare(page, "cat-1", ["dog-1"]);
    const choice = page.locator(".choice button");
    const pressed = () => choice.evaluateAll((all) => all.map((each) => each.ariaPressed === "true"));
    const seen = { first: await pressed() };
    await page.keyboard.press("4");
    await choice.nth(4).click();
    seen.swapped = await pressed();
    await choice.nth(0).click();
    seen.fewer = [await pressed(), await page.locator(".side").count()];
    await done();
    return seen;
  },

  async "says what cannot be played"(open) {
    const { page, done } = await open(local);
    await ready(page);
    await openCompare(page, "owl-1");
    await page.locator(".cannot").waitFor();
    const seen = { words: await page.locator(".cannot").allTextContents(), films: await page.locator(".side video").count() };
    await page.keyboard.press("Space");
    await page.waitForFunction(() => document.querySelector(".side video").currentTime > 0.1);
    await done();
    return seen;
  },

  async "plays the reel"(open) {
    const { page, log, done } = await open(local);
    await ready(page);
    await page.evaluate(() => { globalThis.most = 0; new MutationObserver(() => {
      globalThis.most = Math.max(globalThis.most, document.querySelectorAll(".reel video[src]").length);
    }).observe(document.body, { subtree: true, childList: true, attributes: true }); });
    await openReel(page, ["emu-1", "still", "dog-1", "failed", "owl-2", "cat-1"]);
    const seen = { order: [] };
    for (let place = 0; place < 4; place += 1) {
      const [name, ended] = await page.evaluate((at) => new Promise((resolve) => {
        const look = () => {
          const where = document.querySelector(".reel .where").textContent;
          if (where.startsWith(`${at + 1} of`)) {
            const film = document.querySelector(".reel-slot:not(.waiting) video");
            resolve([document.querySelector(".reel-caption h3").textContent, Boolean(film)]);
          } else {
            requestAnimationFrame(look);
          }
        };
        look();
      }), place);
      seen.order.push([name, ended]);
    }
    await caption(page, "The end");
    seen.end = await page.locator(".reel .where").textContent();
    seen.most = await page.evaluate(() => globalThis.most);
    seen.button = await page.locator(".reel .transport-play").textContent();
    await done();
    return { ...seen, ...log };
  },

  async "judges in the reel"(open) {
    const { page, done } = await open(local);
    await ready(page);
    await page.getByRole("button", { name: "Calendar", exact: true }).focus();
    await openReel(page, ["emu-1", "dog-1", "cat-1"]);
    await caption(page, "an emu");
    await page.keyboard.press("Space");
    const seen = { paused: await page.locator(".reel .transport-play").textContent() };
    await page.keyboard.press("p");
    await caption(page, "-50");
    await page.keyboard.press("Shift+X");
    await said(page, "dog-1", "rejected");
    seen.stays = await page.locator(".reel-caption h3").textContent();
    await page.keyboard.press("ArrowRight");
    await caption(page, "Hi, you");
    seen.facts = await page.locator(".reel-facts").textContent();
    await page.keyboard.press("p");
    await caption(page, "The end");
    seen.words = [await word(page, "emu-1"), await word(page, "dog-1"), await word(page, "cat-1")];
    await page.getByRole("button", { name: "Kept only" }).click();
    await caption(page, "an emu");
    seen.kept = await page.locator(".reel .where").textContent();
    await page.locator(".reel").getByLabel("Order").selectOption("date");
    await caption(page, "Hi, you");
    await page.keyboard.press("Escape");
    await page.locator(".reel").waitFor({ state: "detached" });
    seen.back = await page.evaluate(() => document.activeElement.textContent);
    await done();
    return seen;
  },

  async plans(open) {
    const { page, log, done } = await open(`${local}#view=calendar&period=2026-12`);
    await ready(page);
    const seen = {
      month: await cells(page), title: await page.locator(".period").textContent(),
      tray: await page.locator(".tray .event").allTextContents(), remark: await page.locator(".tray .remark").textContent(),
      channels: await page.locator(".channels li").allTextContents(),
      months: await page.locator(".jump option").allTextContents(),
      stills: await page.locator("#calendar .event img").evaluateAll((all) => all.map((each) => each.getAttribute("src"))),
      states: await page.locator("#calendar td .event").evaluateAll((all) => all.map((each) => each.className)),
    };
    await page.getByRole("button", { name: "Week", exact: true }).click();
    seen.week = [await page.evaluate(() => location.hash), await page.locator(".period").textContent(), Object.keys(await cells(page))];
    await page.getByRole("button", { name: "Next week" }).click();
    seen.next = [await page.locator(".period").textContent(), await atFocus(page)];
    await page.getByRole("button", { name: "Month", exact: true }).click();
    await page.getByLabel("Go to month").selectOption("2027-01");
    seen.january = [await page.locator(".month").count(), Object.values(await cells(page)).map((each) => each.length)];
    seen.films = log.requests.filter((each) => /\.mp4$/.test(each)).length;
    await page.locator("td .link").click();
    seen.day = [await page.evaluate(() => location.hash), await page.locator(".count", { hasText: "of" }).textContent()];
    await page.goto(`${local}#view=calendar&period=2026-99`);
    await page.locator(".month").waitFor();
    seen.wrong = await page.locator(".period").textContent();
    await done();
    return { ...seen, ...log };
  },

  async "saves the calendar"(open) {
    const { page, log, done } = await open(`${local}#view=calendar`);
    await ready(page);
    const save = async (name) => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
      return [download.suggestedFilename(), await readFile(await download.path(), "utf8")];
    };
    const seen = { all: await save("Calendar file (.ics)") };
    await page.evaluate(() => { location.hash = "#view=calendar&verdict=kept"; });
    seen.kept = await save("Calendar file of the kept (.ics)");
    await done();
    return { ...seen, ...log };
  },

  async "reads what is unfinished"(open) {
    const { page, log, done } = await open(`${local}#view=unfinished`);
    await ready(page);
    const seen = {
      blocks: await page.locator("#unfinished .block").evaluateAll((all) => all.map((each) => each.dataset.block)),
      reasons: await page.locator("#unfinished .reason h4").allTextContents(),
      commands: await page.locator("#unfinished .command code").allTextContents(),
      holders: await page.locator("#unfinished .do").evaluateAll((all) => all.map((each) => [each.dataset.block, each.dataset.command])),
      folded: await page.locator("#unfinished details summary").allTextContents(),
      copies: await page.locator("#unfinished .command button").evaluateAll((all) => all.map((each) => each.ariaLabel)),
      hit: await page.evaluate(() => "hit" in globalThis),
    };
    await page.evaluate(() => globalThis.page.merge([{ ...globalThis.page.byTask.get("failed"), standing: "accepted", words: { what: "It is on its way." } }]));
    seen.moved = await page.locator("#unfinished .block").evaluateAll((all) => all.map((each) => [each.dataset.block, each.querySelectorAll("tbody tr").length]));
    await done();
    return { ...seen, ...log };
  },

  async "hears of another night"(open) {
    const { page, done } = await open(`${local}#view=night`);
    await ready(page);
    const night = (start, count) => ({ start, end: start + 600, step: 60, in_flight: [1, count], succeeded: [0, count], failed: [0, 0], in_doubt: [0, 0], balance: [null, 5] });
    const seen = { empty: await page.locator(".night-reading").textContent() };
    const set = (nights) => page.evaluate((all) => globalThis.page.setNights(all), nights);
    await set([night(1_795_298_400, 3)]);
    seen.one = await page.locator(".night-picture svg").getAttribute("aria-label");
    await set([night(1_795_298_400, 3), night(1_795_384_800, 7)]);
    seen.two = [await page.locator(".night-picture svg").getAttribute("aria-label"), await page.locator("#night-choice option").count()];
    await page.locator("#night-choice select").selectOption("0");
    seen.chosen = await page.locator(".night-picture svg").getAttribute("aria-label");
    await done();
    return seen;
  },

  async "is accessible"(open) {
    const found = {};
    const places = {
      calendar: ["#view=calendar&period=2026-12"], week: ["#view=calendar&period=2026-12-01"], unfinished: ["#view=unfinished"],
      night: ["#view=night"],
      compare: ["", (page) => openCompare(page, "cat-1", ["dog-1"])],
      wipe: ["", async (page) => { await openCompare(page, "cat-1"); await page.keyboard.press("d"); }],
      reel: ["", async (page) => { await openReel(page, ["hostile-1", "cat-1"]); await page.keyboard.press("Space"); }],
    };
    const widths = {};
    for (const colorScheme of ["light", "dark"]) {
      for (const [name, [hash, act]] of Object.entries(places)) {
        for (const width of colorScheme === "light" ? [1280, 360] : [1280]) {
          const { page, done } = await open(local + hash, { colorScheme, width, height: width < 400 ? 740 : 900 });
          await ready(page);
          await act?.(page);
          await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
          const here = await violations(page);
          if (here.length) {
            found[`${colorScheme} ${name} ${width}`] = here;
          }
          widths[`${name} ${width}`] = await page.evaluate(() => [document.documentElement, document.querySelector("dialog[open]")]
            .map((each) => (each ? each.scrollWidth - each.clientWidth : 0)));
          await done();
        }
      }
    }
    return { found, widths };
  },

  async "holds a year of posts"(open) {
    const { page, log, done } = await open(`${big}#view=calendar`);
    await page.locator(".month").waitFor();
    const seen = await page.evaluate(() => ({
      months: document.querySelectorAll(".month").length, events: document.querySelectorAll(".event").length,
      options: document.querySelectorAll(".jump option").length,
    }));
    // The time from the address to the next picture, told and not judged here.
    seen.milliseconds = await page.evaluate(async () => {
      const times = [];
      for (const period of ["2026-03", "2026-04", "2026-05"]) {
        const from = performance.now();
        location.hash = `#view=calendar&period=${period}`;
        await new Promise((resolve) => { addEventListener("hashchange", () => requestAnimationFrame(() => setTimeout(resolve)), { once: true }); });
        times.push(Math.round(performance.now() - from));
      }
      return times;
    });
    seen.films = log.requests.filter((each) => /\.mp4$/.test(each)).length;
    await done();
    return { ...seen, ...log };
  },

  async prints(open) {
    const { page, done } = await open(`${local}#view=calendar`);
    await ready(page);
    await page.emulateMedia({ media: "print" });
    const shown = await page.evaluate(() => [".steps", ".planner-tools", ".period", ".month .event", ".tray .event"].map((each) => document.querySelector(each).checkVisibility()));
    await done();
    return { shown };
  },
};

await visitAll(executablePath, visits);
