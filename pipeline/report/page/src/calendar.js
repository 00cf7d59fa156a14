// @ts-check
// What goes out when: posts, a month or a week at a time. No film is ever loaded here.

import { comeback } from "./comeback.js";
import { A_DAY, dayName, today } from "./dates.js";
import { openDetail } from "./detail.js";
import { button, find, make } from "./dom.js";
import { said } from "./ics.js";
import { entries as ALL, ask, asked, natural, published } from "./model.js";
import { plannerHead, SPAN, shownPeriod } from "./planner.js";
import { item, marks } from "./posts.js";
import { brief, DATE, MONTH, number, WEEKDAY } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./posts.js").Item} Item */

const MOST_A_DAY = { month: 3, week: 40 };
const MOST_IN_TRAY = 40;
const MONDAY = new Date(Date.UTC(2024, 0, 1));

/** How much of the tray is shown: all, once it was asked for. */
let trayOpen = false;
let drawn = "";

/** @param {Entry[]} entries those that match */
function showCalendar(entries) {
  const now = signature(entries);
  const months = find("#calendar .months");
  if (now === drawn) {
    return;
  }
  drawn = now;
  const back = months.contains(document.activeElement) ? comeback() : null;
  const { days, undated } = placed(entries);
  const names = [...days.keys()].sort();
  const shown = shownPeriod(names);
  const table = shown.week ? week(shown.first, days, entries) : month(shown.first, days, entries);
  months.replaceChildren(
    plannerHead(shown, names, days),
    marks() ?? "",
    make(
      "div",
      { class: `planner${undated.length ? " with-tray" : ""}` },
      table,
      tray(undated, entries, names.length),
    ),
  );
  back?.();
}

/**
 * All that the calendar shows: what is the same is not drawn again, twice a second in a page that is served.
 * @param {Entry[]} entries
 */
function signature(entries) {
  const told = entries.map((each) => [
    each.task,
    each.status,
    each.verdict,
    each.poster,
    each.missing,
    ...["publish", "channel", "caption"].map((name) => said(each, /** @type {"caption"} */ (name))),
  ]);
  return JSON.stringify([dayName(today()), asked.period, asked.verdict, trayOpen, ALL.length, told]);
}

/**
 * Put the entries on their days, the ratios and takes of a post together.
 * @param {Entry[]} entries
 */
function placed(entries) {
  /** @type {Map<string, Item>} */
  const items = new Map();
  for (const entry of entries) {
    const when = published(entry);
    const key = JSON.stringify([entry.post, when?.day, when?.time, said(entry, "channel")]);
    const there = items.get(key);
    if (there) {
      there.entries.push(entry);
    } else {
      items.set(key, {
        entries: [entry],
        day: when?.day ?? "",
        time: when?.time ?? "",
        channel: said(entry, "channel"),
      });
    }
  }
  /** @type {Map<string, Item[]>} */
  const days = new Map();
  const undated = [];
  for (const each of items.values()) {
    if (each.day) {
      days.set(each.day, [...(days.get(each.day) ?? []), each]);
    } else {
      undated.push(each);
    }
  }
  for (const each of days.values()) {
    each.sort((one, other) => natural(one.time, other.time));
  }
  return { days, undated };
}

/**
 * @param {Date} first
 * @param {Map<string, Item[]>} days
 * @param {Entry[]} entries
 */
function month(first, days, entries) {
  const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const before = (first.getUTCDay() + 6) % 7;
  const rows = [];
  for (let start = -before; start < length; start += 7) {
    const row = make("tr", { role: "row" });
    for (let day = start; day < start + 7; day += 1) {
      row.append(
        day < 0 || day >= length
          ? make("td", { class: "outside", role: "cell" })
          : dayCell(new Date(first.getTime() + day * A_DAY), days, entries, MOST_A_DAY.month),
      );
    }
    rows.push(row);
  }
  return sheet("month", MONTH.format(first), MONDAY, rows);
}

/**
 * @param {Date} first a Monday
 * @param {Map<string, Item[]>} days
 * @param {Entry[]} entries
 */
function week(first, days, entries) {
  const row = make("tr", { role: "row" });
  for (let day = 0; day < 7; day += 1) {
    row.append(dayCell(new Date(first.getTime() + day * A_DAY), days, entries, MOST_A_DAY.week));
  }
  return sheet("month week", `Week of ${SPAN.format(first)}`, first, [row]);
}

/**
 * The roles stand in for those that a table loses on a phone, where days are laid out as a list.
 * @param {string} kind
 * @param {string} name
 * @param {Date} monday
 * @param {HTMLElement[]} rows
 */
function sheet(kind, name, monday, rows) {
  const heads = make("tr", { role: "row" });
  for (let day = 0; day < 7; day += 1) {
    const head = WEEKDAY.format(new Date(monday.getTime() + day * A_DAY));
    heads.append(make("th", { scope: "col", role: "columnheader" }, head));
  }
  return make(
    "table",
    { class: kind, role: "table" },
    make("caption", { class: "unseen" }, name),
    make("thead", { role: "rowgroup" }, heads),
    make("tbody", { role: "rowgroup" }, ...rows),
  );
}

/**
 * @param {Date} date
 * @param {Map<string, Item[]>} days
 * @param {Entry[]} entries
 * @param {number} most
 */
function dayCell(date, days, entries, most) {
  const day = dayName(date);
  const here = days.get(day) ?? [];
  const now = day === dayName(today());
  const cell = make("td", { role: "cell", class: `${here.length ? "some" : "none"}${now ? " today" : ""}` });
  cell.append(
    make(
      "time",
      { class: "day", datetime: day, ...(now ? { "aria-current": "date" } : {}) },
      make("span", { class: "weekday" }, `${WEEKDAY.format(date)} `),
      String(date.getUTCDate()),
    ),
  );
  if (here.length) {
    const list = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
    list.append(...here.slice(0, most).map((each) => item(each, () => openItem(each, entries))));
    cell.append(list, andMore(date, here.length - most));
  }
  return cell;
}

/**
 * @param {Item} found
 * @param {Entry[]} entries
 */
function openItem(found, entries) {
  const [first] = found.entries;
  if (first) {
    openDetail(first, entries);
  }
}

/**
 * @param {Date} date
 * @param {number} count
 */
function andMore(date, count) {
  return count <= 0
    ? ""
    : button(`+${number(count)}`, () => ask({ day: dayName(date), view: "" }), {
        class: "link",
        "aria-label": `+${number(count)} more on ${DATE.format(date)}`,
      });
}

/**
 * @param {Item[]} undated
 * @param {Entry[]} entries
 * @param {number} dated how many days have posts
 */
function tray(undated, entries, dated) {
  if (!undated.length) {
    return dated
      ? null
      : make("p", { class: "empty" }, ALL.length ? "Nothing matches." : "There are no posts yet.");
  }
  const list = make("ul", { class: "several", role: "list" });
  const some = trayOpen ? undated : undated.slice(0, MOST_IN_TRAY);
  list.append(...some.map((each) => item(each, () => openItem(each, entries))));
  const left = undated.length - some.length;
  return make(
    "aside",
    { class: "tray", "aria-labelledby": "tray-title" },
    make("h3", { id: "tray-title" }, "No date ", make("span", { class: "tally" }, number(undated.length))),
    make("p", { class: "remark" }, remark(undated)),
    list,
    left
      ? button(
          `Show ${number(left)} more`,
          () => {
            trayOpen = true;
            showCalendar(entries);
          },
          { class: "quiet" },
        )
      : null,
  );
}

/** @param {Item[]} undated */
function remark(undated) {
  const unread = undated.map((each) => each.entries[0] && said(each.entries[0], "publish")).find(Boolean);
  return unread
    ? `“${brief(unread, 40)}” is no date that can be read; 2026-12-01 would be one.`
    : "Give prompts a “publish” date under “meta”, and they appear in the calendar.";
}

/** @type {import("./views.js").View} */
export const calendar = { name: "calendar", label: "Calendar", show: showCalendar };
