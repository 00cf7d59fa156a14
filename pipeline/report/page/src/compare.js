// @ts-check
// Two to four clips side by side, playing in step, and what differs between them.

/** @typedef {import("./types").Clip} Clip */
/** @typedef {{ clip: Clip, label: string, task: string }} Side */

/**
 * Show clips side by side: two to four of `sides` at once, the first ones first.
 * @param {Side[]} sides
 */
export function openCompare(sides) {
  console.assert(sides.length > 1);
}
