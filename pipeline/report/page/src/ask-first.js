// @ts-check
// Asks a person before something that costs, or that cannot be taken back. Enter does it, Esc does not.

import { button, make } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */
/**
 * `body` may take a moment, as a price does; what it throws is said, and nothing can be done then.
 * `act` does it; what it throws is said, and the dialog stays.
 * @typedef {{ title: string, body: () => Promise<Child[]> | Child[], yes: string, act: () => Promise<unknown> }} Question
 */

/**
 * @param {Question} question
 * @returns {Promise<boolean>} whether it was done
 */
export async function askFirst({ title, body, yes, act }) {
  const words = make(
    "div",
    { class: "question-body", "aria-busy": "true" },
    make("p", { class: "soft" }, "One moment…"),
  );
  const fault = make("p", { class: "fault", role: "alert" });
  const no = button(
    "Cancel",
    () => {
      dialog.close();
    },
    { class: "quiet" },
  );
  const go = button(
    yes,
    () => {
      void perform();
    },
    { class: "primary" },
  );
  const dialog = make(
    "dialog",
    { class: "question", "aria-labelledby": "question-title" },
    make("h2", { id: "question-title" }, title),
    words,
    fault,
    make("p", { class: "question-choices" }, no, go),
  );
  let done = false;

  async function perform() {
    go.disabled = true;
    fault.textContent = "";
    try {
      await act();
      done = true;
      dialog.close();
    } catch (error) {
      fault.textContent = sentence(error);
      go.disabled = false;
      go.focus();
    }
  }

  // No key of the page works behind a question.
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", resolve);
  });
  document.body.append(dialog);
  go.disabled = true;
  dialog.showModal();
  no.focus();
  try {
    words.replaceChildren(...(await body()).filter((each) => each !== null && each !== undefined));
    go.disabled = false;
    go.focus();
  } catch (error) {
    words.replaceChildren();
    fault.textContent = sentence(error);
  }
  words.removeAttribute("aria-busy");
  await closed;
  dialog.remove();
  return done;
}

/** @param {unknown} error */
export function sentence(error) {
  const text = error instanceof Error ? error.message : String(error);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
