// @ts-check
// The first page of several jobs: how each stands, and what they have cost together.

/** @param {any} jobs what the server says of them */
export function showMorning(jobs) {
  console.assert(jobs);
}
