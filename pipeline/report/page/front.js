"use strict";
(() => {
  // src/dom.js
  var SVG = "http://www.w3.org/2000/svg";
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== void 0 && value !== false) {
        element.setAttribute(name, value === true ? "" : String(value));
      }
    }
    for (const child of children) {
      if (child !== null && child !== void 0 && child !== "") {
        element.append(child);
      }
    }
    return element;
  }
  function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  function draw(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }
  function find(selector, within = document) {
    const found = within.querySelector(selector);
    if (!(found instanceof HTMLElement || found instanceof SVGElement)) {
      throw new Error(`the page has no ${selector}`);
    }
    return (
      /** @type {HTMLElement} */
      found
    );
  }
  function data(id) {
    return JSON.parse(document.getElementById(id)?.textContent || "null");
  }

  // src/words.js
  var LOCALE = "en-GB";
  var DAY = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
  var MOMENT = new Intl.DateTimeFormat(LOCALE, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit"
  });
  var CLOCK = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
  var WEEKDAY = new Intl.DateTimeFormat(LOCALE, { weekday: "short", timeZone: "UTC" });
  var MONTH = new Intl.DateTimeFormat(LOCALE, { month: "long", year: "numeric", timeZone: "UTC" });
  var DATE = new Intl.DateTimeFormat(LOCALE, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC"
  });
  var SHORT_DATE = new Intl.DateTimeFormat(LOCALE, {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC"
  });
  function number(value) {
    return value.toLocaleString(LOCALE);
  }
  function money(amount2) {
    const size = Math.abs(amount2);
    const fits = (digits2) => size >= 1 || Math.abs(Number(size.toFixed(digits2)) - size) <= size / 100;
    const digits = [2, 4, 6].find(fits) ?? 6;
    const text2 = size.toLocaleString(LOCALE, {
      minimumFractionDigits: 2,
      maximumFractionDigits: digits
    });
    return `${amount2 < 0 && Number(size.toFixed(digits)) ? "-" : ""}$${text2}`;
  }
  function lasting(seconds2) {
    if (seconds2 < 10) {
      return `${Number(seconds2.toFixed(1))} s`;
    }
    const whole = Math.round(seconds2);
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole % 3600 / 60)];
    if (hours) {
      return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
    }
    return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
  }
  function plain(value) {
    if (typeof value === "boolean") {
      return value ? "yes" : "no";
    }
    return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  // src/model.js
  var MOST_CHOICES = 24;
  var MOST_FACETS = 8;
  var SINGLE = (
    /** @type {const} */
    [
      "view",
      "q",
      "status",
      "verdict",
      "sort",
      "day",
      "post",
      "task",
      "density",
      "chosen",
      "period"
    ]
  );
  var job = data("job");
  var entries = [];
  var byTask = /* @__PURE__ */ new Map();
  var posts = /* @__PURE__ */ new Map();
  var facets = [];
  var asked = {
    ...singles(),
    /** @type {Map<Facet, string>} */
    facets: /* @__PURE__ */ new Map()
  };
  function singles() {
    return (
      /** @type {any} */
      Object.fromEntries(SINGLE.map((name) => [name, ""]))
    );
  }
  var listeners = /* @__PURE__ */ new Map();
  function emit(topic, told2) {
    for (const listener of listeners.get(topic) ?? []) {
      listener(told2);
    }
  }
  var held = /* @__PURE__ */ new Map();
  function merge(given) {
    const changed = /* @__PURE__ */ new Set();
    for (const each2 of given) {
      const entry = (
        /** @type {Entry} */
        { attempts: 1, params: {}, meta: {}, ...each2 }
      );
      entry.post ??= entry.group;
      const known2 = byTask.get(entry.task);
      if (known2 && held.has(entry.task) && known2.sha256 === entry.sha256) {
        Object.assign(entry, { verdict: known2.verdict, note: known2.note, by: known2.by, at: known2.at });
      }
      if (known2) {
        entries[entries.indexOf(known2)] = entry;
      } else {
        entries.push(entry);
      }
      byTask.set(entry.task, entry);
      const group = posts.get(entry.post) ?? [];
      const place = known2 ? group.indexOf(known2) : -1;
      group[place < 0 ? group.length : place] = entry;
      posts.set(entry.post, group);
      changed.add(entry.task);
    }
    const found = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
    const known = new Map(facets.map((facet) => [facet.key, facet]));
    facets.splice(0, facets.length, ...found.map((facet) => Object.assign(known.get(facet.key) ?? {}, facet)));
    if (changed.size) {
      emit("entries", changed);
    }
  }
  function choices(field, fewest) {
    const values = /* @__PURE__ */ new Map();
    for (const entry of entries) {
      for (const [name, value] of Object.entries(entry[field])) {
        const there = values.get(name) ?? /* @__PURE__ */ new Set();
        values.set(name, there.add(plain(value)));
      }
    }
    const telling = [...values].filter(
      ([name, distinct]) => name !== "publish" && distinct.size > 1 && distinct.size <= MOST_CHOICES && (distinct.size <= fewest || distinct.size <= entries.length / 3) && [...distinct].every((value) => value.length <= 60)
    );
    return telling.map(([name, distinct]) => ({
      key: `${field}.${name}`,
      field,
      name,
      values: [...distinct].sort(natural)
    }));
  }
  var natural = new Intl.Collator(LOCALE, { numeric: true }).compare;
  merge(data("entries") ?? []);

  // src/pace.js
  function shares({ counts: { total, succeeded, failed, in_doubt: doubt } }) {
    const picture = draw("svg", {
      class: "shares",
      viewBox: "0 0 100 6",
      preserveAspectRatio: "none",
      "aria-hidden": "true"
    });
    let x = 0;
    for (
      const [kind, many] of
      /** @type {[string, number][]} */
      [
        ["succeeded", succeeded],
        ["failed", failed],
        ["in-doubt", doubt]
      ]
    ) {
      const width = total ? Math.min(100 * many / total, 100 - x) : 0;
      if (width > 0) {
        picture.append(draw("rect", { class: kind, x, y: 0, width, height: 6 }));
        x += width;
      }
    }
    return picture;
  }

  // src/reading.js
  var LAST = 4e9;
  var isText = (value) => typeof value === "string";
  var isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  var isYes = (value) => typeof value === "boolean";
  var isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  var isAddress = (value) => typeof value === "string" && /^(\.\/|https?:\/\/)/.test(value);
  var CLIP = {
    ...each(isAddress, "src", "poster", "strip"),
    ...each(isText, "file", "kind", "sha256", "finished_at", "note"),
    ...each(isNumber, "cost", "poster_w", "poster_h"),
    verdict: (value) => value === "kept" || value === "rejected",
    params: isObject
  };
  var ENTRY = {
    ...CLIP,
    ...each(
      isText,
      "task",
      "prompt",
      "model",
      "group",
      "post",
      "own_id",
      "publish",
      "channel",
      "caption",
      "campaign"
    ),
    ...each(isText, "name", "request_id", "error", "standing", "settled", "by", "at"),
    ...each(isNumber, "take", "bytes", "http_status", "attempts", "at_risk", "duration_s"),
    ...each(isYes, "missing", "said_by_row", "small"),
    ...each(isObject, "values", "meta", "media", "words"),
    status: (value) => ["succeeded", "failed", "in_doubt", "pending"].includes(String(value)),
    flags: (value) => Array.isArray(value) && value.every(isText)
  };
  var STATE = {
    ...each(isText, "reason", "detail", "rate", "started_at"),
    ...each(isNumber, "concurrency", "budget", "eta_s", "remaining_credits")
  };
  function each(test, ...names) {
    return Object.fromEntries(names.map((name) => [name, test]));
  }
  function passing(given, tests) {
    return Object.fromEntries(
      Object.entries(tests).flatMap(([name, test]) => test(given[name]) ? [[name, given[name]]] : [])
    );
  }
  function objects(given) {
    return Array.isArray(given) ? given.filter(isObject) : [];
  }
  function readState(given) {
    if (!isObject(given)) {
      return null;
    }
    const counts = isObject(given.counts) ? given.counts : {};
    return {
      remaining_credits: null,
      ...passing(given, STATE),
      until: seconds(given.until),
      running: given.running === true,
      state: (
        /** @type {State["state"]} */
        ["running", "paused", "waiting", "stopping"].find(
          (word) => given.running === true && word === given.state
        ) ?? (given.running === true ? "running" : "ended")
      ),
      in_flight: given.running === true ? count(given.in_flight) : 0,
      accepted: count(given.accepted),
      counts: {
        total: count(counts.total),
        succeeded: count(counts.succeeded),
        failed: count(counts.failed),
        in_doubt: count(counts.in_doubt),
        pending: count(counts.pending)
      },
      spent: amount(given.spent),
      at_risk: amount(given.at_risk),
      now: seconds(given.now) ?? Date.now() / 1e3
    };
  }
  function seconds(value) {
    const at = typeof value === "string" ? Date.parse(value) / 1e3 : value;
    return isNumber(at) && Math.abs(Number(at)) < LAST ? Number(at) : null;
  }
  function count(value) {
    return isNumber(value) ? Math.max(0, Math.round(Number(value))) : 0;
  }
  function amount(value) {
    return isNumber(value) ? Number(value) : 0;
  }

  // src/server.js
  var isLive = Boolean(job?.live);
  var base = job?.live?.base ?? "./";
  var AWAY = "The server is away";
  var OVER = "This page may not speak to the server any more";
  var HOW_BACK = "open the address that `pipeline view` prints as its first line";
  var Refused = class extends Error {
    /**
     * @param {string} message for people
     * @param {number} status of HTTP
     */
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  };
  async function get(name) {
    return await call(name, { headers: { Accept: "application/json" } });
  }
  async function call(name, how) {
    const answer = await fetch(base + name, { ...how, cache: "no-store" }).catch(() => null);
    if (!answer) {
      throw new Refused(`${AWAY}: is \`pipeline view\` still running?`, 0);
    }
    if (answer.status === 401) {
      throw new Refused(`${OVER}: ${HOW_BACK}`, 401);
    }
    const told2 = await answer.json().catch(() => null);
    if (!answer.ok) {
      const said = [told2?.error, told2?.hint].filter((each2) => typeof each2 === "string" && each2);
      throw new Refused(said.join(": ") || `the server answers ${answer.status}`, answer.status);
    }
    if (told2 === null || typeof told2 !== "object") {
      throw new Refused("the server's answer cannot be read: load the page again", answer.status);
    }
    return told2;
  }

  // src/standing.js
  var REASON = {
    window: "outside the hours of the job",
    outage: "the provider does not answer",
    "rate limit": "rate limit",
    credits: "the balance is too low",
    account: "other runs of the account go first"
  };
  function stateWord(state) {
    const words = {
      running: "Running",
      paused: "Paused",
      waiting: "Waiting",
      stopping: "Stopping",
      ended: "Not running"
    };
    if (state.state === "ended" && done(state)) {
      return state.counts.succeeded === state.counts.total ? "Finished" : "Ended";
    }
    return words[state.state];
  }
  function stateDetail(state) {
    const reason = state.reason && state.reason !== "paused" && state.state !== "running" ? REASON[state.reason] ?? state.reason : "";
    const until = state.until && state.state !== "running" ? `until ${clock(state.until)}` : "";
    const flight = state.in_flight ? `${number(state.in_flight)} in flight` : "";
    const accepted = state.accepted ? `${number(state.accepted)} waiting at the provider` : "";
    const why = [reason, until].filter(Boolean).join(" ");
    return [why, [flight, accepted].filter(Boolean).join(", ")].filter(Boolean).join(" · ");
  }
  function clock(at) {
    const when = new Date(at * 1e3);
    return Number.isNaN(when.getTime()) ? "a later time" : CLOCK.format(when);
  }
  function done(state) {
    const { succeeded, failed, in_doubt: doubt } = state.counts;
    return succeeded + failed + doubt;
  }
  function progressWords(state) {
    const { total, succeeded, failed, in_doubt: doubt } = state.counts;
    const rest = [failed ? `${number(failed)} failed` : "", doubt ? `${number(doubt)} in doubt` : ""].filter(Boolean).join(", ");
    const eta = state.running && state.eta_s && state.eta_s > 0 ? `about ${span(state.eta_s)} left` : "";
    return [`${number(succeeded)} of ${number(total)} ready`, rest, eta].filter(Boolean).join(" · ");
  }
  function span(seconds2) {
    return seconds2 >= 90 ? lasting(Math.ceil(seconds2 / 60) * 60).replace(" 0 s", "") : lasting(Math.ceil(seconds2));
  }
  function figures(state) {
    const { remaining_credits: balance, budget } = state;
    return [
      ["Spent", money(state.spent) + (typeof budget === "number" ? ` of ${money(budget)}` : ""), ""],
      ["At risk", money(state.at_risk), state.at_risk > 0 ? "doubt" : "none"],
      ["Balance", balance === null || balance === void 0 ? "unknown" : money(balance), ""]
    ];
  }

  // src/morning.js
  var EVERY = 5e3;
  var MOST = 10;
  var totals = make("dl", { class: "morning-totals" });
  var note = make("p", { class: "live-note fault", role: "status" });
  var cards = make("ul", { class: "jobs", role: "list" });
  var tables = make("div", { class: "morning-tables" });
  var shown = /* @__PURE__ */ new Map();
  function show(told2) {
    const jobs = objects(told2?.jobs).filter(
      (job2) => typeof job2.address === "string" && job2.address.startsWith("./")
    );
    const costs = isObject2(told2?.costs) ? told2.costs : {};
    totals.replaceChildren(...sums(jobs, isObject2(costs.total) ? costs.total : {}));
    for (const job2 of jobs) {
      const address = String(job2.address);
      const words = JSON.stringify({ ...job2, now: null });
      const before = shown.get(address);
      if (before?.told !== words) {
        const made = card(job2);
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
        jobs.filter((job2) => !job2.error).map((job2) => [text(job2.name), { ...job2, cost_per_kept_clip: apiece(job2) }]),
        costs.total
      ),
      table(
        "Costs by campaign",
        "Campaign",
        objects(costs.campaigns).map((each2) => [text(each2.campaign) || "No campaign", each2]),
        costs.total
      )
    );
  }
  var isObject2 = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  function text(value) {
    return value === null || value === void 0 || typeof value === "object" ? "" : String(value);
  }
  function apiece(job2) {
    return count(job2.kept) ? amount(job2.spent) / count(job2.kept) : null;
  }
  function sums(jobs, all) {
    const running = jobs.filter((job2) => job2.running === true).length;
    const each2 = (name) => jobs.reduce((sum, job2) => sum + count(job2[name]), 0);
    const rows = [
      ["Running", running ? `${number(running)} of ${number(jobs.length)}` : "none"],
      ["Clips", number(each2("clips"))],
      ["Not seen", number(each2("unseen"))],
      ["Kept", number(each2("kept"))],
      ["Rejected", number(each2("rejected"))],
      ["Spent", money(amount(all.spent))],
      ["At risk", money(amount(all.at_risk))],
      ["A kept clip", typeof all.cost_per_kept_clip === "number" ? money(all.cost_per_kept_clip) : "–"]
    ];
    return rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  }
  function card(job2) {
    const head = make(
      "h2",
      {},
      make("a", { href: text(job2.address), dir: "auto" }, text(job2.name) || "A job without a name")
    );
    const state = readState(job2);
    if (typeof job2.error === "string" || !state) {
      const why = [job2.error, job2.hint].filter((each2) => typeof each2 === "string" && each2).join(": ");
      return make(
        "li",
        { class: "job-card" },
        make("div", { class: "job-head" }, head),
        make("p", { class: "fault" }, why || "Nothing is known of it.")
      );
    }
    const { failed, in_doubt: doubt } = state.counts;
    const posters = Array.isArray(job2.posters) ? job2.posters.filter((each2) => typeof each2 === "string" && each2.startsWith("./")) : [];
    const film = make(
      "div",
      { class: "filmstrip", "aria-hidden": "true" },
      ...posters.slice(0, MOST).map((src) => make("img", { src, alt: "", loading: "lazy", decoding: "async" }))
    );
    film.hidden = !posters.length;
    const rows = [
      ["Not seen", number(count(job2.unseen)), count(job2.unseen) ? "unseen-clips" : ""],
      ["Kept", number(count(job2.kept)), ""],
      ["Rejected", number(count(job2.rejected)), ""],
      ...figures(state).filter(([, , kind]) => kind !== "none")
    ];
    const kept = apiece(job2);
    if (kept !== null) {
      rows.push(["A kept clip", money(kept), ""]);
    }
    const wrong = [
      failed ? `${number(failed)} failed: read why, then try them again.` : "",
      doubt ? `${number(doubt)} may have been paid for and did not come: settle ${doubt === 1 ? "it" : "them"}.` : "",
      state.running && state.state !== "running" && typeof job2.detail === "string" ? job2.detail : ""
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
          make("span", { class: "soft" }, stateDetail(state))
        )
      ),
      film,
      shares(state),
      make("p", { class: "soft job-progress" }, progressWords(state)),
      make(
        "dl",
        { class: "job-line" },
        ...rows.map(
          ([name, value, kind]) => make("div", { class: kind }, make("dt", {}, name), make("dd", {}, value))
        )
      ),
      ...wrong.map((words) => make("p", { class: "job-wrong" }, words))
    );
  }
  function table(title, first, rows, total) {
    const cells = (sums2) => {
      const apart = sums2.cost_per_kept_clip;
      return [
        money(amount(sums2.spent)),
        money(amount(sums2.at_risk)),
        number(count(sums2.clips)),
        number(count(sums2.kept)),
        typeof apart === "number" ? money(apart) : "–"
      ].map((cell) => make("td", {}, cell));
    };
    const line = (name, sums2) => make("tr", {}, make("th", { scope: "row", dir: "auto" }, name), ...cells(sums2));
    const heads = [first, "Spent", "At risk", "Clips", "Kept", "A kept clip"].map(
      (head) => make("th", { scope: "col" }, head)
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
          make("tbody", {}, ...rows.map(([name, sums2]) => line(name, sums2))),
          isObject2(total) ? make("tfoot", {}, line("All jobs", total)) : null
        )
      )
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
  var told = data("jobs");
  find("#front").replaceWith(make("div", { class: "morning" }, totals, note, cards, tables));
  show(told);
  setTimeout(keepLooking, EVERY);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      void look();
    }
  });
})();
