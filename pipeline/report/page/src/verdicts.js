// @ts-check
// What the person at the page says of clips: sent to `pipeline view`, or kept until "Save picks".

import { take } from "./model.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Word} Word */

/**
 * Say something of clips: a verdict, null to take it back, or a note alone.
 * @param {Entry[]} clips
 * @param {{ verdict?: Word | null, note?: string }} word
 */
export async function judge(clips, word) {
  const at = new Date().toISOString();
  take(
    clips
      .filter((entry) => entry.sha256)
      .map((entry) => ({
        task: entry.task,
        verdict: word.verdict === undefined ? (entry.verdict ?? null) : word.verdict,
        note: word.note ?? entry.note ?? null,
        sha256: /** @type {string} */ (entry.sha256),
        by: null,
        at,
      })),
  );
}
