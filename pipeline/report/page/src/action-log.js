// @ts-check
// What the commands say that pages have started: the last one in a line, all of them below it.

import { make, say } from "./dom.js";
import { outcome } from "./standing.js";

/** @typedef {import("./types").Action} Action */

const KEPT_ACTIONS = 6;
const SHOWN_LINES = 40;

/** @type {Map<string, Action>} the last one at the end */
const actions = new Map();

/** Its place in the bar; nothing is shown before a command was started. */
export const log = make("details", { class: "live-log", hidden: true });

/** @param {Action} action a command that a page has started */
export function showAction(action) {
  const before = actions.get(action.id);
  actions.delete(action.id);
  actions.set(action.id, action);
  for (const id of [...actions.keys()].slice(0, -KEPT_ACTIONS)) {
    actions.delete(id);
  }
  if (before?.running !== action.running && !action.running) {
    say(`${action.what}: ${outcome(action)}`);
  }
  showLog();
}

function showLog() {
  const shown = [...actions.values()].reverse();
  const [latest] = shown;
  if (!latest) {
    return;
  }
  const ended = !latest.running && latest.code !== 0;
  log.hidden = false;
  const summary = make(
    "summary",
    {},
    make("code", {}, latest.what),
    make("span", { class: ended ? "fault" : "soft" }, ` ${outcome(latest)}`),
  );
  const last = latest.lines.at(-1);
  if (latest.running && last) {
    summary.append(make("span", { class: "soft last-line" }, ` · ${last}`));
  }
  const parts = shown.flatMap((action) => [
    make("p", { class: "log-head" }, make("code", {}, action.what), ` ${outcome(action)}`),
    make(
      "pre",
      { tabindex: "0", role: "group", "aria-label": `What ${action.what} says` },
      action.lines.slice(-SHOWN_LINES).join("\n") || "…",
    ),
  ]);
  const focused = log.contains(document.activeElement);
  log.replaceChildren(summary, make("div", { class: "log-body" }, ...parts));
  if (focused) {
    summary.focus({ preventScroll: true });
  }
}
