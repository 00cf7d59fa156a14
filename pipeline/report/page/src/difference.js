// @ts-check
// What differs between clips: in what was asked for, and in what came of it.

import { make } from "./dom.js";
import { byTask } from "./model.js";
import { lasting, moment, money, named, plain, size } from "./words.js";

/** @typedef {import("./sides.js").Side} Side */
/** @typedef {{ text: string, is: "same" | "gone" | "new" }} Part */

const MOST_CELLS = 1_000_000;

/** @param {Side} side */
function promptOf(side) {
  const clip = /** @type {Partial<import("./types").Entry>} */ (side.clip);
  return String(clip.prompt ?? side.clip.params.prompt ?? byTask.get(side.task)?.prompt ?? "");
}

/**
 * What is known of clips and not the same in all of them.
 * @param {Side[]} sides
 * @param {(side: Side) => { duration?: number, width?: number, height?: number }} measured what their films say
 * @returns {[string, string[]][]} a name, and the value of each side
 */
function differing(sides, measured) {
  const names = [...new Set(sides.flatMap((side) => Object.keys(side.clip.params)))].filter(
    (name) => name !== "prompt",
  );
  /** @type {[string, (side: Side) => string][]} */
  const rows = [
    ...names.map(
      (name) =>
        /** @type {[string, (side: Side) => string]} */ ([
          named(name),
          (side) => (name in side.clip.params ? plain(side.clip.params[name]) : ""),
        ]),
    ),
    ["Model", (side) => byTask.get(side.task)?.model ?? ""],
    ["Duration", (side) => told(measured(side).duration ?? facts(side).duration_s, lasting)],
    [
      "Picture",
      (side) => {
        const { width = facts(side).width, height = facts(side).height } = measured(side);
        return width && height ? `${width} × ${height}` : "";
      },
    ],
    ["Size", (side) => told(entryOf(side).bytes, size)],
    ["Cost", (side) => told(side.clip.cost, money)],
    ["Finished", (side) => told(side.clip.finished_at || undefined, moment)],
    ["Note", (side) => side.clip.note ?? ""],
  ];
  return rows
    .map(([name, value]) => /** @type {[string, string[]]} */ ([name, sides.map(value)]))
    .filter(([, values]) => values.some((value) => value !== values[0]));
}

/** @param {Side} side */
function entryOf(side) {
  return /** @type {Partial<import("./types").Entry>} */ (side.clip);
}

/** @param {Side} side */
function facts(side) {
  return entryOf(side).media ?? {};
}

/**
 * @template T
 * @param {T | null | undefined} value
 * @param {(value: T) => string} words
 */
function told(value, words) {
  return value === undefined || value === null ? "" : words(value);
}

/**
 * Tell two texts apart word by word.
 * @param {string} one
 * @param {string} other
 * @returns {Part[]}
 */
function wordDifference(one, other) {
  const [a, b] = [split(one), split(other)];
  let head = 0;
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail += 1;
  }
  return joined([
    ...part(a.slice(0, head), "same"),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...part(a.slice(a.length - tail), "same"),
  ]);
}

/** @param {string} text */
function split(text) {
  return text.match(/\s*[\p{L}\p{N}_'’-]+|\s*[^\s]/gu) ?? [];
}

/** @param {string[]} words @param {Part["is"]} is @returns {Part[]} */
function part(words, is) {
  return words.map((text) => ({ text, is }));
}

/**
 * The longest run of words that both have, in order, stays; two long texts are not looked into.
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Part[]}
 */
function middle(a, b) {
  if (a.length * b.length > MOST_CELLS) {
    return [...part(a, "gone"), ...part(b, "new")];
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  /** @param {number} i @param {number} j */
  const at = (i, j) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  /** @type {Part[]} */
  const parts = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      parts.push({ text: a[i] ?? "", is: "same" });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      parts.push({ text: a[i] ?? "", is: "gone" });
      i += 1;
    } else {
      parts.push({ text: b[j] ?? "", is: "new" });
      j += 1;
    }
  }
  return parts;
}

/** @param {Part[]} parts */
function joined(parts) {
  /** @type {Part[]} */
  const found = [];
  for (const each of parts) {
    const last = found.at(-1);
    if (last?.is === each.is) {
      last.text += each.text;
    } else {
      found.push({ ...each });
    }
  }
  return found;
}

/**
 * What differs as a table, a column for each side.
 * @param {Side[]} sides
 * @param {(side: Side) => { duration?: number, width?: number, height?: number }} measured what their films say
 */
export function differenceTable(sides, measured) {
  const prompts = sides.map(promptOf);
  const body = make("tbody");
  if (prompts.some((each) => each !== prompts[0])) {
    body.append(
      row(
        "Prompt",
        prompts.map((each, place) => marked(prompts[0] ?? "", each, place)),
      ),
    );
  }
  for (const [name, values] of differing(sides, measured)) {
    body.append(
      row(
        name,
        values.map((value) => value || "–"),
      ),
    );
  }
  if (!body.children.length) {
    return make("p", { class: "side-none" }, "Nothing that is known of them differs.");
  }
  const heads = sides.map(({ label }, place) =>
    make("th", { scope: "col" }, `${place + 1} `, make("span", { class: "side-label", dir: "auto" }, label)),
  );
  return make(
    "table",
    { class: "difference-table" },
    make("caption", { class: "unseen" }, "What differs"),
    make("thead", {}, make("tr", {}, make("td"), ...heads)),
    body,
  );
}

/** @param {string} name @param {(string | Node)[]} values */
function row(name, values) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    ...values.map((value) => make("td", { dir: "auto" }, value)),
  );
}

/**
 * A prompt with the words marked that the first one has not, and those that it has besides.
 * @param {string} first
 * @param {string} prompt
 * @param {number} place
 */
function marked(first, prompt, place) {
  const words = make("div", { class: "prompt" });
  if (!place) {
    words.append(prompt);
    return words;
  }
  for (const { text, is } of wordDifference(first, prompt)) {
    words.append(is === "same" ? text : make(is === "new" ? "ins" : "del", {}, text));
  }
  return words;
}
