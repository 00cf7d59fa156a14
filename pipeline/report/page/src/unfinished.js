// @ts-check
// What failed, what is in doubt and what is missing: a table of reasons under each command.

import { copier, openDetail } from "./detail.js";
import { button, find, make } from "./dom.js";
import { extendBlock } from "./live.js";
import { entries as ENTRIES, isMissing } from "./model.js";
import { brief, moment, money, number, titled } from "./words.js";

const ROWS = 100;
const KIND_OF_BLOCK = {
  failed: (entry) => entry.status === "failed" && entry.settled !== "not_billed" && !entry.standing,
  in_doubt: (entry) => entry.status === "in_doubt" && !entry.standing,
  missing: (entry) => isMissing(entry) && !entry.standing,
};
const blocks = [...document.querySelectorAll("#unfinished .block")];

for (const block of blocks) {
  for (const command of block.querySelectorAll(".command")) {
    const text = find("code", command).textContent;
    command.append(copier("Copy", text));
    find("button", command).setAttribute(
      "aria-label",
      `Copy the command: ${find("h3", block).textContent}, ${text}`,
    );
  }
}

function unfinishedCount() {
  return ENTRIES.filter((entry) => Object.values(KIND_OF_BLOCK).some((of) => of(entry))).length;
}

function showUnfinished(entries) {
  for (const block of blocks) {
    const of = KIND_OF_BLOCK[block.dataset.block];
    if (of) {
      const rows = find(".rows", block);
      if (!block.querySelector(".do")) {
        rows.before(make("div", { class: "do" }));
      }
      extendBlock(find(".do", block), { block: block.dataset.block, entries: entries.filter(of) });
      rows.replaceChildren(...table(entries.filter(of), find("h3", block).textContent, entries));
    }
  }
}

export function table(found, name, entries) {
  if (!found.length) {
    return [make("p", { class: "empty" }, "None of them matches the filters.")];
  }
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
  const more = button(
    "",
    () => {
      addRows(body, found, more, entries);
    },
    { class: "quiet" },
  );
  addRows(body, found, more, entries);
  return [sheet, make("p", { class: "more" }, more)];
}

function addRows(body, found, more, entries) {
  const from = body.children.length;
  body.append(...found.slice(from, from + ROWS).map((entry) => row(entry, entries)));
  const left = found.length - body.children.length;
  more.hidden = left === 0;
  more.textContent = `Show ${number(Math.min(ROWS, left))} more of ${number(left)}`;
}

export function row(entry, entries) {
  const open = button(
    brief(titled(entry), 160),
    () => {
      openDetail(entry, entries);
    },
    {
      class: "link",
      "aria-haspopup": "dialog",
    },
  );
  const code = entry.http_status && entry.status !== "succeeded" ? ` HTTP ${entry.http_status}` : "";
  const why =
    entry.status === "succeeded"
      ? `${entry.file} is not beside this page.`
      : (entry.error ?? "No reason was given.");
  return make(
    "tr",
    { role: "row" },
    make(
      "th",
      { scope: "row", role: "rowheader" },
      open,
      make("span", { class: "task" }, entry.file ?? entry.name ?? entry.task),
    ),
    field("Reason", why, code && make("span", { class: "code" }, code)),
    field("Attempts", number(entry.attempts)),
    field("At risk", entry.at_risk ? money(entry.at_risk) : "–"),
    field("When", entry.finished_at ? moment(entry.finished_at) : "–"),
  );
}

export function field(label, ...children) {
  return make("td", { role: "cell", "data-label": label }, ...children);
}

/** @type {import("./views.js").View} */
export const unfinished = { name: "unfinished", label: "Unfinished", show: showUnfinished, badge: unfinishedCount };
