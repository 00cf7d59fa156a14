// The morning after a night of three hundred clips, with the keyboard alone; then what other sites may do.
//
//   node visit-morning.mjs CHROMIUM DOWNLOADS view ADDRESS      (what `pipeline view` prints; two jobs)
//   node visit-morning.mjs CHROMIUM DOWNLOADS bundle PAGE       (the address of a bundle on this disk)
//
// Prints what it saw as one JSON object.

import { createServer } from "node:http";
import { violations, visitAll } from "./browsing.mjs";

const [, , executablePath, downloads, kind, address] = process.argv;
const HOSTILE = `"><img src=x onerror="hit = 1"></textarea><script>hit = 1</script>`;
const CLIPS = 300;
const { origin } = new URL(address);

const drawn = (page) => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
const progress = (page) => page.locator(".progress").textContent();
const focused = (page) => page.evaluate(() => {
  const it = document.activeElement;
  return (it.getAttribute("aria-label") || it.textContent).trim();
});
const inert = (page) => page.evaluate(() => !("hit" in globalThis) && !document.querySelector("img[src=x], a[href^=javascript]"));

// Go on with the Tab key until what has the focus is named so.
async function tabTo(page, name, key = "Tab") {
  for (let stop = 0; stop < 80; stop += 1) {
    if (name.test(await focused(page))) {
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`no ${name} by ${key}`);
}

// One clip after the other, as a person culls: some kept, some rejected with a reason, others passed over.
async function cull(page, clips, seen) {
  for (let clip = 0; clip < clips; clip += 1) {
    if (clip % 15 === 7) {
      await page.keyboard.press("n");
      await page.keyboard.type(clip % 2 ? `Hands ${HOSTILE}` : `Too dark: ${clip} “é” 😀`);
      await page.keyboard.press("Enter");
      await page.keyboard.press("x");
    } else {
      await page.keyboard.press(clip % 5 === 0 ? "p" : "ArrowRight");
    }
    if (clip % 10 === 0) {
      seen.lost.push(...await page.evaluate(() => {
        const card = document.activeElement;
        const { top, bottom } = card.getBoundingClientRect();
        const isThere = card.matches(".card.current") && top >= 0 && bottom <= innerHeight;
        return isThere ? [] : [`${card.outerHTML.slice(0, 80)} from ${top} to ${bottom}`];
      }));
    }
  }
}

// What finds nothing in both colour schemes is not told.
async function axe(page, where, seen) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const found = await violations(page);
    if (found.length) {
      seen.axe[`${where}, ${colorScheme}`] = found;
    }
    seen.checked.push(`${where}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

// Whether all films play, and stay within a tenth of a second of each other over half a second of film.
const inStep = (page) => page.evaluate(() => new Promise((resolve) => {
  let from = null;
  const look = () => {
    const films = [...document.querySelectorAll(".side video")];
    const times = films.map((film) => film.currentTime);
    const least = Math.min(...times);
    const together = films.length > 1 && films.every((film) => !film.paused) && Math.max(...times) - least < 0.1;
    from = together ? Math.min(from ?? least, least) : null;
    if (from !== null && least - from >= 0.5) {
      resolve(true);
    } else {
      requestAnimationFrame(look);
    }
  };
  setTimeout(() => resolve(false), 30_000);
  look();
}));

async function save(page, act, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), act()]);
  await file.saveAs(`${downloads}/${name}`);
  return file.suggestedFilename();
}

const view = {
  async morning(open) {
    const { page, log, done } = await open(address, { acceptDownloads: true });
    const { keyboard } = page;
    const seen = { axe: {}, checked: [], lost: [] };
    page.setDefaultTimeout(120_000); // what hangs, not what is slow on a busy machine
    await page.locator(".job-card").nth(1).waitFor();
    await axe(page, "jobs", seen);
    await tabTo(page, /^<img|^the night/i);
    await keyboard.press("Enter");
    await page.locator(".card").first().waitFor();
    seen.address = new URL(page.url()).pathname;
    await page.locator("#live .state-word", { hasText: "Finished" }).waitFor();
    await axe(page, "clips", seen);

    // The first half of all; then what is not seen yet, where each verdict takes its card away.
    const began = performance.now();
    await keyboard.press("ArrowRight");
    await cull(page, CLIPS / 2, seen);
    await page.locator(".progress", { hasText: "30 kept · 10 rejected" }).waitFor();
    await tabTo(page, /^Filter$/, "Shift+Tab");
    await keyboard.press("Enter");
    await tabTo(page, /^Any/);
    await keyboard.type("Not");
    await keyboard.press("Escape");
    await page.locator(".count", { hasText: "260 of 300" }).waitFor();
    seen.afterFilter = await focused(page);
    await tabTo(page, /^Shot|^Clip|^"><img/);
    await keyboard.press("Home");
    await cull(page, CLIPS / 2, seen);
    await page.locator(".progress", { hasText: "60 kept · 20 rejected" }).waitFor();
    await page.locator(".count", { hasText: /^220 of 300/ }).waitFor();
    seen.culled = [await progress(page), await page.locator(".count").textContent()];
    // Kept without moving on, the card is gone all the same: the next one has its place, not the first of all.
    await keyboard.press("Shift+P");
    await page.locator(".progress", { hasText: "61 kept" }).waitFor();
    await drawn(page);
    seen.stays = await page.evaluate(() => scrollY > 200 && document.activeElement.matches(".card.current"));
    await keyboard.press("z");
    await page.locator(".progress", { hasText: "60 kept" }).waitFor();
    seen.seconds = Math.round((performance.now() - began) / 100) / 10;
    await tabTo(page, /^Remove the filter/, "Shift+Tab");
    await keyboard.press("Enter");
    await page.locator(".count", { hasText: /^300 clips/ }).waitFor();
    seen.afterChip = await focused(page);
    seen.inert = [await inert(page)];

    // What is rejected, again: started here, and seen as it comes in.
    await page.evaluate(() => {
      globalThis.told = [];
      const note = () => {
        const word = document.querySelector("#live .state-word").textContent;
        const flight = document.querySelector("#live .state-detail").textContent;
        const spent = document.querySelector("#live .live-figures").textContent;
        const kept = document.querySelector(".progress").textContent;
        const line = JSON.stringify([word, flight, spent, kept]);
        if (globalThis.told.at(-1) !== line) {
          globalThis.told.push(line);
        }
      };
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await tabTo(page, /^Render 20 rejected again/, "Shift+Tab");
    await keyboard.press("Enter");
    await page.locator(".question", { hasText: "$" }).waitFor();
    seen.question = await page.locator(".question").textContent();
    await axe(page, "question", seen);
    await keyboard.press("Enter");
    await page.locator("#live .state-word", { hasText: "Running" }).waitFor();
    await axe(page, "running", seen);
    await page.locator("#live .state-word", { hasText: "Finished" }).waitFor();
    await page.locator(".progress", { hasText: "60 of 300 seen · 60 kept · 0 rejected" }).waitFor();
    seen.told = (await page.evaluate(() => globalThis.told)).map((each) => JSON.parse(each));
    seen.afterRun = await progress(page);
    seen.inert.push(await inert(page));

    // A new one beside what it was.
    await tabTo(page, /^Search/);
    await keyboard.type("shot-022");
    await page.locator(".count", { hasText: /^1 of 300/ }).waitFor();
    await keyboard.press("Escape");
    await keyboard.press("ArrowRight");
    await drawn(page);
    seen.verdict = await page.locator(".card.current .mark.rejected, .card.current .mark.kept").count();
    await keyboard.press("Enter");
    await page.locator("#detail[open]").waitFor();
    await axe(page, "detail", seen);
    await keyboard.press("c");
    await page.locator("dialog.compare").waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll(".side video")].every((film) => film.readyState > 2));
    seen.sides = await page.locator(".side .side-label").allTextContents();
    await axe(page, "compare", seen);
    await keyboard.press("Space");
    seen.inStep = await inStep(page);
    await keyboard.press("Escape");
    await page.locator("dialog.compare").waitFor({ state: "detached" });
    await keyboard.press("Escape");
    await page.locator("#detail[open]").waitFor({ state: "hidden" });
    seen.back = await page.evaluate(() => document.activeElement.className);
    await keyboard.press("v");
    await page.locator("dialog.reel").waitFor();
    await axe(page, "reel", seen);
    await keyboard.press("Escape");
    await page.locator("dialog.reel").waitFor({ state: "detached" });
    await keyboard.press("?");
    await axe(page, "help", seen);
    await keyboard.press("Escape");
    await keyboard.press("/");
    await keyboard.press("Control+a");
    await keyboard.press("Delete");
    await page.locator(".count", { hasText: /^300 clips/ }).waitFor();

    // The posts, for another calendar: of all, and of the kept.
    await tabTo(page, /^Calendar$/, "Shift+Tab");
    await keyboard.press("Enter");
    await page.locator("#calendar .event").first().waitFor();
    await axe(page, "calendar", seen);
    await tabTo(page, /^Calendar file/);
    seen.files = [await save(page, () => keyboard.press("Enter"), "all.ics")];
    await tabTo(page, /^Filter$/, "Shift+Tab");
    await keyboard.press("Enter");
    await tabTo(page, /^Any/);
    await keyboard.type("Kept");
    await keyboard.press("Escape");
    await page.locator(".count", { hasText: "60 of 300" }).waitFor();
    await tabTo(page, /^Calendar file of the kept/);
    seen.files.push(await save(page, () => keyboard.press("Enter"), "kept.ics"));
    seen.inert.push(await inert(page));
    await done();
    return { ...seen, ...log };
  },

  // A page of somebody else's, while the person has the view open in the same browser.
  async "another site"(open) {
    const { page, done } = await open(address);
    await page.locator(".job-card").nth(1).waitFor();
    const home = await page.locator(".job-card a").first().evaluate((link) => link.href);
    const { entries } = await page.evaluate(async (base) => (await fetch(`${base}data`)).json(), home);
    const clip = entries.find((each) => each.poster);
    const body = JSON.stringify({ tasks: [clip.task], verdict: "rejected" });
    const server = createServer((_, answer) => {
      answer.setHeader("Content-Type", "text/html");
      answer.end("<!doctype html><title>Another site</title><p>Free films");
    });
    await new Promise((ready) => { server.listen(0, "127.0.0.1", ready); });
    const { port } = server.address();
    const seen = { own: await page.evaluate(async (url) => (await fetch(url)).status, `${home}data`) };
    // The same host at another port, which has the cookie sent along; and a host of another name.
    for (const host of ["127.0.0.1", "localhost", "another.example"]) {
      const other = await page.context().newPage();
      const statuses = [];
      other.on("response", (response) => {
        if (response.url().startsWith(origin)) {
          statuses.push([response.request().method(), response.status()]);
        }
      });
      await other.goto(`http://${host}:${port}/`);
      const told = await other.evaluate(attack, { base: home, body, poster: new URL(clip.poster, home).href, film: new URL(clip.src, home).href });
      const framed = (await Promise.all(other.frames().slice(1).map((frame) => frame.locator(".card, .job-card").count().catch(() => 0)))).reduce((one, more) => one + more, 0);
      seen[host] = { told, framed, statuses };
      await other.close();
    }
    // A name that was another machine's and now means this one: also with the token in hand.
    const rebound = await page.context().newPage();
    const there = `http://rebound.example:${new URL(origin).port}/`;
    const answer = await rebound.goto(`${there}${new URL(address).search}`);
    seen.rebound = [answer.status(), ...await rebound.evaluate(async (post) => {
      const statuses = [];
      for (const [path, options] of [["/", {}], ["/night/data", {}], ["/night/verdicts", { method: "POST", headers: { "Content-Type": "application/json" }, body: post }]]) {
        statuses.push((await fetch(path, options)).status);
      }
      return statuses;
    }, body)];
    const after = await page.evaluate(async (base) => (await fetch(`${base}data`)).json(), home);
    const { running } = after.state;
    seen.unchanged = !running && JSON.stringify(after.entries) === JSON.stringify(entries);
    server.close();
    await done();
    return seen;
  },
};

// In the page of another site: what gets through, by each way that a page has.
async function attack({ base, body, poster, film }) {
  const within = (promise) => Promise.race([promise, new Promise((done) => { setTimeout(() => done("nothing"), 3_000); })]);
  const load = (tag, src, good) => within(new Promise((done) => {
    const element = document.createElement(tag);
    element.addEventListener(good, () => done("loaded"));
    element.addEventListener("error", () => done("refused"));
    element.src = src;
    document.body.append(element);
  }));
  const call = (url, options) => within(fetch(url, { credentials: "include", ...options }).then(
    async (answer) => (answer.type === "opaque" ? "opaque" : `read: ${(await answer.text()).slice(0, 40)}`),
    () => "refused",
  ));
  const listen = (Kind, url, options) => within(new Promise((done) => {
    const stream = new Kind(url, options);
    stream.onopen = () => done("open");
    stream.onmessage = () => done("message");
    stream.onerror = () => { stream.close(); done("refused"); };
  }));
  const told = {
    read: await call(`${base}data`),
    json: await call(`${base}verdicts`, { method: "POST", headers: { "Content-Type": "application/json" }, body }),
    plain: await call(`${base}verdicts`, { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body }),
    run: await call(`${base}run`, { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: `{"again":"rejected"}` }),
    beacon: String(navigator.sendBeacon(`${base}verdicts`, new Blob([body], { type: "text/plain" }))),
    image: await load("img", poster, "load"),
    film: await load("video", film, "loadedmetadata"),
    script: await load("script", `${base}data`, "load"),
    events: await listen(EventSource, `${base}events`, { withCredentials: true }),
    socket: await listen(WebSocket, `${base.replace("http", "ws")}events`),
  };
  const frame = document.createElement("iframe");
  frame.name = "frame";
  document.body.append(frame);
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: `${base}verdicts`, enctype: "text/plain", target: "frame" });
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: body.replace(/}$/, `,"x":"`), value: `"}` });
  form.append(field);
  document.body.append(form);
  await within(new Promise((done) => { frame.addEventListener("load", done, { once: true }); form.submit(); }));
  const page = document.createElement("iframe");
  document.body.append(page);
  await within(new Promise((done) => { page.addEventListener("load", done, { once: true }); page.src = base; }));
  return told;
}

// Two people who have the bundle and nothing else: each picks, and saves the picks.
const bundle = {};
for (const [name, keys] of Object.entries({ Ada: ["p", "p", "p"], Bo: ["x", "ArrowRight", "p"] })) {
  bundle[name] = async (open) => {
    const { page, log, done } = await open("about:blank", { acceptDownloads: true, offline: true });
    const seen = { axe: {}, checked: [] };
    await page.goto(address);
    await page.locator(".card canvas.still").first().waitFor();
    await page.waitForFunction(() => {
      const pictures = [...document.querySelectorAll(".card canvas.still")].slice(0, 4);
      return pictures.length === 4 && pictures.every((each) => each.width !== 300);
    });
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    await page.waitForFunction(() => [...document.querySelectorAll(".card.current video")].some((film) => film.currentTime > 0));
    await page.keyboard.press("Space");
    for (const key of keys) {
      await page.keyboard.press(key);
    }
    if (name === "Ada") {
      await axe(page, "bundle", seen);
    }
    await page.keyboard.press("s");
    await page.keyboard.press("Control+a");
    await page.keyboard.type(name);
    seen.file = await save(page, () => page.keyboard.press("Enter"), `${name}.jsonl`);
    seen.progress = await progress(page);
    seen.inert = await inert(page);
    await done();
    return { ...seen, ...log };
  };
}

await visitAll(executablePath, kind === "view" ? view : bundle, ["--host-resolver-rules=MAP *.example 127.0.0.1"]);
