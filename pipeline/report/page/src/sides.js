// @ts-check
// What can be compared: the clips of one post, and the older clips of their tasks.

import { byTask, posts } from "./model.js";
import { brief, moment, plain } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {{ clip: import("./types").Clip, label: string, task: string }} Side */

/**
 * What an entry can be compared with: itself, the other clips of its post, and older clips of them.
 * @param {Entry} entry
 * @returns {Side[]}
 */
export function sidesOf(entry) {
  const others = (posts.get(entry.post) ?? []).filter((each) => each.task !== entry.task);
  const all = [entry, ...others];
  const there = all.filter((each) => each.status === "succeeded" && each.src && !each.missing);
  return [
    ...there.map((each) => ({
      clip: each,
      label: nameOf(each, all.length) || "Present clip",
      task: each.task,
    })),
    ...all.flatMap((each) =>
      (each.versions ?? []).map((clip) => {
        const name = nameOf(each, all.length);
        const when = clip.finished_at ? ` of ${moment(clip.finished_at)}` : "";
        return { clip, label: `${name ? `${name} · ` : ""}Earlier${when}`, task: each.task };
      }),
    ),
  ];
}

/**
 * What tells an entry from the others of its post.
 * @param {Entry} entry
 * @param {number} count how many there are
 */
function nameOf(entry, count) {
  const words = Object.values(entry.values ?? {}).map((value) => brief(plain(value), 40));
  const name = [...words, entry.take ? `Take ${entry.take}` : ""].filter(Boolean).join(" · ");
  return name || (count > 1 ? brief(entry.task, 60) : "");
}

/**
 * The entry whose present clip a side is.
 * @param {Side} side
 */
export function present(side) {
  const entry = byTask.get(side.task);
  const same = entry && (entry === side.clip || (side.clip.sha256 && entry.sha256 === side.clip.sha256));
  return same && entry.status === "succeeded" ? entry : undefined;
}
