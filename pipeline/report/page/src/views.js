// @ts-check
// The views of the page, one of which is shown. Each says its name, and shows what matches.

/** @typedef {import("./types").Entry} Entry */
/**
 * `show` is called with the entries that match whenever they or what is asked change, while the view is
 * the one that is shown; `hide` when another takes its place; `badge` is a number beside the name.
 * @typedef {{ name: string, label: string, show: (entries: Entry[]) => void, hide?: () => void, badge?: () => number }} View
 */

/** @type {View[]} in the order of the tabs; the first is the one that an address without `view` shows */
export const views = [];

/** @param {View} view */
export function register(view) {
  views.push(view);
}
