// @ts-check
// Which month or week the calendar shows, what moves it on, and the file that is made of it.

import { A_DAY, dayName, mondayOf, readMoment, today } from "./dates.js";
import { button, find, make, say } from "./dom.js";
import { calendarFile } from "./ics.js";
import { entries as ALL, ask, asked, job } from "./model.js";
import { openReel } from "./reel.js";
import { LOCALE, MONTH, number } from "./words.js";

/** @typedef {import("./posts.js").Item} Item */

export const SPAN = new Intl.DateTimeFormat(LOCALE, {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/**
 * What is shown: as asked, or else the month of the next post, or of the last one.
 * @param {string[]} names of the days with posts, in order
 */
export function shownPeriod(names) {
  const [, day] = /^\d{4}-\d\d(-\d\d)?$/.exec(asked.period) ?? [];
  const when = readMoment(day ? asked.period : `${asked.period}-01`);
  if (when) {
    return day ? { week: true, first: mondayOf(when.date) } : { week: false, first: when.date };
  }
  const now = dayName(today());
  const next = names.find((name) => name >= now) ?? names.at(-1) ?? now;
  return { week: false, first: firstOfMonth(new Date(`${next}T00:00:00Z`)) };
}

/** @param {Date} date */
function firstOfMonth(date) {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
}

/**
 * @param {{ week: boolean, first: Date }} shown
 * @param {number} by how many of them later
 */
function moved({ week: weekly, first }, by) {
  return weekly
    ? dayName(new Date(first.getTime() + by * 7 * A_DAY))
    : dayName(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + by, 1))).slice(0, 7);
}

/**
 * @param {{ week: boolean, first: Date }} shown
 * @param {string[]} names
 * @param {Map<string, Item[]>} days
 */
export function plannerHead(shown, names, days) {
  const of = shown.week ? "week" : "month";
  const name = shown.week ? `Week of ${SPAN.format(shown.first)}` : MONTH.format(shown.first);
  /** @param {string} period @param {string} pressed */
  const go = (period, pressed) => {
    ask({ period });
    find(`#calendar [data-go="${pressed}"]`).focus();
    say(find("#calendar .period").textContent ?? "");
  };
  /** @param {string} label @param {string} words @param {string} key @param {() => string} period */
  const step = (label, words, key, period) =>
    button(label, () => go(period(), key), {
      class: "quiet",
      "data-go": key,
      ...(words ? { "aria-label": words } : {}),
    });
  const now = dayName(today());
  return make(
    "div",
    { class: "planner-head" },
    make("h3", { class: "period" }, name),
    make(
      "div",
      { class: "steps", role: "group", "aria-label": "Move" },
      step("‹", `Previous ${of}`, "before", () => moved(shown, -1)),
      step("Today", "", "today", () => (shown.week ? now : now.slice(0, 7))),
      step("›", `Next ${of}`, "after", () => moved(shown, 1)),
    ),
    jump(shown, names, days),
    make(
      "div",
      { class: "views", role: "group", "aria-label": "Length" },
      ...["Month", "Week"].map((label) =>
        button(label, () => go(resized(shown, label === "Week", names), label), {
          "data-go": label,
          "aria-pressed": String((label === "Week") === shown.week),
        }),
      ),
    ),
    make("div", { class: "planner-tools" }, reelButton(shown, names, days), fileButton()),
  );
}

/**
 * From a month to the first week of it with a post, and back.
 * @param {{ week: boolean, first: Date }} shown
 * @param {boolean} weekly
 * @param {string[]} names
 */
function resized(shown, weekly, names) {
  if (weekly === shown.week) {
    return asked.period;
  }
  if (!weekly) {
    // A week is in the month of its Thursday, as weeks of a year are counted.
    return dayName(new Date(shown.first.getTime() + 3 * A_DAY)).slice(0, 7);
  }
  const here = dayName(shown.first).slice(0, 7);
  return names.find((name) => name.startsWith(here)) ?? dayName(shown.first);
}

/**
 * @param {{ week: boolean, first: Date }} shown
 * @param {string[]} names
 * @param {Map<string, Item[]>} days
 */
function jump(shown, names, days) {
  const months = [...new Set(names.map((name) => name.slice(0, 7)))];
  if (months.length < 2) {
    return null;
  }
  const here = shown.week ? "" : dayName(shown.first).slice(0, 7);
  const select = make(
    "select",
    {},
    ...(months.includes(here) ? [] : [make("option", { value: "" }, "Month…")]),
  );
  for (const name of months) {
    const count = names
      .filter((day) => day.startsWith(name))
      .reduce((total, day) => total + (days.get(day)?.length ?? 0), 0);
    select.append(
      make("option", { value: name }, `${MONTH.format(new Date(`${name}-01T00:00:00Z`))} (${number(count)})`),
    );
  }
  select.value = months.includes(here) ? here : "";
  select.addEventListener("change", () => {
    ask({ period: select.value });
    find("#calendar .jump select").focus();
  });
  return make("label", { class: "jump" }, make("span", { class: "unseen" }, "Go to month"), select);
}

/**
 * @param {{ week: boolean, first: Date }} shown
 * @param {string[]} names
 * @param {Map<string, Item[]>} days
 */
function reelButton(shown, names, days) {
  const until = shown.week ? dayName(new Date(shown.first.getTime() + 7 * A_DAY)) : `${moved(shown, 1)}-01`;
  const here = names.filter((name) => name >= dayName(shown.first) && name < until);
  const clips = here.flatMap((name) => days.get(name) ?? []).flatMap((each) => each.entries);
  return clips.some((entry) => entry.src && entry.status === "succeeded")
    ? button("Play as a reel", () => openReel(clips), { class: "quiet", "aria-haspopup": "dialog" })
    : null;
}

/** The same file as `pipeline export --to ics` writes, of the whole job: with `--kept` where the kept are shown. */
function fileButton() {
  const kept = asked.verdict === "kept";
  const label = kept ? "Calendar file of the kept (.ics)" : "Calendar file (.ics)";
  if (job?.live) {
    return make(
      "a",
      { class: "quiet", href: `${job.live.base}calendar.ics${kept ? "?kept=1" : ""}`, download: "" },
      label,
    );
  }
  return button(label, () => saveFile(kept), { class: "quiet" });
}

/** @param {boolean} kept */
async function saveFile(kept) {
  if (!globalThis.crypto?.subtle) {
    say(
      `This address is not secure, so that the page cannot make the file: ${job?.export_ics ?? "pipeline export --to ics"} does.`,
    );
    return;
  }
  const name = job?.name ?? document.querySelector("h1")?.textContent ?? "";
  const text = await calendarFile(
    name,
    ALL.filter((entry) => !kept || entry.verdict === "kept"),
  );
  const address = URL.createObjectURL(new Blob([text], { type: "text/calendar;charset=utf-8" }));
  make("a", { href: address, download: "posts.ics" }).click();
  // The browser has taken the address by then; the text is let go.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  const events = text.split("\r\nBEGIN:VEVENT").length - 1;
  say(`Saved posts.ics with ${number(events)} ${events === 1 ? "event" : "events"}.`);
}
