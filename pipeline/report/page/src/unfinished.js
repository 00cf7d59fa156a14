// @ts-check
// What has no clip: for each kind the commands that take it up, and under them the reasons, in people's words.

import { copier, openDetail } from "./detail.js";
import { button, find, make } from "./dom.js";
import { entries as ALL, isMissing, job } from "./model.js";
import { brief, moment, money, number, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {{ block: string, command: string, entries: Entry[] }} Doing what a command is for, and all that it concerns */
/** @typedef {{ what: string, todo: string, command: string, entries: Entry[] }} Reason */

const ROWS = 100;
const FOLDED = 12; // so many tasks and more of one reason are folded away where nothing is wrong with them
/** @type {Record<string, { name: string, quiet?: boolean, of: (entry: Entry) => boolean }>} in the order of the page */
const KINDS = {
  failed: {
    name: "Failed",
    of: (entry) => entry.status === "failed" && entry.settled !== "not_billed" && !entry.standing,
  },
  in_doubt: { name: "In doubt", of: (entry) => entry.status === "in_doubt" && !entry.standing },
  accepted: { name: "Waiting at the provider", quiet: true, of: (entry) => entry.standing === "accepted" },
  saved: { name: "Rendered, and not in place", quiet: true, of: (entry) => entry.standing === "saved" },
  missing: { name: "Missing files", of: (entry) => isMissing(entry) && !entry.standing },
  pending: {
    name: "Left to do",
    quiet: true,
    of: (entry) =>
      entry.standing === "changed" ||
      (!entry.standing && (entry.status === "pending" || entry.settled === "not_billed")),
  },
};

/** @type {((holder: HTMLElement, doing: Doing) => void) | null} */
let extend = null;
/** @type {Map<Element, string>} what each block shows, so that nothing is drawn again for nothing */
const drawn = new Map();

/**
 * Have something put after each command: what a page that is served can do by itself.
 * @param {(holder: HTMLElement, doing: Doing) => void} extension called with a holder `div.do` whenever one is drawn
 */
export function extendCommands(extension) {
  extend = extension;
  drawn.clear();
}

function unfinishedCount() {
  const { failed, in_doubt: doubt, missing } = KINDS;
  return ALL.filter((entry) => [failed, doubt, missing].some((kind) => kind?.of(entry))).length;
}

/** @param {Entry[]} entries those that match */
function showUnfinished(entries) {
  for (const [key, kind] of Object.entries(KINDS)) {
    const all = ALL.filter(kind.of);
    const block = blockOf(key, all);
    if (block) {
      block.hidden = Boolean(job?.live) && !all.length;
      const found = entries.filter(kind.of);
      const now = signature(all, found);
      if (drawn.get(block) !== now) {
        drawn.set(block, now);
        showBlock(block, key, all, found, entries);
      }
    }
  }
}

/** @param {Entry[]} all @param {Entry[]} found */
function signature(all, found) {
  const told = found.map(({ task, status, error, words, attempts, at_risk: risk }) => [
    task,
    status,
    error,
    words?.what,
    attempts,
    risk,
  ]);
  return JSON.stringify([all.length, all.map((entry) => entry.words?.command), told]);
}

/**
 * The block that the page has, or one for what has come since.
 * @param {string} key
 * @param {Entry[]} all
 */
function blockOf(key, all) {
  const section = find("#unfinished");
  const there = /** @type {HTMLElement | null} */ (section.querySelector(`.block[data-block="${key}"]`));
  if (there || !all.length) {
    return there;
  }
  const made = make(
    "section",
    { class: "block", "data-block": key, "aria-labelledby": `block-${key}` },
    make("h3", { id: `block-${key}` }, KINDS[key]?.name ?? key),
    make("div", { class: "rows" }),
  );
  const order = Object.keys(KINDS);
  const after = [...section.querySelectorAll(".block")].find(
    (each) => order.indexOf(each.getAttribute("data-block") ?? "") > order.indexOf(key),
  );
  section.insertBefore(made, after ?? null);
  for (const empty of section.querySelectorAll(":scope > .empty")) {
    empty.remove();
  }
  return made;
}

/**
 * @param {HTMLElement} block
 * @param {string} key
 * @param {Entry[]} all of this kind
 * @param {Entry[]} found those of them that match
 * @param {Entry[]} entries all that match
 */
function showBlock(block, key, all, found, entries) {
  const heading = find("h3", block);
  if (all.length && /: [\d,]+$/.test(heading.textContent ?? "")) {
    heading.textContent = `${KINDS[key]?.name}: ${number(all.length)}`;
  }
  const name = heading.textContent ?? "";
  for (const command of block.querySelectorAll(":scope > .command")) {
    dress(/** @type {HTMLElement} */ (command), key, name, all);
  }
  const common = [...block.querySelectorAll(":scope > .command code")].map((code) => code.textContent ?? "");
  if (all.length && common.length && common.every((command) => command.includes(" in-doubt"))) {
    const there = block.querySelector(":scope > .do.alone");
    const holder =
      there instanceof HTMLElement ? there : make("div", { class: "do alone", "data-block": key });
    find(".rows", block).before(holder);
    extend?.(holder, { block: key, command: "", entries: all });
  }
  const reasons = reasonsOf(found);
  const rows = find(".rows", block);
  if (found.length && reasons.every((reason) => !reason.what)) {
    rows.replaceChildren(...table(found, name, entries));
  } else if (found.length) {
    rows.replaceChildren(...reasons.map((reason) => reasonBlock(reason, key, name, common, entries)));
  } else {
    rows.replaceChildren(
      all.length ? make("p", { class: "empty" }, "None of them matches the filters.") : "",
    );
  }
}

/**
 * Give a command its button, and a place after it for what a served page adds.
 * @param {HTMLElement} command
 * @param {string} key
 * @param {string} name
 * @param {Entry[]} entries
 */
function dress(command, key, name, entries) {
  const text = find("code", command).textContent ?? "";
  if (!command.querySelector("button")) {
    const copy = copier("Copy", text);
    copy.setAttribute("aria-label", `Copy the command: ${name}, ${text}`);
    command.append(copy);
  }
  const after = command.nextElementSibling;
  const there = after instanceof HTMLElement && after.matches(".do") ? after : null;
  const holder = there ?? make("div", { class: "do", "data-block": key, "data-command": text });
  command.after(holder);
  extend?.(holder, { block: key, command: text, entries });
}

/** @param {Entry[]} found @returns {Reason[]} the commonest first */
function reasonsOf(found) {
  /** @type {Map<string, Reason>} */
  const reasons = new Map();
  for (const entry of found) {
    const { what = "", todo = "", command = "" } = entry.words ?? {};
    const key = JSON.stringify([what, todo, command]);
    const reason = reasons.get(key) ?? { what, todo, command, entries: [] };
    reason.entries.push(entry);
    reasons.set(key, reason);
  }
  return [...reasons.values()].sort((one, other) => other.entries.length - one.entries.length);
}

/**
 * @param {Reason} reason
 * @param {string} key
 * @param {string} name of the block
 * @param {string[]} common commands that stand above already
 * @param {Entry[]} entries
 */
function reasonBlock(reason, key, name, common, entries) {
  const what = reason.what || "No reason was given.";
  const part = make(
    "div",
    { class: "reason" },
    make("h4", { dir: "auto" }, what, make("span", { class: "tally" }, ` ${number(reason.entries.length)}`)),
    reason.todo ? make("p", { dir: "auto" }, reason.todo) : null,
  );
  if (reason.command && !common.includes(reason.command)) {
    const command = make("div", { class: "command" }, make("code", {}, reason.command));
    part.append(command);
    dress(command, key, what, reason.entries);
  }
  const rows = table(reason.entries, `${name}: ${what}`, entries);
  if (KINDS[key]?.quiet && reason.entries.length >= FOLDED) {
    const summary = make("summary", {}, `Which ${number(reason.entries.length)} these are`);
    part.append(make("details", {}, summary, ...rows));
  } else {
    part.append(...rows);
  }
  return part;
}

/**
 * @param {Entry[]} found
 * @param {string} name
 * @param {Entry[]} entries
 */
function table(found, name, entries) {
  const columns = ["Task", "Reason", "Attempts", "At risk", "When"];
  const head = make("tr", { role: "row" });
  head.append(...columns.map((column) => make("th", { scope: "col", role: "columnheader" }, column)));
  const body = make("tbody", { role: "rowgroup" });
  const sheet = make(
    "table",
    { class: "sheet", role: "table" },
    make("caption", { class: "unseen" }, name),
    make("thead", { role: "rowgroup" }, head),
    body,
  );
  const more = button("", () => addRows(body, found, more, entries), { class: "quiet" });
  addRows(body, found, more, entries);
  return more.hidden ? [sheet] : [sheet, make("p", { class: "more" }, more)];
}

/**
 * @param {HTMLElement} body
 * @param {Entry[]} found
 * @param {HTMLButtonElement} more
 * @param {Entry[]} entries
 */
function addRows(body, found, more, entries) {
  const from = body.children.length;
  body.append(...found.slice(from, from + ROWS).map((entry) => row(entry, entries)));
  const left = found.length - body.children.length;
  more.hidden = left === 0;
  more.textContent = `Show ${number(Math.min(ROWS, left))} more of ${number(left)}`;
}

/**
 * @param {Entry} entry
 * @param {Entry[]} entries
 */
function row(entry, entries) {
  const open = button(brief(titled(entry), 160), () => openDetail(entry, entries), {
    class: "link",
    dir: "auto",
    "aria-haspopup": "dialog",
  });
  const code = entry.http_status && entry.status !== "succeeded" ? ` HTTP ${entry.http_status}` : "";
  const why = isMissing(entry)
    ? `${entry.file} is not beside this page.`
    : (entry.error ?? (entry.words ? "–" : "No reason was given."));
  return make(
    "tr",
    { role: "row" },
    make(
      "th",
      { scope: "row", role: "rowheader" },
      open,
      make("span", { class: "task" }, entry.file ?? entry.name ?? entry.task),
    ),
    field("Reason", brief(why, 600), code && make("span", { class: "code" }, code)),
    field("Attempts", entry.status === "pending" ? "–" : number(entry.attempts)),
    field("At risk", entry.at_risk ? money(entry.at_risk) : "–"),
    field("When", entry.finished_at ? moment(entry.finished_at) : "–"),
  );
}

/**
 * @param {string} label
 * @param {...import("./dom.js").Child} children
 */
function field(label, ...children) {
  return make("td", { role: "cell", "data-label": label, dir: "auto" }, ...children);
}

/** @type {import("./views.js").View} */
export const unfinished = {
  name: "unfinished",
  label: "Unfinished",
  show: showUnfinished,
  badge: unfinishedCount,
};
