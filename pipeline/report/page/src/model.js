// @ts-check
// The entries, what is asked of them, and the address that says it: a link opens the same view.
// What changes tells those who listen; nothing here touches the document.

import { readMoment } from "./dates.js";
import { data } from "./dom.js";
import { LOCALE, plain, titled } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Said} Said */
/** @typedef {import("./types").JobData} JobData */
/**
 * What a card stands for: all ratios and takes of one prompt that match, and the first of them.
 * @typedef {{ post: string, entries: Entry[], lead: Entry }} Post
 */
/** @typedef {{ key: string, field: "meta" | "params", name: string, values: string[] }} Facet */
/** @typedef {{ asked: null, entries: Set<string>, said: Set<string> }} Topics */

const MOST_CHOICES = 24;
const MOST_FACETS = 8;
const SINGLE = /** @type {const} */ ([
  "view",
  "q",
  "status",
  "verdict",
  "sort",
  "day",
  "post",
  "task",
  "density",
  "chosen",
  "period",
]);

/** @type {JobData | null} */
export const job = data("job");

/** @type {Entry[]} */
export const entries = [];
/** @type {Map<string, Entry>} */
export const byTask = new Map();
/** @type {Map<string, Entry[]>} all entries of a post, in the order of the job */
export const posts = new Map();
/** @type {Facet[]} */
export const facets = [];

/** What is asked for: empty texts ask for nothing. `chosen` is the number of a night. */
export const asked = {
  ...singles(),
  /** @type {Map<Facet, string>} */
  facets: new Map(),
};

/** @returns {Record<(typeof SINGLE)[number], string>} */
function singles() {
  return /** @type {any} */ (Object.fromEntries(SINGLE.map((name) => [name, ""])));
}

/** @type {Map<keyof Topics, Set<(told: any) => void>>} */
const listeners = new Map();

/**
 * Have `told` called when something changes: `asked` with null, `entries` and `said` with the tasks.
 * @template {keyof Topics} T
 * @param {T} topic
 * @param {(told: Topics[T]) => void} listener
 */
export function on(topic, listener) {
  const there = listeners.get(topic) ?? new Set();
  listeners.set(topic, there.add(listener));
}

/**
 * @template {keyof Topics} T
 * @param {T} topic
 * @param {Topics[T]} told
 */
function emit(topic, told) {
  for (const listener of listeners.get(topic) ?? []) {
    listener(told);
  }
}

/** @type {Map<string, number>} by task, how many words of this page are on their way to the server */
const held = new Map();

/**
 * Until its own last word on a clip is answered, the page takes none of the server's: that would be an
 * earlier one, and a card that has left "Not seen" would come back for a moment.
 * @param {string[]} tasks
 * @param {1 | -1} by a word more, or one that is answered
 */
export function hold(tasks, by) {
  for (const task of tasks) {
    const left = (held.get(task) ?? 0) + by;
    if (left > 0) {
      held.set(task, left);
    } else {
      held.delete(task);
    }
  }
}

/**
 * Take in entries: new ones at the end, known ones in their place.
 * @param {Partial<Entry>[]} given
 */
export function merge(given) {
  /** @type {Set<string>} */
  const changed = new Set();
  for (const each of given) {
    const entry = /** @type {Entry} */ ({ attempts: 1, params: {}, meta: {}, ...each });
    entry.post ??= entry.group;
    const known = byTask.get(entry.task);
    if (known && held.has(entry.task) && known.sha256 === entry.sha256) {
      Object.assign(entry, { verdict: known.verdict, note: known.note, by: known.by, at: known.at });
    }
    if (known) {
      entries[entries.indexOf(known)] = entry;
    } else {
      entries.push(entry);
    }
    byTask.set(entry.task, entry);
    const group = posts.get(entry.post) ?? [];
    const place = known ? group.indexOf(known) : -1;
    group[place < 0 ? group.length : place] = entry;
    posts.set(entry.post, group);
    changed.add(entry.task);
  }
  // One that is asked for is known by its object.
  const found = [...choices("meta", 8), ...choices("params", 8)].slice(0, MOST_FACETS);
  const known = new Map(facets.map((facet) => [facet.key, facet]));
  facets.splice(0, facets.length, ...found.map((facet) => Object.assign(known.get(facet.key) ?? {}, facet)));
  if (changed.size) {
    emit("entries", changed);
  }
}

/**
 * Take in all entries, in their order: what is not among them is gone. Where nothing has changed, nothing
 * is told, so that what is shown stays as it is.
 * @param {Entry[]} given
 */
export function replaceAll(given) {
  const there = new Set(given.map((entry) => entry.task));
  const gone = entries.filter((entry) => !there.has(entry.task)).map((entry) => entry.task);
  const news = given.filter((entry) => differs(entry, byTask.get(entry.task)));
  const order = given.map((entry) => entry.task).join("\n") !== entries.map((entry) => entry.task).join("\n");
  if (!gone.length && !news.length && !order) {
    return;
  }
  const shapes = new Map(entries.map((entry) => [entry.task, entry.shape]));
  entries.length = 0;
  byTask.clear();
  posts.clear();
  if (given.length) {
    merge(given.map((entry) => ({ shape: shapes.get(entry.task), ...entry })));
  } else {
    emit("entries", new Set(gone));
  }
}

/**
 * Whether an entry tells something else than what is known; fields that the page has made are left out.
 * @param {Entry} entry
 * @param {Entry} [known]
 */
export function differs(entry, known) {
  return !known || written(entry) !== written(known);
}

/** @param {Entry} entry */
function written(entry) {
  const told = Object.entries(entry).filter(
    ([name, value]) => name !== "shape" && name !== "text" && value !== undefined,
  );
  return JSON.stringify(told.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Take in what people said: it holds for the clip that it names, and of two words the later one.
 * @param {Said[]} words
 * @param {boolean} isOwn whether they are said at this page
 */
export function take(words, isOwn = false) {
  /** @type {Set<string>} */
  const changed = new Set();
  for (const word of words) {
    const entry = isOwn || !held.has(word.task) ? byTask.get(word.task) : undefined;
    if (entry && entry.sha256 === word.sha256 && !(entry.at && Date.parse(entry.at) > Date.parse(word.at))) {
      entry.verdict = word.verdict ?? undefined;
      entry.note = word.note ?? undefined;
      entry.by = word.by ?? undefined;
      entry.at = word.at;
      entry.said_by_row = undefined;
      entry.text = undefined;
      changed.add(word.task);
    }
  }
  if (changed.size) {
    emit("said", changed);
  }
}

/**
 * Ask for something else, and say so in the address.
 * @param {Partial<Record<(typeof SINGLE)[number], string>>} changes
 */
export function ask(changes) {
  Object.assign(asked, changes);
  writeAddress();
  emit("asked", null);
}

/** Whether something is looked for. */
export function isFiltered() {
  return (
    asked.facets.size > 0 ||
    ["q", "status", "verdict", "day", "post"].some((name) => asked[/** @type {"q"} */ (name)])
  );
}

/** Look for nothing any more. */
export function clearFilters() {
  asked.facets.clear();
  ask({ q: "", status: "", verdict: "", day: "", post: "" });
}

/**
 * Look for a value of a facet, or for any where it is empty.
 * @param {Facet} facet
 * @param {string} value
 */
export function askFacet(facet, value) {
  if (value) {
    asked.facets.set(facet, value);
  } else {
    asked.facets.delete(facet);
  }
  ask({});
}

/**
 * A field is worth a filter when few values tell the entries apart.
 * @param {"meta" | "params"} field
 * @param {number} fewest
 * @returns {Facet[]}
 */
function choices(field, fewest) {
  /** @type {Map<string, Set<string>>} */
  const values = new Map();
  for (const entry of entries) {
    for (const [name, value] of Object.entries(entry[field])) {
      const there = values.get(name) ?? new Set();
      values.set(name, there.add(plain(value)));
    }
  }
  const telling = [...values].filter(
    ([name, distinct]) =>
      name !== "publish" &&
      distinct.size > 1 &&
      distinct.size <= MOST_CHOICES &&
      (distinct.size <= fewest || distinct.size <= entries.length / 3) &&
      [...distinct].every((value) => value.length <= 60),
  );
  return telling.map(([name, distinct]) => ({
    key: `${field}.${name}`,
    field,
    name,
    values: [...distinct].sort(natural),
  }));
}

/** @type {(one: string, other: string) => number} */
export const natural = new Intl.Collator(LOCALE, { numeric: true }).compare;

/**
 * When an entry is to be published; null where it has no date that can be read.
 * @param {Entry} entry
 */
export function published(entry) {
  const when = readMoment(String(entry.publish ?? entry.meta.publish ?? ""));
  return when && { day: when.day, month: when.month, time: when.clock.slice(0, 5), date: when.date };
}

/** @param {Entry} entry */
function text(entry) {
  entry.text ??= [
    entry.prompt,
    entry.task,
    entry.file,
    entry.name,
    entry.error,
    entry.model,
    entry.request_id,
    entry.note,
    entry.caption,
    entry.channel,
    entry.campaign,
    ...Object.values(entry.meta).map(plain),
    ...Object.values(entry.params).map(plain),
  ]
    .join("\n")
    .toLowerCase();
  return entry.text;
}

/** @type {Record<string, (entry: Entry) => boolean>} */
const SPECIAL = { missing: isMissing, flagged: isFlagged };

/** Make the test that says of an entry whether it is asked for. */
function matching() {
  const { q, status, verdict, day, post } = asked;
  const words = q.toLowerCase().split(/\s+/);
  const wanted = [...asked.facets];
  return (/** @type {Entry} */ entry) =>
    (!status || (SPECIAL[status]?.(entry) ?? entry.status === status)) &&
    (!verdict || (verdict === "none" ? isUnseen(entry) : entry.verdict === verdict)) &&
    (!day || published(entry)?.day === day) &&
    (!post || entry.post === post) &&
    wanted.every(
      ([facet, value]) => facet.name in entry[facet.field] && plain(entry[facet.field][facet.name]) === value,
    ) &&
    words.every((word) => text(entry).includes(word));
}

/** @param {Entry} entry */
export function isFlagged(entry) {
  return Boolean(entry.flags?.length);
}

/** @param {Entry} entry */
export function isMissing(entry) {
  return entry.status === "succeeded" && Boolean(entry.missing);
}

/**
 * Whether there is a clip of which nobody has said anything.
 * @param {Entry} entry
 */
export function isUnseen(entry) {
  return entry.status === "succeeded" && !entry.missing && !entry.verdict;
}

/** How far the clips have been looked through. */
export function progress() {
  const there = entries.filter((entry) => entry.status === "succeeded" && !entry.missing);
  const count = (/** @type {string} */ verdict) => there.filter((entry) => entry.verdict === verdict).length;
  const [kept, rejected] = [count("kept"), count("rejected")];
  return { clips: there.length, seen: kept + rejected, kept, rejected };
}

/** @type {Record<string, [string, ((one: Entry, other: Entry) => number) | null]>} */
export const ORDERS = {
  "": ["Job order", null],
  publish: ["By date", (one, other) => natural(dated(one), dated(other))],
  newest: ["Newest first", (one, other) => natural(other.finished_at ?? "", one.finished_at ?? "")],
  slowest: ["Slowest first", (one, other) => (other.duration_s ?? -1) - (one.duration_s ?? -1)],
  prompt: ["By prompt", (one, other) => natural(titled(one), titled(other))],
};

/** @param {Entry} entry */
function dated(entry) {
  const when = published(entry);
  return when ? `${when.day} ${when.time}` : "9999";
}

/** The entries that match, in the order asked for. */
export function selected() {
  const found = entries.filter(matching());
  const order = ORDERS[asked.sort]?.[1];
  return order ? found.sort(order) : found;
}

/**
 * Put the ratios and takes of each prompt together, in the order of the first of them.
 * @param {Entry[]} found
 * @returns {Post[]}
 */
export function grouped(found) {
  /** @type {Map<string, Post>} */
  const there = new Map();
  for (const entry of found) {
    const post = there.get(entry.post);
    if (post) {
      post.entries.push(entry);
    } else {
      there.set(entry.post, { post: entry.post, entries: [entry], lead: entry });
    }
  }
  return [...there.values()];
}

export function readAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  for (const name of SINGLE) {
    asked[name] = said.get(name) ?? "";
  }
  asked.sort = asked.sort in ORDERS ? asked.sort : "";
  asked.facets.clear();
  for (const facet of facets) {
    const value = said.get(facet.key);
    if (value !== null && facet.values.includes(value)) {
      asked.facets.set(facet, value);
    }
  }
}

function writeAddress() {
  const said = new URLSearchParams();
  for (const name of SINGLE) {
    if (asked[name]) {
      said.set(name, asked[name]);
    }
  }
  for (const [facet, value] of asked.facets) {
    said.set(facet.key, value);
  }
  const hash = String(said);
  try {
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  } catch {
    // Safari refuses more than a hundred in half a minute: then the address is behind for a while.
  }
}

merge(data("entries") ?? []);
