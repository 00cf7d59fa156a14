// @ts-check
// One clip after the other, as an editor would show the night.

/** @param {import("./types").Entry[]} entries in the order to play */
export function openReel(entries) {
  console.assert(entries.length > 0);
}
