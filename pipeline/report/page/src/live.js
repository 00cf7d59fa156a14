// @ts-check
// The page as `pipeline view` serves it: it hears what happens, and can have things done.

import { job } from "./model.js";

/** Whether the page is served live: what a button would do can be done. */
export const isLive = Boolean(job?.live);

/**
 * Ask the server to do something.
 * @param {string} name such as "verdicts"
 * @param {unknown} body
 * @returns {Promise<any>} what it answers
 * @throws {Error} with what it says against it, for people
 */
export async function post(name, body) {
  const answer = await fetch(`${job?.live?.base}${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error([told.error ?? `the server answers ${answer.status}`, told.hint].filter(Boolean).join(": "));
  }
  return told;
}

/** Begin to listen. */
export function startLive() {}
