// @ts-check
// What can be done about what has no clip: asked of the provider, said by a person, or rendered again.

import { retry, runRest } from "./again.js";
import { askFirst, sentence } from "./ask-first.js";
import { button, make, say } from "./dom.js";
import { post } from "./server.js";
import { brief, money, number, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */

const SHOWN = 50;
/** @type {Record<"billed" | "not_billed", [string, string, string]>} label, question, what follows */
const WORDS = {
  billed: [
    "It was charged",
    "was charged?",
    "It counts as spent, and is not sent again unless you ask for it.",
  ],
  not_billed: [
    "It was not charged",
    "was not charged?",
    "It counts as free, and the next run sends it again, at its price.",
  ],
};

/**
 * What a command is for, and all that it concerns; without a command, all that the block is for.
 * @typedef {{ block: string, command?: string, entries: Entry[] }} Doing
 */

/** @type {WeakMap<HTMLElement, string>} what each place was filled for: what has the focus there stays */
const filled = new WeakMap();

/**
 * Fill a place with what can be done about entries.
 * @param {HTMLElement} container
 * @param {Doing} doing
 */
export function fillDo(container, { block, command, entries }) {
  const told = JSON.stringify([
    block,
    command,
    entries.map(({ task, at_risk, prompt }) => [task, at_risk, prompt]),
  ]);
  if (filled.get(container) !== told) {
    filled.set(container, told);
    // To send a doubt again may pay for it twice: that is only for the command line.
    const fits = block !== "in_doubt" || !command || !command.includes("in-doubt");
    container.replaceChildren(...((fits && DO[block]?.(entries)) || []));
  }
}

/** @type {Record<string, (entries: Entry[]) => HTMLElement[]>} */
const DO = {
  failed: () => [line(button("Try again…", () => void retry("failed"), { class: "quiet" }))],
  missing: () => [line(button("Render again…", () => void retry("missing"), { class: "quiet" }))],
  pending: () => [rest()],
  accepted: () => [rest()],
  saved: () => [rest()],
  in_doubt: doubts,
};

/** @param {HTMLElement[]} children */
function line(...children) {
  return make("p", { class: "do-line" }, ...children);
}

function rest() {
  return line(
    button(
      "Run what is left…",
      () => {
        void runRest();
      },
      { class: "quiet" },
    ),
  );
}

/** @param {Entry[]} entries */
function doubts(entries) {
  const fault = make("p", { class: "fault", role: "alert" });
  const ask = button(
    "Ask the provider",
    async () => {
      ask.disabled = true;
      fault.textContent = "";
      try {
        await post("settle", {});
        say("The provider is asked.");
      } catch (error) {
        fault.textContent = sentence(error);
      }
      ask.disabled = false;
    },
    { class: "quiet" },
  );
  const list = make("ul", { class: "doubts", role: "list" }, ...entries.slice(0, SHOWN).map(doubt));
  const more = entries.length - SHOWN;
  return [
    line(ask, make("span", { class: "soft" }, "Free. Or say what the account's page says of each:")),
    fault,
    list,
    ...(more > 0
      ? [make("p", { class: "soft" }, `and ${number(more)} more: filter them, or say it of these first.`)]
      : []),
  ];
}

/** @param {Entry} entry */
function doubt(entry) {
  const name = brief(titled(entry), 90);
  const say1 = (/** @type {"billed" | "not_billed"} */ word) =>
    button(
      `${WORDS[word][0]}…`,
      () => {
        void settle(entry, word);
      },
      {
        class: "quiet slim",
        "aria-label": `${WORDS[word][0]}: ${name}`,
      },
    );
  return make(
    "li",
    { "data-task": entry.task },
    make("span", { class: "doubt-name", dir: "auto" }, name),
    make("span", { class: "doubt-price" }, entry.at_risk ? money(entry.at_risk) : ""),
    say1("billed"),
    say1("not_billed"),
  );
}

/**
 * @param {Entry} entry
 * @param {"billed" | "not_billed"} word
 */
async function settle(entry, word) {
  const [label, question, effect] = WORDS[word];
  const said = await askFirst({
    title: `${entry.at_risk ? money(entry.at_risk) : "This clip"} ${question}`,
    body: () => [
      make("p", { dir: "auto" }, brief(titled(entry), 200)),
      make("p", { class: "soft" }, `${effect} A word is said once; a second one is refused.`),
    ],
    yes: label,
    act: async () => await post("settle", { tasks: [entry.task], word }),
  });
  if (said) {
    say(`${label}: noted.`);
  }
}
