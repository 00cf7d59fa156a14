// What visits of the page share: a browser whose every page is watched, and axe.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

// What a page asks for, what it complains of, what its policy refused.
async function opener(browser, address, { width = 1280, height = 900, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  const log = { requests: [], complaints: [] };
  page.on("request", (request) => log.requests.push(request.url()));
  page.on("pageerror", (error) => log.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      log.complaints.push(message.text());
    }
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.violatedDirective}`));
  });
  await page.goto(address);
  return { page, log, done: () => context.close() };
}

export async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { violations: found } = await globalThis.axe.run(document, { runOnly: tags });
    return found.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
  }, TAGS);
}

// Make each visit, and print what they saw as one JSON object.
export async function visitAll(executablePath, visits, flags = []) {
  const browser = await chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] });
  const seen = {};
  for (const [name, visit] of Object.entries(visits)) {
    try {
      seen[name] = await visit((address, options) => opener(browser, address, options));
    } catch (error) {
      seen[name] = { error: String(error.stack ?? error) };
    }
  }
  await browser.close();
  process.stdout.write(JSON.stringify(seen));
}
