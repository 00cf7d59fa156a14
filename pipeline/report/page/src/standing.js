// @ts-check
// How a run stands, put into words.

import { CLOCK, lasting, money, number } from "./words.js";

/** @typedef {import("./types").State} State */

/** @type {Record<string, string>} why nothing is being sent, by the run's word for it */
const REASON = {
  window: "outside the hours of the job",
  outage: "the provider does not answer",
  "rate limit": "rate limit",
  credits: "the balance is too low",
  account: "other runs of the account go first",
};

const RUN_CODES = new Map([
  [0, "every clip is ready"],
  [1, "it went through; some failed or are in doubt"],
  [2, "nothing was sent"],
  [3, "stopped for credits: top up, then run again"],
  [4, "stopped: the provider refuses the run"],
  [5, "stopped: an outage outlasted its patience"],
  [6, "stopped: the hours of the job are over"],
  [7, "stopped: the clips cannot be written"],
  [70, "a bug of ours: please report it"],
  [129, "stopped by a hang-up"],
  [130, "stopped by Ctrl-C"],
  [143, "stopped; what was in flight is saved"],
]);
const SETTLE_CODES = new Map([
  [0, "nothing is in doubt any more"],
  [1, "something is still in doubt"],
  [2, "nothing was settled"],
  [70, "a bug of ours: please report it"],
]);

/** @param {State} state */
export function stateWord(state) {
  const words = {
    running: "Running",
    paused: "Paused",
    waiting: "Waiting",
    stopping: "Stopping",
    ended: "Not running",
  };
  if (state.state === "ended" && done(state)) {
    return state.counts.succeeded === state.counts.total ? "Finished" : "Ended";
  }
  return words[state.state];
}

/**
 * What follows the word: why, until when, and what is under way.
 * @param {State} state
 */
export function stateDetail(state) {
  const reason =
    state.reason && state.reason !== "paused" && state.state !== "running"
      ? (REASON[state.reason] ?? state.reason)
      : "";
  const until = state.until && state.state !== "running" ? `until ${clock(state.until)}` : "";
  const flight = state.in_flight ? `${number(state.in_flight)} in flight` : "";
  const accepted = state.accepted ? `${number(state.accepted)} waiting at the provider` : "";
  const why = [reason, until].filter(Boolean).join(" ");
  return [why, [flight, accepted].filter(Boolean).join(", ")].filter(Boolean).join(" · ");
}

/** @param {number} at in Unix seconds */
export function clock(at) {
  const when = new Date(at * 1000);
  return Number.isNaN(when.getTime()) ? "a later time" : CLOCK.format(when);
}

/** @param {State} state */
export function done(state) {
  const { succeeded, failed, in_doubt: doubt } = state.counts;
  return succeeded + failed + doubt;
}

/** @param {State} state */
export function progressWords(state) {
  const { total, succeeded, failed, in_doubt: doubt } = state.counts;
  const rest = [failed ? `${number(failed)} failed` : "", doubt ? `${number(doubt)} in doubt` : ""]
    .filter(Boolean)
    .join(", ");
  const eta = state.running && state.eta_s && state.eta_s > 0 ? `about ${span(state.eta_s)} left` : "";
  return [`${number(succeeded)} of ${number(total)} ready`, rest, eta].filter(Boolean).join(" · ");
}

/** @param {number} seconds */
function span(seconds) {
  return seconds >= 90
    ? lasting(Math.ceil(seconds / 60) * 60).replace(" 0 s", "")
    : lasting(Math.ceil(seconds));
}

/**
 * @param {State} state
 * @returns {[string, string, string][]} name, value, kind
 */
export function figures(state) {
  const { remaining_credits: balance, budget } = state;
  return [
    ["Spent", money(state.spent) + (typeof budget === "number" ? ` of ${money(budget)}` : ""), ""],
    ["At risk", money(state.at_risk), state.at_risk > 0 ? "doubt" : "none"],
    ["Balance", balance === null || balance === undefined ? "unknown" : money(balance), ""],
  ];
}

/**
 * How a command has ended.
 * @param {import("./types").Action} action
 */
export function outcome(action) {
  if (action.running) {
    return "at work";
  }
  const words = /\bsettle\b/.test(action.what) ? SETTLE_CODES : RUN_CODES;
  return action.code === null ? "ended" : (words.get(action.code) ?? `ended with code ${action.code}`);
}
