// @ts-check
// Commands as they must be typed, and what copies them.

import { button, make, say, toast } from "./dom.js";
import { job } from "./model.js";

/** @typedef {import("./types").Entry} Entry */

/**
 * A button that copies a text.
 * @param {string} label
 * @param {string} words
 */
export function copier(label, words) {
  return button(
    label,
    async () => {
      if (await copied(words)) {
        toast("Copied.");
      } else {
        say("Copying is not allowed here: select the text instead.");
      }
    },
    { class: "quiet" },
  );
}

/**
 * Outside a secure context there is no clipboard: a selection can still be copied.
 * @param {string} words
 */
async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    field.value = words;
    const before = document.activeElement;
    ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (before instanceof HTMLElement) {
      before.focus({ preventScroll: true });
    }
    return done;
  }
}

/**
 * A command with its button.
 * @param {string} command
 */
export function commandRow(command) {
  const copy = copier("Copy", command);
  copy.ariaLabel = `Copy the command: ${command}`;
  return make("div", { class: "command" }, make("code", {}, command), copy);
}

/**
 * The command that renders clips again.
 * @param {Entry[]} entries
 */
export function againCommand(entries) {
  const start = job?.again?.endsWith(" rejected") ? job.again.slice(0, -" --again rejected".length) : "";
  const which = entries
    .map((entry) => `${entry.task.startsWith("-") ? " --again=" : " --again "}${quoted(entry.task)}`)
    .join("");
  return `${start || job?.command || "pipeline run JOB.yaml"}${which}`;
}

/**
 * A word as a shell reads it.
 * @param {string} word
 */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
