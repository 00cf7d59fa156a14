// @ts-check
// The first page of several jobs: how each stands, and what they have cost together.

import { data, find, make } from "./dom.js";
import { shares } from "./pace.js";
import { amount, count, objects, readState } from "./reading.js";
import { AWAY, get, Refused } from "./server.js";
import { figures, progressWords, stateDetail, stateWord } from "./standing.js";
import { money, number } from "./words.js";

/** @typedef {Record<string, unknown>} Fields */

const EVERY = 5_000; // milliseconds between two looks, while somebody looks
const MOST = 10; // stills of a job

const totals = make("dl", { class: "morning-totals" });
const note = make("p", { class: "live-note fault", role: "status" });
const cards = make("ul", { class: "jobs", role: "list" });
const tables = make("div", { class: "morning-tables" });
/** @type {Map<string, { card: HTMLElement, told: string }>} */
const shown = new Map();

/** @param {any} told what the server says of the jobs */
function show(told) {
  const jobs = objects(told?.jobs).filter(
    (job) => typeof job.address === "string" && job.address.startsWith("./"),
  );
  const costs = isObject(told?.costs) ? told.costs : {};
  totals.replaceChildren(...sums(jobs, isObject(costs.total) ? costs.total : {}));
  for (const job of jobs) {
    const address = String(job.address);
    const words = JSON.stringify({ ...job, now: null });
    const before = shown.get(address);
    if (before?.told !== words) {
      const made = card(job);
      const focused = before?.card.contains(document.activeElement);
      if (before?.card.isConnected) {
        before.card.replaceWith(made);
      } else {
        cards.append(made);
      }
      if (focused) {
        find("a", made).focus({ preventScroll: true });
      }
      shown.set(address, { card: made, told: words });
    }
  }
  tables.replaceChildren(
    table(
      "Costs by job",
      "Job",
      jobs
        .filter((job) => !job.error)
        .map((job) => [text(job.name), { ...job, cost_per_kept_clip: apiece(job) }]),
      costs.total,
    ),
    table(
      "Costs by campaign",
      "Campaign",
      objects(costs.campaigns).map((each) => [text(each.campaign) || "No campaign", each]),
      costs.total,
    ),
  );
}

/** @type {(value: unknown) => value is Fields} */
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** @param {unknown} value */
function text(value) {
  return value === null || value === undefined || typeof value === "object" ? "" : String(value);
}

/** @param {Fields} job */
function apiece(job) {
  return count(job.kept) ? amount(job.spent) / count(job.kept) : null;
}

/**
 * @param {Fields[]} jobs
 * @param {Fields} all
 */
function sums(jobs, all) {
  const running = jobs.filter((job) => job.running === true).length;
  const each = (/** @type {string} */ name) => jobs.reduce((sum, job) => sum + count(job[name]), 0);
  /** @type {[string, string][]} */
  const rows = [
    ["Running", running ? `${number(running)} of ${number(jobs.length)}` : "none"],
    ["Clips", number(each("clips"))],
    ["Not seen", number(each("unseen"))],
    ["Kept", number(each("kept"))],
    ["Rejected", number(each("rejected"))],
    ["Spent", money(amount(all.spent))],
    ["At risk", money(amount(all.at_risk))],
    ["A kept clip", typeof all.cost_per_kept_clip === "number" ? money(all.cost_per_kept_clip) : "–"],
  ];
  return rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
}

/** @param {Fields} job */
function card(job) {
  const head = make(
    "h2",
    {},
    make("a", { href: text(job.address), dir: "auto" }, text(job.name) || "A job without a name"),
  );
  const state = readState(job);
  if (typeof job.error === "string" || !state) {
    const why = [job.error, job.hint].filter((each) => typeof each === "string" && each).join(": ");
    return make(
      "li",
      { class: "job-card" },
      make("div", { class: "job-head" }, head),
      place(job),
      make("p", { class: "fault" }, why || "Nothing is known of it."),
    );
  }
  const { failed, in_doubt: doubt } = state.counts;
  const posters = Array.isArray(job.posters)
    ? job.posters.filter((each) => typeof each === "string" && each.startsWith("./"))
    : [];
  const film = make(
    "div",
    { class: "filmstrip", "aria-hidden": "true" },
    ...posters.slice(0, MOST).map((src) => make("img", { src, alt: "", loading: "lazy", decoding: "async" })),
  );
  film.hidden = !posters.length;
  /** @type {[string, string, string][]} */
  const rows = [
    ["Not seen", number(count(job.unseen)), count(job.unseen) ? "unseen-clips" : ""],
    ["Kept", number(count(job.kept)), ""],
    ["Rejected", number(count(job.rejected)), ""],
    ...figures(state).filter(([, , kind]) => kind !== "none"),
  ];
  const kept = apiece(job);
  if (kept !== null) {
    rows.push(["A kept clip", money(kept), ""]);
  }
  const wrong = [
    failed ? `${number(failed)} failed: read why, then try them again.` : "",
    doubt
      ? `${number(doubt)} may have been paid for and did not come: settle ${doubt === 1 ? "it" : "them"}.`
      : "",
    state.running && state.state !== "running" && typeof job.detail === "string" ? job.detail : "",
  ].filter(Boolean);
  return make(
    "li",
    { class: "job-card", "data-state": state.state },
    make(
      "div",
      { class: "job-head" },
      head,
      make(
        "p",
        { class: "job-state" },
        make("span", { class: "dot", "aria-hidden": "true" }),
        make("span", {}, stateWord(state)),
        make("span", { class: "soft" }, stateDetail(state)),
      ),
    ),
    place(job),
    film,
    shares(state),
    make("p", { class: "soft job-progress" }, progressWords(state)),
    make(
      "dl",
      { class: "job-line" },
      ...rows.map(([name, value, kind]) =>
        make("div", { class: kind }, make("dt", {}, name), make("dd", {}, value)),
      ),
    ),
    ...wrong.map((words) => make("p", { class: "job-wrong" }, words)),
  );
}

/**
 * Where its files are: two jobs may have the same name.
 * @param {Fields} job
 */
function place(job) {
  return make("p", { class: "soft job-place", dir: "auto" }, text(job.output));
}

/**
 * @param {string} title
 * @param {string} first
 * @param {[string, Fields][]} rows
 * @param {unknown} total
 */
function table(title, first, rows, total) {
  const cells = (/** @type {Fields} */ sums) => {
    const apart = sums.cost_per_kept_clip;
    return [
      money(amount(sums.spent)),
      money(amount(sums.at_risk)),
      number(count(sums.clips)),
      number(count(sums.kept)),
      typeof apart === "number" ? money(apart) : "–",
    ].map((cell) => make("td", {}, cell));
  };
  const line = (/** @type {string} */ name, /** @type {Fields} */ sums) =>
    make("tr", {}, make("th", { scope: "row", dir: "auto" }, name), ...cells(sums));
  const heads = [first, "Spent", "At risk", "Clips", "Kept", "A kept clip"].map((head) =>
    make("th", { scope: "col" }, head),
  );
  return make(
    "section",
    {},
    make("h2", { class: "table-title" }, title),
    make(
      "div",
      { class: "scroll", role: "region", "aria-label": title, tabindex: "0" },
      make(
        "table",
        { class: "costs" },
        make("thead", {}, make("tr", {}, ...heads)),
        make("tbody", {}, ...rows.map(([name, sums]) => line(name, sums))),
        isObject(total) ? make("tfoot", {}, line("All jobs", total)) : null,
      ),
    ),
  );
}

async function look() {
  try {
    show(await get("data"));
    note.textContent = "";
  } catch (error) {
    const away = !(error instanceof Refused) || error.status === 0;
    const words = away ? `${AWAY}. The page looks again by itself.` : error.message;
    if (note.textContent !== words) {
      note.textContent = words;
    }
  }
}

async function keepLooking() {
  if (!document.hidden) {
    await look();
  }
  setTimeout(keepLooking, EVERY);
}

const told = data("jobs");
find("#work").append(make("div", { class: "morning" }, totals, note, cards, tables));
show(told);
setTimeout(keepLooking, EVERY);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    void look();
  }
});
