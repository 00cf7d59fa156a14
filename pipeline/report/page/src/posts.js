// @ts-check
// A post as the calendar shows it: its still, channel, time and words, and what became of it.

import { make } from "./dom.js";
import { said } from "./ics.js";
import { entries as ALL, natural } from "./model.js";
import { brief, number, STATUS, titled, VERDICT } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/**
 * The ratios and takes of a post that go out together.
 * @typedef {{ entries: Entry[], day: string, time: string, channel: string }} Item
 */

const COLOURS = 8;
/** @type {Record<string, string>} */
const LETTERS = {
  facebook: "FB",
  instagram: "IG",
  linkedin: "LI",
  pinterest: "PI",
  snapchat: "SC",
  threads: "TH",
  tiktok: "TT",
  twitter: "TW",
  vimeo: "VI",
  x: "X",
  youtube: "YT",
};
/** @type {Record<string, string>} what stands for a clip that has no still */
const SYMBOL = { video: "▶", image: "▣", audio: "♪" };

/** @type {Record<string, string>} */
const SIGN = { kept: "✓", rejected: "✕" };

/** The channels of the job, in the order that their colours have. */
function channels() {
  return [...new Set(ALL.map((entry) => said(entry, "channel")))].filter(Boolean).sort(natural);
}

/** @param {string} channel */
function letters(channel) {
  const [first = "", second = ""] = channel.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const made = second ? [...first].slice(0, 1).concat([...second].slice(0, 1)) : [...first].slice(0, 2);
  return LETTERS[channel.toLowerCase()] ?? (made.join("").toUpperCase() || "?");
}

/** @type {{ count: number, places: Map<string, number> }} */
let known = { count: -1, places: new Map() };

/** @param {string} channel */
function placeOf(channel) {
  if (known.count !== ALL.length || !known.places.has(channel)) {
    known = { count: ALL.length, places: new Map(channels().map((name, place) => [name, place])) };
  }
  return known.places.get(channel) ?? 0;
}

/**
 * A channel by its letters and a colour of its own: never by colour alone.
 * @param {string} channel
 */
export function channelMark(channel) {
  return make(
    "span",
    { class: `channel channel-${placeOf(channel) % COLOURS}`, title: channel },
    make("span", { "aria-hidden": "true" }, letters(channel)),
    make("span", { class: "unseen" }, `${channel}: `),
  );
}

/** What the letters stand for. */
export function marks() {
  const names = channels();
  return names.length
    ? make(
        "ul",
        { class: "channels", role: "list", "aria-label": "Channels" },
        ...names
          .slice(0, 16)
          .map((name) =>
            make(
              "li",
              { dir: "auto" },
              channelMark(name),
              make("span", { "aria-hidden": "true" }, brief(name, 30)),
            ),
          ),
      )
    : null;
}

/**
 * @param {Item} found
 * @param {() => void} pressed
 */
export function item(found, pressed) {
  const lead = found.entries.find((entry) => entry.status === "succeeded") ?? found.entries[0];
  const { state, word } = standing(found.entries);
  const element = make(
    "button",
    { type: "button", class: `event ${state}`, "aria-haspopup": "dialog" },
    still(lead),
  );
  element.addEventListener("click", pressed);
  const label = make("span", { class: "label" });
  if (found.channel) {
    label.append(channelMark(found.channel));
  }
  if (found.time) {
    label.append(make("span", { class: "time" }, `${found.time} `));
  }
  const sign = SIGN[state];
  if (sign) {
    label.append(
      make("strong", { "aria-hidden": "true", title: word }, `${sign} `),
      make("span", { class: "unseen" }, word),
    );
  } else if (word) {
    label.append(make("strong", {}, word));
  }
  label.append(make("span", { dir: "auto", class: "title" }, brief(headline(lead), 90)));
  if (found.entries.length > 1) {
    label.append(
      make(
        "span",
        { class: "many", title: "Ratios and takes of this post" },
        ` ×${number(found.entries.length)}`,
      ),
    );
  }
  element.append(label);
  return make("li", {}, element);
}

/** @param {Entry | undefined} entry */
function headline(entry) {
  return entry ? said(entry, "caption").split("\n", 1)[0] || titled(entry) : "";
}

/** @param {Entry | undefined} entry */
function still(entry) {
  const thumb = make("span", { class: "thumb" });
  const poster = entry?.poster ?? (entry?.kind === "image" && !entry.missing ? entry.src : undefined);
  if (entry?.status === "succeeded" && poster) {
    const image = make("img", { alt: "", loading: "lazy", decoding: "async", src: poster });
    image.addEventListener("error", () => image.replaceWith(placeholder(entry)));
    thumb.append(image);
  } else {
    thumb.append(placeholder(entry));
  }
  return thumb;
}

/** @param {Entry | undefined} entry */
function placeholder(entry) {
  const symbol = entry?.status === "succeeded" ? (SYMBOL[entry.kind ?? ""] ?? "▤") : "";
  return make("span", { class: `no-still ${entry?.status ?? ""}`, "aria-hidden": "true" }, symbol);
}

/**
 * How a post stands, in a word and a class: what a person has said, or what is not there yet.
 * @param {Entry[]} entries
 */
function standing(entries) {
  const done = entries.filter((entry) => entry.status === "succeeded");
  for (const status of /** @type {const} */ (["failed", "in_doubt", "pending"])) {
    const count = entries.filter((entry) => entry.status === status).length;
    if (count) {
      const of = entries.length > 1 ? ` ${number(count)} of ${number(entries.length)}` : "";
      return { state: status, word: `${STATUS[status]}${of}: ` };
    }
  }
  if (done.some((entry) => entry.verdict === "kept")) {
    return { state: "kept", word: `${VERDICT.kept} ` };
  }
  return done.length && done.every((entry) => entry.verdict === "rejected")
    ? { state: "rejected", word: `${VERDICT.rejected} ` }
    : { state: "succeeded", word: "" };
}
