// @ts-check
// The months in which something is to be published, each a table of weeks that begin on Monday.

import { openDetail } from "./detail.js";
import { button, find, make } from "./dom.js";
import { ask } from "./model.js";
import { calm, letGo, picture } from "./media.js";
import { natural, published } from "./model.js";
import { brief, DATE, MONTH, number, STATUS, titled, WEEKDAY } from "./words.js";

const months = find("#calendar .months");
const MOST_A_DAY = 3;
const MONDAY = Date.UTC(2024, 0, 1);
const A_DAY = 86_400_000;

function showCalendar(entries) {
  letGo(months);
  const days = new Map();
  let undated = 0;
  let unread = "";
  for (const entry of entries) {
    const when = published(entry);
    if (!when) {
      undated += 1;
      unread ||= String(entry.meta.publish ?? "").trim();
    } else if (days.has(when.day)) {
      days.get(when.day).push(entry);
    } else {
      days.set(when.day, [entry]);
    }
  }
  const names = [...new Set([...days.keys()].map((day) => day.slice(0, 7)))].sort();
  months.replaceChildren(
    names.length > 2 ? jumps(names) : "",
    ...names.map((name) => month(name, days, entries)),
    remark(undated, unread, names.length),
  );
}

function remark(undated, unread, dated) {
  const count = `${number(undated)} ${undated === 1 ? "clip has" : "clips have"} no date of publication`;
  const why = unread ? ` that can be read: “${brief(unread, 40)}” is none, 2026-12-01 would be one.` : ".";
  const how = "Give prompts a “publish” date under “meta” in the job file, and they appear here.";
  return make(
    "p",
    { class: "empty" },
    undated ? `${count}${why} ${dated || unread ? "" : how}` : dated ? "" : "Nothing matches.",
  );
}

function jumps(names) {
  const row = make("ul", { role: "list" });
  for (const name of names) {
    const link = button(
      monthName(name),
      () => {
        const table = document.getElementById(`month-${name}`);
        table.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
        table.focus({ preventScroll: true });
      },
      { class: "quiet" },
    );
    row.append(make("li", {}, link));
  }
  return make("nav", { class: "jumps", "aria-label": "Months" }, row);
}

function monthName(name) {
  return MONTH.format(new Date(`${name}-01T00:00:00Z`));
}

export function month(name, days, entries) {
  const [year, ofYear] = name.split("-").map(Number);
  const first = Date.UTC(year, ofYear - 1, 1);
  const length = new Date(Date.UTC(year, ofYear, 0)).getUTCDate();
  const before = (new Date(first).getUTCDay() + 6) % 7;
  const body = make("tbody", { role: "rowgroup" });
  for (let week = -before; week < length; week += 7) {
    const row = make("tr", { role: "row" });
    for (let day = week; day < week + 7; day += 1) {
      row.append(
        day < 0 || day >= length
          ? make("td", { class: "outside", role: "cell" })
          : dayCell(new Date(first + day * A_DAY), days, entries),
      );
    }
    body.append(row);
  }
  // The roles stand in for those that a table loses on a phone, where days are laid out as a list.
  return make(
    "table",
    { class: "month", id: `month-${name}`, role: "table", tabindex: "-1" },
    make("caption", {}, monthName(name)),
    weekdays(),
    body,
  );
}

function weekdays() {
  const row = make("tr", { role: "row" });
  for (let day = 0; day < 7; day += 1) {
    const name = WEEKDAY.format(new Date(MONDAY + day * A_DAY));
    row.append(make("th", { scope: "col", role: "columnheader" }, name));
  }
  return make("thead", { role: "rowgroup" }, row);
}

function dayCell(date, days, entries) {
  const day = date.toISOString().slice(0, 10);
  const here = (days.get(day) ?? []).sort((one, other) =>
    natural(published(one).time, published(other).time),
  );
  const cell = make("td", { role: "cell", class: here.length ? "some" : "none" });
  cell.append(
    make(
      "time",
      { class: "day", datetime: day },
      make("span", { class: "weekday" }, `${WEEKDAY.format(date)} `),
      String(date.getUTCDate()),
    ),
  );
  if (here.length) {
    const list = make("ul", { class: here.length === 1 ? "alone" : "several", role: "list" });
    list.append(...here.slice(0, MOST_A_DAY).map((entry) => event(entry, entries)));
    cell.append(list, andMore(day, here.length - MOST_A_DAY));
  }
  return cell;
}

function andMore(day, count) {
  return count <= 0
    ? ""
    : button(
        `${number(count)} more`,
        () => {
          ask({ day, view: "" });
        },
        {
          class: "link",
          "aria-label": `${number(count)} more on ${DATE.format(new Date(day))}`,
        },
      );
}

export function event(entry, entries) {
  const element = button(
    "",
    () => {
      openDetail(entry, entries);
    },
    { class: `event ${entry.status}`, "aria-haspopup": "dialog" },
  );
  const thumb = make("span", { class: "thumb" });
  if (entry.status === "succeeded") {
    thumb.append(picture(entry, element, { thumb: true }));
  } else {
    thumb.append(make("span", { class: "why" }, brief(entry.error ?? "", 120)));
  }
  const label = make("span", { class: "label" });
  const { time } = published(entry);
  if (time) {
    label.append(make("span", { class: "time" }, `${time} `));
  }
  if (entry.status !== "succeeded") {
    label.append(make("strong", {}, `${STATUS[entry.status]}: `));
  }
  label.append(brief(titled(entry), 90));
  element.append(thumb, label);
  return make("li", {}, element);
}

/** @type {import("./views.js").View} */
export const calendar = { name: "calendar", label: "Calendar", show: showCalendar };
