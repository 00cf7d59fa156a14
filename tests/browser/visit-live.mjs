// Opens served pages in Chromium, uses them as people do, and prints what it saw as one JSON object.
//
//   node visit-live.mjs CHROMIUM VIEW STUB     (the addresses of `pipeline view` and of the stub)

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , executablePath, view, stub] = process.argv;
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });

async function open(address, context) {
  const page = await context.newPage();
  const log = { requests: [], complaints: [] };
  page.setDefaultTimeout(120_000); // what hangs, not what is slow on a busy machine
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
  await page.goto(address);
  return { page, log };
}

async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations: found } = await globalThis.axe.run(document, { runOnly: tags });
    return found.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
  });
}

const text = (page, selector) => page.locator(selector).textContent();
const state = (page, word) => page.locator("#live .state-word", { hasText: word }).waitFor();
const reading = (page, words) => page.locator("#live .live-reading", { hasText: words }).waitFor();
const press = (page, name) => page.getByRole("button", { name }).click();
const test = async (action, given) =>
  (await fetch(`${stub}test/${action}`, { method: "POST", body: JSON.stringify(given) })).json();
// How many tasks have succeeded, as the bar says.
const ready = (page) => page.evaluate(() => parseInt(document.querySelector("#live .live-reading").textContent));

const visits = {
  async "a night"() {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const { page, log } = await open(view, context);
    const seen = { address: page.url().replace(/:\d+/, "") };
    await state(page, "Not running");
    const before = await ready(page);
    await press(page, "Run what is left…");
    await page.locator(".question", { hasText: "$" }).waitFor();
    seen.question = await text(page, ".question .question-body");
    seen.asking = await violations(page);
    await page.getByRole("button", { name: "Start the run" }).click();
    await state(page, "Running");
    await page.waitForFunction((there) => parseInt(document.querySelector("#live .live-reading").textContent) > there, before);
    const other = await open(page.url(), context);
    await press(page, "Pause");
    await state(page, "Paused");
    await state(other.page, "Paused");
    await page.waitForFunction(() => !document.querySelector("#live .state-detail").textContent.includes("in flight"));
    const still = await ready(page);
    await page.waitForTimeout(1_500);
    seen.grewInThePause = (await ready(page)) - still;
    await page.locator(".controls summary").click();
    await page.getByLabel("At most in flight", { exact: true }).fill("5");
    await page.keyboard.press("Enter");
    await other.page.waitForFunction(() => document.querySelector("#set-concurrency").value === "5");
    await page.getByLabel("Rate", { exact: true }).fill("often");
    await page.keyboard.press("Enter");
    await page.locator("#fault-rate", { hasText: "rate" }).waitFor();
    seen.fault = await text(page, "#fault-rate");
    seen.controls = await violations(page);
    await page.keyboard.press("Escape");
    seen.closed = await page.evaluate(() => !document.querySelector(".controls").open && document.activeElement.tagName);
    await press(other.page, "Resume");
    await state(page, "Ended");
    await page.locator(".live-log summary", { hasText: "some failed" }).waitFor();
    seen.reading = await text(page, "#live .live-reading");
    seen.log = await text(page, ".live-log summary");
    seen.last = { clips: await ready(page), without: await ready(other.page) };
    seen.flight = await page.evaluate(async () => (await (await fetch("./data")).json()).state.in_flight);
    // A verdict of one page is there in the other.
    const before2 = await page.evaluate(async () => {
      const { entries } = await (await fetch("./data")).json();
      const { task, sha256 } = entries.find((each) => each.status === "succeeded");
      await fetch("./verdicts", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ tasks: [task], verdict: "rejected", sha256: { [task]: sha256 } }),
      });
      return { task, sha256 };
    });
    await other.page.getByRole("button", { name: "Render 1 rejected again…" }).click();
    await other.page.locator(".question", { hasText: "$" }).waitFor();
    seen.again = await text(other.page, ".question");
    await other.page.keyboard.press("Enter");
    await page.waitForFunction(async ({ task, sha256 }) => {
      const { entries, state: now } = await (await fetch("./data")).json();
      return !now.running && entries.find((each) => each.task === task).sha256 !== sha256;
    }, before2, { polling: 500 });
    await page.getByRole("button", { name: "Render 1 rejected again…" }).waitFor({ state: "hidden" });
    seen.light = await violations(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.locator(".live-log summary").click();
    seen.dark = await violations(page);
    await context.close();
    return { ...seen, ...log };
  },

  async "several jobs"() {
    const context = await browser.newContext();
    const { page, log } = await open(view, context);
    await page.goto(new URL("/", view).href);
    await page.locator(".job-card").first().waitFor();
    const seen = {
      names: await page.locator(".job-card h2").allTextContents(),
      states: await page.locator(".job-state").allTextContents(),
      costs: await page.locator(".costs tbody th").allTextContents(),
      light: await violations(page),
    };
    await page.emulateMedia({ colorScheme: "dark" });
    seen.dark = await violations(page);
    await page.getByRole("link", { name: "night", exact: true }).click();
    await page.getByRole("link", { name: "All 2 jobs" }).click();
    await page.locator(".job-card").first().waitFor();
    await context.close();
    return { ...seen, ...log };
  },

  async "garbage and hostile texts"() {
    const context = await browser.newContext();
    const { page, log } = await open(stub, context);
    await state(page, "Running");
    const hostile = '<img src=x onerror="hit = 1"><script>hit = 1</script>';
    await test("tell", [
      ["entries", "{broken"], ["entries", "null"], ["entries", "[null, 7, {}, {\"task\": {}}]"], ["entries", "\"text\""],
      ["entries", [{ task: "bare", status: "succeeded" }]],
      ["entries", [{ task: "odd", status: "failed", params: null, meta: [1], prompt: {}, src: "javascript:hit=1", flags: "x", versions: [null] }]],
      ["entries", [{ task: "hostile", group: "hostile", status: "failed", prompt: hostile, error: hostile, params: {}, meta: { channel: hostile } }]],
      ["said", "[{}, null, {\"task\": \"bare\"}]"], ["said", "{}"],
      ["state", "[]"], ["state", "null"], ["state", { running: true, counts: 7, until: 1e300, now: "never", spent: "much", state: hostile }],
      ["action", "null"], ["action", { id: "1", what: hostile, running: true, lines: [hostile, 7] }],
      ["action", { id: "2", what: "run", running: false, code: 3, lines: "x" }],
      ["nonsense", "{}"],
    ]);
    await page.locator(".card h3", { hasText: "<img" }).waitFor();
    await page.locator(".live-log summary", { hasText: "stopped for credits" }).waitFor();
    const seen = {
      hit: await page.evaluate(() => "hit" in globalThis),
      images: await page.evaluate(() => document.querySelectorAll("img[src=x], a[href^=javascript]").length),
      cards: await page.locator(".card h3").allTextContents(),
    };
    await test("state", {});
    await reading(page, "1 of 3 ready");
    await context.close();
    return { ...seen, ...log };
  },

  async "away and back"() {
    const context = await browser.newContext();
    const { page, log } = await open(stub, context);
    await state(page, "Running");
    await test("answer", 0);
    await page.locator(".live-note", { hasText: "The server is away" }).waitFor();
    const seen = { away: await page.locator(".live-note", { hasText: "away" }).textContent() };
    await test("add", { task: "meanwhile", group: "meanwhile", status: "failed", prompt: "What came meanwhile", params: {}, meta: {} });
    await test("answer", 200);
    await page.locator(".card h3", { hasText: "What came meanwhile" }).waitFor();
    await page.waitForFunction(() => !document.querySelector("#live").hasAttribute("data-away"));
    await test("answer", 401);
    await page.locator(".live-note", { hasText: "pipeline view" }).waitFor();
    seen.over = await page.locator(".live-note", { hasText: "pipeline view" }).textContent();
    await test("answer", 200);
    await page.waitForFunction(() => !document.querySelector("#live").hasAttribute("data-away"));
    await context.close();
    return { ...seen, requests: log.requests };
  },

  async "doubts and failures"() {
    const context = await browser.newContext();
    const { page, log } = await open(`${stub}#view=unfinished`, context);
    await state(page, "Running");
    await press(page, "Ask the provider");
    await press(page, /^It was charged: What is in doubt/);
    const seen = { question: await text(page, ".question") };
    seen.tall = await page.evaluate(() => document.querySelector(".question").offsetHeight / innerHeight);
    await page.keyboard.press("Escape");
    await page.locator(".question").waitFor({ state: "detached" });
    seen.none = (await test("tell", [])).posted.length;
    await press(page, /^It was not charged: What is in doubt/);
    await page.keyboard.press("Enter");
    await page.locator(".question").waitFor({ state: "detached" });
    await press(page, /^Try again/);
    await page.locator(".question", { hasText: "$1.90" }).waitFor();
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.locator(".question .fault", { hasText: "in progress" }).waitFor();
    seen.refused = await text(page, ".question .fault");
    seen.axe = await violations(page);
    await page.keyboard.press("Escape");
    seen.posted = (await test("tell", [])).posted;
    await press(page, "Stop…");
    seen.stop = await text(page, ".question");
    await press(page, "Stop the run");
    await page.locator(".question").waitFor({ state: "detached" });
    seen.stopped = (await test("tell", [])).posted.at(-1);
    await context.close();
    // The refusal is said by the browser as well.
    return { ...seen, ...log, complaints: log.complaints.filter((each) => !each.includes("409")) };
  },

  async "fifty events a second"() {
    const context = await browser.newContext();
    const { page, log } = await open(stub, context);
    await state(page, "Running");
    await page.evaluate(() => {
      globalThis.gaps = [];
      let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        globalThis.gaps.push(now - last - 10);
        last = now;
      }, 10);
    });
    await test("hurry", [200, 50]);
    await page.waitForFunction(() => document.querySelector("#live .state-detail").textContent.includes("199 in flight"));
    await page.locator(".card h3", { hasText: "Result" }).first().waitFor();
    const gaps = await page.evaluate(() => globalThis.gaps.sort((one, other) => one - other));
    await context.close();
    return { median: gaps[Math.floor(gaps.length / 2)], late: gaps.filter((each) => each > 500).length, ...log };
  },
};

const seen = {};
for (const [name, visit] of Object.entries(visits)) {
  try {
    seen[name] = await visit();
  } catch (error) {
    seen[name] = { error: String(error.stack ?? error) };
  }
  await test("answer", 200);
}
await browser.close();
process.stdout.write(JSON.stringify(seen));
