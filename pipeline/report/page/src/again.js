// @ts-check
// Has the server start a run, as a person would type it: first with what it costs.

import { askFirst } from "./ask-first.js";
import { make, say } from "./dom.js";
import { entries } from "./model.js";
import { amount, count } from "./reading.js";
import { get, post } from "./server.js";
import { brief, money, number, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */

const SHOWN = 5;

/**
 * Render clips again, when the person has seen the price.
 * @param {Entry[] | "rejected"} which
 * @returns {Promise<boolean>} whether the run was started
 */
export async function startAgain(which) {
  const rejected = which === "rejected";
  const clips = rejected ? entries.filter((entry) => entry.verdict === "rejected") : which;
  const again = rejected ? which : clips.map((entry) => entry.task);
  const what = rejected ? `${clipsOf(clips.length, "rejected ")}` : clipsOf(clips.length);
  return await startRun(
    `Render ${what} again?`,
    { again },
    clips,
    "The present clips are kept, in superseded/.",
  );
}

/** Render what is left of the job. */
export async function runRest() {
  return await startRun("Run what is left?", {}, []);
}

/**
 * Take up again what has failed, or what is missing.
 * @param {"failed" | "missing"} which
 */
export async function retry(which) {
  const title = which === "failed" ? "Try again what has failed?" : "Render again what is missing?";
  return await startRun(title, { retry: [which] }, []);
}

/**
 * @param {string} title
 * @param {{ again?: "rejected" | string[], retry?: string[] }} request
 * @param {Entry[]} clips
 * @param {string} [note]
 */
async function startRun(title, request, clips, note) {
  const started = await askFirst({
    title,
    yes: "Start the run",
    body: async () => priced(await get(`price${query(request)}`), clips, note),
    act: async () => await post("run", request),
  });
  if (started) {
    say("The run is starting.");
  }
  return started;
}

/** @param {{ again?: "rejected" | string[], retry?: string[] }} request */
function query(request) {
  const asked = new URLSearchParams();
  for (const name of /** @type {const} */ (["again", "retry"])) {
    for (const value of [request[name] ?? []].flat()) {
      asked.append(name, value);
    }
  }
  return asked.size ? `?${asked}` : "";
}

/**
 * @param {any} told what the server says it costs
 * @param {Entry[]} clips
 * @param {string} [note]
 */
function priced(told, clips, note) {
  const tasks = count(Array.isArray(told.tasks) ? told.tasks.length : told.tasks);
  const skipped = count(Array.isArray(told.kept_skipped) ? told.kept_skipped.length : told.kept_skipped);
  if (!tasks) {
    throw new Error(skipped ? `there is nothing to render: ${kept(skipped)}` : "there is nothing to render");
  }
  const price =
    told.price === null || told.price === undefined
      ? "at a price that is not known"
      : `for about ${money(amount(told.price))}`;
  const shown = skipped ? clips.filter((entry) => entry.verdict !== "kept") : clips;
  const left = shown.length - SHOWN;
  return [
    make("p", {}, make("strong", {}, `${clipsOf(tasks)} ${tasks === 1 ? "is" : "are"} rendered ${price}.`)),
    shown.length
      ? make(
          "ul",
          { class: "question-clips" },
          ...shown.slice(0, SHOWN).map((entry) => make("li", { dir: "auto" }, brief(titled(entry), 90))),
          left > 0 ? make("li", { class: "soft" }, `and ${number(left)} more`) : null,
        )
      : null,
    make(
      "p",
      { class: "soft" },
      [skipped ? `${sentenceCase(kept(skipped))}.` : "", tasks && note ? note : ""].filter(Boolean).join(" "),
    ),
  ];
}

/** @param {number} skipped */
function kept(skipped) {
  return skipped === 1
    ? "one is kept, and stays as it is"
    : `${number(skipped)} are kept, and stay as they are`;
}

/** @param {string} text */
function sentenceCase(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * @param {number} amountOf
 * @param {string} [kind]
 */
function clipsOf(amountOf, kind = "") {
  return `${number(amountOf)} ${kind}${amountOf === 1 ? "clip" : "clips"}`;
}
