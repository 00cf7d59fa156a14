// @ts-check
// What is asked of `pipeline view`, and what goes wrong with it, in words for people.

import { job } from "./model.js";

/** Whether the page is served live: what a button would do can be done. */
export const isLive = Boolean(job?.live);

/** What the addresses begin with. */
export const base = job?.live?.base ?? "./";

export const AWAY = "The server is away";
export const OVER = "This page may not speak to the server any more";
export const HOW_BACK = "open the address that `pipeline view` prints as its first line";

/** The server does not do what was asked; `status` is 0 where it did not answer. */
export class Refused extends Error {
  /**
   * @param {string} message for people
   * @param {number} status of HTTP
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} name such as "data"
 * @returns {Promise<any>} what it answers
 * @throws {Refused}
 */
export async function get(name) {
  return await call(name, { headers: { Accept: "application/json" } });
}

/**
 * Ask the server to do something.
 * @param {string} name such as "verdicts"
 * @param {unknown} body
 * @returns {Promise<any>} what it answers
 * @throws {Refused} with what it says against it, for people
 */
export async function post(name, body) {
  return await call(name, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/**
 * @param {string} name
 * @param {RequestInit} how
 */
async function call(name, how) {
  const answer = await fetch(base + name, { ...how, cache: "no-store" }).catch(() => null);
  if (!answer) {
    throw new Refused(`${AWAY}: is \`pipeline view\` still running?`, 0);
  }
  if (answer.status === 401) {
    throw new Refused(`${OVER}: ${HOW_BACK}`, 401);
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok) {
    const said = [told?.error, told?.hint].filter((each) => typeof each === "string" && each);
    throw new Refused(said.join(": ") || `the server answers ${answer.status}`, answer.status);
  }
  if (told === null || typeof told !== "object") {
    throw new Refused("the server's answer cannot be read: load the page again", answer.status);
  }
  return told;
}
