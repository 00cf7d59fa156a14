// @ts-check
// The bar of a served page: how the run stands, and what can be asked of it.

import { log } from "./action-log.js";
import { runRest, startAgain } from "./again.js";
import { askFirst, sentence } from "./ask-first.js";
import { button, find, make, say } from "./dom.js";
import { entries, job, on } from "./model.js";
import { shares, sparkline } from "./pace.js";
import { post } from "./server.js";
import { figures, progressWords, stateDetail, stateWord } from "./standing.js";
import { number } from "./words.js";

/** @typedef {import("./types").State} State */

/** @type {State | null} */
let state = null;

const dot = make("span", { class: "dot", "aria-hidden": "true" });
const word = make("strong", { class: "state-word" }, "Connecting…");
const detail = make("span", { class: "state-detail" });
const progress = make("span", { class: "live-progress" });
const reading = make("span", { class: "live-reading" });
const pace = make("span", { class: "pace" });
const amounts = make("dl", { class: "live-figures" });
const connection = make("p", { class: "live-note", role: "status" });
const trouble = make("p", { class: "live-note fault", role: "status" });
const fault = make("p", { class: "live-note fault", role: "alert" });
const pause = button(
  "Pause",
  () => {
    void control(state?.state === "paused" ? "resume" : "pause");
  },
  { class: "quiet slim" },
);
const stop = button(
  "Stop…",
  () => {
    void askToStop();
  },
  { class: "quiet slim" },
);
const run = button(
  "Run what is left…",
  () => {
    void runRest();
  },
  { class: "quiet slim" },
);
const again = button(
  "",
  () => {
    void startAgain("rejected");
  },
  { class: "quiet slim" },
);

/** @typedef {{ action: "concurrency" | "rate" | "budget", input: HTMLInputElement, fault: HTMLElement, form: HTMLElement, dirty: boolean }} Setting */
/** @type {Setting[]} */
const settings = [
  setting("concurrency", "At most in flight", {
    type: "number",
    min: 1,
    max: 2000,
    step: 1,
    inputmode: "numeric",
  }),
  setting("rate", "Rate", { type: "text", placeholder: "none", autocomplete: "off", spellcheck: "false" }),
  setting("budget", "Budget, US$", {
    type: "text",
    placeholder: "none",
    inputmode: "decimal",
    autocomplete: "off",
  }),
];
const controls = make("details", { class: "controls" });

export function startControl() {
  const reloadFault = make("p", { class: "fault", role: "alert" });
  const reload = button(
    "Reload the job file",
    () => {
      void control("reload", undefined, reloadFault);
    },
    { class: "quiet slim" },
  );
  controls.append(
    make("summary", { class: "quiet slim" }, "Controls"),
    make(
      "div",
      { class: "controls-panel" },
      ...settings.map((each) => each.form),
      make("div", { class: "setting" }, reload, reloadFault),
    ),
  );
  controls.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && controls.open) {
      controls.open = false;
      find("summary", controls).focus();
    }
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !controls.contains(event.target)) {
      controls.open = false;
    }
  });
  const bar = find("#live");
  bar.setAttribute("role", "region");
  bar.setAttribute("aria-label", "The run");
  const others = job?.live?.jobs ?? 1;
  bar.append(
    ...(others > 1 ? [make("a", { href: "../", class: "all-jobs" }, `All ${number(others)} jobs`)] : []),
    make("p", { class: "live-state" }, dot, word, " ", detail),
    make("div", { class: "live-middle" }, progress, reading, pace),
    amounts,
    make("p", { class: "live-buttons" }, pause, stop, run, again),
    controls,
    connection,
    trouble,
    fault,
    log,
  );
  for (const each of [pause, stop, run, again, controls]) {
    each.hidden = true;
  }
  bar.hidden = false;
  on("entries", showButtons);
  on("said", showButtons);
}

/** @param {State} now */
export function showState(now) {
  const before = state?.state;
  state = now;
  find("#live").dataset.state = now.state;
  put(word, stateWord(now));
  put(detail, stateDetail(now));
  detail.title = now.detail ?? "";
  progress.replaceChildren(shares(now));
  put(reading, progressWords(now));
  amounts.replaceChildren(
    ...figures(now).map(([name, value, kind]) =>
      make("div", { class: kind }, make("dt", {}, name), make("dd", {}, value)),
    ),
  );
  pace.replaceChildren(...(now.running ? sparkline(now.now) : []));
  showButtons();
  for (const each of settings) {
    const stands = now[each.action];
    if (!each.dirty && document.activeElement !== each.input) {
      each.input.value = stands === null || stands === undefined ? "" : String(stands);
    }
  }
  if (before && before !== now.state) {
    say([stateWord(now), stateDetail(now)].filter(Boolean).join(": "));
  }
}

/** @param {string} words why nothing is heard from the server; nothing where all is well */
export function showConnection(words) {
  put(connection, words);
  find("#live").toggleAttribute("data-away", Boolean(words));
}

/** @param {string} words what is wrong with the job's files, by the server */
export function showFault(words) {
  put(trouble, words);
}

function showButtons() {
  if (!state) {
    return;
  }
  const { running, counts, accepted } = state;
  const rejected = entries.filter(
    (entry) => entry.verdict === "rejected" && entry.status === "succeeded",
  ).length;
  pause.hidden = !running || state.state === "stopping";
  put(pause, state.state === "paused" ? "Resume" : "Pause");
  stop.hidden = !running || state.state === "stopping";
  controls.hidden = !running;
  run.hidden = running || !(counts.pending + accepted);
  again.hidden = running || !rejected;
  put(again, `Render ${number(rejected)} rejected again…`);
}

async function askToStop() {
  const flight = state?.in_flight ?? 0;
  await askFirst({
    title: "Stop the run?",
    body: () => [
      make(
        "p",
        {},
        flight
          ? `Nothing new is sent. ${flight === 1 ? "The request in flight ends and is" : `The ${number(flight)} requests in flight end and are`} saved.`
          : "Nothing new is sent.",
      ),
      make("p", { class: "soft" }, "What is left is rendered when the job is run again."),
    ],
    yes: "Stop the run",
    act: async () => await post("control", { action: "stop" }),
  });
}

/**
 * @param {string} action
 * @param {string | number} [value]
 * @param {HTMLElement} [where] to say what is wrong
 * @returns {Promise<boolean>} whether the run does it
 */
async function control(action, value, where = fault) {
  put(where, "");
  try {
    const told = await post("control", value === undefined ? { action } : { action, value });
    const warnings = Array.isArray(told.warnings) ? told.warnings : [];
    say([told.changed, ...warnings].filter((each) => typeof each === "string").join(". ") || "Done.");
    return true;
  } catch (error) {
    put(where, sentence(error));
    return false;
  }
}

/**
 * @param {"concurrency" | "rate" | "budget"} action
 * @param {string} label
 * @param {import("./dom.js").Attributes} attributes
 * @returns {Setting}
 */
function setting(action, label, attributes) {
  const input = make("input", { id: `set-${action}`, "aria-describedby": `fault-${action}`, ...attributes });
  const wrong = make("p", { class: "fault", id: `fault-${action}`, role: "alert" });
  const form = make(
    "form",
    { class: "setting", novalidate: true },
    make("label", { for: `set-${action}` }, label),
    input,
    make("button", { type: "submit", class: "quiet slim", "aria-label": `Set: ${label}` }, "Set"),
    wrong,
  );
  const made = { action, input, fault: wrong, form, dirty: false };
  input.addEventListener("input", () => {
    made.dirty = true;
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = input.value.trim();
    const value = typed === "" ? "none" : Number.isFinite(Number(typed)) ? Number(typed) : typed;
    if (await control(action, value, wrong)) {
      made.dirty = false;
    }
    input.toggleAttribute("aria-invalid", Boolean(wrong.textContent));
  });
  return made;
}

/**
 * Set a text only where it is another one: live regions and selections stay calm.
 * @param {HTMLElement} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
