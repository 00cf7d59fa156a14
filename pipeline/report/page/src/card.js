// @ts-check
// A card: one post, of which one clip is shown, and small switches to its other ratios and takes.

import { openDetail } from "./detail.js";
import { button, make } from "./dom.js";
import { letGo, picture } from "./media.js";
import { isFlagged, on, posts, published } from "./model.js";
import { judge } from "./verdicts.js";
import { brief, named, plain, SHORT_DATE, titled, VERDICT } from "./words.js";

const MOST_SWITCHES = 12; // clips of one card; of more there is only the number

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./model.js").Post} Post */
/** @typedef {{ shown: () => Entry[], choose: (post: string, task: string) => void }} Gallery what a card asks of it */

/** @typedef {{ variant: string, take: number, takes: number }} Place */
/** @type {WeakMap<Entry[], Map<Entry, Place>>} by the entries of a post */
let known = new WeakMap();
on("entries", () => {
  known = new WeakMap();
});

/**
 * Where a clip stands among those of its post: its ratio, or what else tells it apart, and its take.
 * @param {Entry} entry
 * @returns {Place}
 */
export function placeOf(entry) {
  const all = posts.get(entry.post) ?? [entry];
  const there = known.get(all) ?? placesOf(all);
  known.set(all, there);
  return there.get(entry) ?? { variant: "", take: 1, takes: 1 };
}

/**
 * @param {Entry[]} all of one post
 * @returns {Map<Entry, Place>}
 */
function placesOf(all) {
  const names = [...new Set(all.flatMap((entry) => Object.keys(entry.params)))].filter(
    (name) => name !== "seed" && new Set(all.map((entry) => plain(entry.params[name] ?? ""))).size > 1,
  );
  /** @type {Map<string, Entry[]>} */
  const alike = new Map();
  for (const entry of all) {
    const values = entry.values ? Object.values(entry.values) : names.map((name) => entry.params[name] ?? "");
    const variant = values.map(plain).join(" · ");
    alike.set(variant, [...(alike.get(variant) ?? []), entry]);
  }
  return new Map(
    [...alike].flatMap(([variant, takes]) =>
      takes.map((entry, place) => [entry, { variant, take: place + 1, takes: takes.length }]),
    ),
  );
}

/**
 * The name of a clip among those of its post; empty where it is the only one.
 * @param {Entry} entry
 */
export function clipName(entry) {
  const { variant, take, takes } = placeOf(entry);
  return [variant, takes > 1 ? `take ${take} of ${takes}` : ""].filter(Boolean).join(", ");
}

/** @param {Entry} entry */
export function heading(entry) {
  return entry.caption || titled(entry);
}

/**
 * When and where it is to be published.
 * @param {Entry} entry
 */
export function plan(entry) {
  const when = published(entry);
  const date = when ? [SHORT_DATE.format(when.date), when.time].filter(Boolean).join(" ") : "";
  const channel = entry.channel ?? plain(entry.meta.channel ?? "");
  return [date, channel, entry.campaign ?? plain(entry.meta.campaign ?? "")].filter(Boolean);
}

/**
 * One cell of the grid, kept as long as its post is near. Its words come first: a screen reader
 * says what is in the cell, in this order, and the style puts the picture above them.
 */
export class Card {
  #pictured = "";
  #worded = "";

  /**
   * @param {string} post
   * @param {Gallery} gallery
   */
  constructor(post, gallery) {
    this.post = post;
    this.gallery = gallery;
    this.stage = make("div", { class: "stage" });
    this.words = make("div", { class: "words" });
    this.element = make("div", { class: "card", role: "gridcell", tabindex: "-1" }, this.words, this.stage);
    this.element.dataset.post = post;
  }

  /**
   * Show a clip of the post: only what has changed is made again, so that a film plays on.
   * @param {Post} post as far as it matches
   * @param {Entry} entry
   */
  show(post, entry) {
    const pictured = [entry.task, entry.status, entry.sha256, entry.src, entry.poster, entry.missing].join(
      "\n",
    );
    if (pictured !== this.#pictured) {
      this.#pictured = pictured;
      letGo(this.stage);
      this.stage.replaceChildren(picture(entry, this.stage), this.#judging(entry));
    }
    const worded = [
      pictured,
      entry.verdict,
      entry.note,
      entry.at,
      entry.standing,
      entry.flags?.length,
      ...post.entries.map((each) => `${each.task} ${each.verdict}`),
    ].join("\n");
    if (worded !== this.#worded) {
      this.#worded = worded;
      const hadFocus = this.words.contains(document.activeElement);
      this.words.replaceChildren(...this.#lines(post, entry));
      this.element.className = ["card", entry.status, entry.verdict].filter(Boolean).join(" ");
      if (hadFocus) {
        this.element.focus({ preventScroll: true });
      }
    }
  }

  /** @param {Entry} entry */
  #judging(entry) {
    if (entry.status !== "succeeded" || !entry.sha256) {
      return "";
    }
    const word = (/** @type {"kept" | "rejected"} */ verdict, /** @type {string} */ label) =>
      button("", () => void judge([entry], { verdict: entry.verdict === verdict ? null : verdict }), {
        class: `word ${verdict}`,
        "aria-label": label,
        title: label,
        tabindex: "-1",
      });
    return make("div", { class: "judging" }, word("kept", "Keep"), word("rejected", "Reject"));
  }

  /**
   * @param {Post} post
   * @param {Entry} entry
   */
  #lines(post, entry) {
    const told = plan(entry);
    const title = button(brief(heading(entry), 300), () => openDetail(entry, this.gallery.shown()), {
      class: "title",
      dir: "auto",
      tabindex: "-1",
      "aria-haspopup": "dialog",
      title: heading(entry).length > 90 ? brief(heading(entry), 600) : null,
    });
    return [
      make(
        "p",
        { class: "plan", dir: "auto" },
        told.length ? told.join(" · ") : (entry.own_id ?? entry.file ?? ""),
      ),
      make("h3", {}, title),
      make(
        "p",
        { class: "line" },
        make("span", { class: "unseen" }, clipName(entry)),
        ...marks(entry),
        this.#switches(post, entry),
      ),
    ];
  }

  /**
   * @param {Post} post
   * @param {Entry} entry
   */
  #switches(post, entry) {
    if (post.entries.length < 2) {
      return "";
    }
    const number = make("span", { class: "of" }, `${post.entries.indexOf(entry) + 1}/${post.entries.length}`);
    if (post.entries.length > MOST_SWITCHES) {
      return make("span", { class: "switches many" }, number);
    }
    const here = placeOf(entry);
    const variants = [...new Set(post.entries.map((each) => placeOf(each).variant))];
    const takes = post.entries.filter((each) => placeOf(each).variant === here.variant);
    const to = (
      /** @type {Entry} */ other,
      /** @type {string} */ label,
      /** @type {string} */ spoken,
      verdict = other.verdict ?? "",
    ) =>
      button(label, () => this.gallery.choose(this.post, other.task), {
        class: `switch ${verdict}`,
        tabindex: "-1",
        "aria-label": spoken,
        "aria-pressed": String(other === entry),
      });
    const ratios = variants.map((variant) => {
      const there = post.entries.filter((each) => placeOf(each).variant === variant);
      const other = there.find((each) => placeOf(each).take === here.take) ?? there[0] ?? entry;
      return to(
        variant === here.variant ? entry : other,
        brief(variant, 14),
        variant,
        takes.length > 1 ? "" : undefined,
      );
    });
    const numbers = takes.map((each) => to(each, String(placeOf(each).take), `Take ${placeOf(each).take}`));
    return make(
      "span",
      { class: "switches" },
      number,
      variants.length > 1 ? make("span", { role: "group", "aria-label": "Other ratios" }, ...ratios) : "",
      takes.length > 1 ? make("span", { role: "group", "aria-label": "Takes" }, ...numbers) : "",
    );
  }

  /** Before the card leaves the page. */
  release() {
    letGo(this.element);
    this.#pictured = "";
  }
}

/**
 * @param {Entry} entry
 * @returns {(Node | string)[]}
 */
function marks(entry) {
  const mark = (/** @type {string} */ kind, /** @type {string} */ text, /** @type {string} */ title = "") =>
    make("span", { class: `mark ${kind}`, title: title || null }, text);
  return [
    entry.verdict ? mark(entry.verdict, VERDICT[entry.verdict] ?? "", entry.by ? `by ${entry.by}` : "") : "",
    entry.note ? mark("note", "Note", brief(entry.note, 600)) : "",
    isFlagged(entry) ? mark("flag", "Not as expected", entry.flags?.join("; ")) : "",
    entry.standing ? mark("standing", named(entry.standing)) : "",
  ];
}
