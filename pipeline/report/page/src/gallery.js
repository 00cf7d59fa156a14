// @ts-check
// The clips: a grid of equal cells, of which only the rows near the screen are in the document.

import { Card } from "./card.js";
import { openDetail } from "./detail.js";
import { button, find, make, remembered } from "./dom.js";
import { ratio, stopPlaying } from "./media.js";
import { asked, grouped } from "./model.js";
import { openReel } from "./reel.js";
import { number } from "./words.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./model.js").Post} Post */
/** @typedef {{ label: string, cell: number, gap: number, words: number }} Density widths and heights in CSS pixels */

/** @type {Record<string, Density>} */
export const DENSITIES = {
  large: { label: "Large", cell: 380, gap: 18, words: 98 },
  medium: { label: "Medium", cell: 250, gap: 14, words: 92 },
  grid: { label: "Culling grid", cell: 168, gap: 8, words: 28 },
};
const SHAPES = [16 / 9, 1, 3 / 4];
const AHEAD = 0.75; // screens of rows that are kept ready above and below

const grid = find("#gallery .clips");
const nothing = find("#gallery .empty");

/** @type {Entry[]} */
let found = [];
/** @type {Post[]} */
let list = [];
/** @type {Map<string, number>} */
let places = new Map();
/** @type {Map<string, string>} which clip of a post is shown */
const chosen = new Map();
/** @type {Map<string, Card>} */
const cards = new Map();
/** @type {Map<number, HTMLElement>} */
const rows = new Map();
/** @type {Set<string>} the posts that are selected, beside the current one */
const selection = new Set();
let anchor = "";
let current = "";
let columns = 1;
let rowHeight = 300;
let isShown = false;
let isPrinting = false;
let scrolledTo = 0;
let frame = 0;

const shape = { columns: 0, density: "", aspect: 0, width: 0 };

function density() {
  return asked.density in DENSITIES
    ? asked.density
    : remembered("density") in DENSITIES
      ? remembered("density")
      : "medium";
}

/** @param {Entry[]} entries */
function showGallery(entries) {
  const wasShown = isShown;
  const hadFocus = isInGrid();
  isShown = true;
  found = entries;
  const before = list;
  list = grouped(entries);
  const was = places.get(current) ?? -1;
  places = new Map(list.map((post, place) => [post.post, place]));
  if (was >= 0 && !places.has(current)) {
    current = nearest(before, was);
  }
  for (const post of selection) {
    if (!places.has(post)) {
      selection.delete(post);
    }
  }
  nothing.hidden = list.length > 0;
  grid.hidden = list.length === 0;
  measure();
  draw(true);
  if (!wasShown && scrolledTo) {
    scrollTo({ top: scrolledTo, behavior: "instant" });
    draw(false);
  }
  if (hadFocus && !isInGrid()) {
    cards.get(current)?.element.focus({ preventScroll: true });
  }
  showSelection();
}

/**
 * The card that takes the place of one that is gone: the next one that is there, otherwise the one before.
 * A word said here or by someone else takes cards away from "Not seen", and nobody starts over for that.
 * @param {Post[]} before
 * @param {number} was
 */
function nearest(before, was) {
  const isThere = (/** @type {Post} */ { post }) => places.has(post);
  return (before.slice(was).find(isThere) ?? before.slice(0, was).findLast(isThere))?.post ?? "";
}

function hideGallery() {
  scrolledTo = scrollY;
  isShown = false;
  stopPlaying();
}

/** Most clips decide the shape of all cells: the others are letterboxed. */
function aspect() {
  const some = list
    .slice(0, 200)
    .map((post) => ratio(post.lead) || 16 / 9)
    .sort((one, other) => one - other);
  const middle = some[some.length >> 1] ?? 16 / 9;
  return SHAPES.find((each) => middle >= each * 0.99) ?? 3 / 4;
}

function measure() {
  const style = DENSITIES[density()] ?? DENSITIES.medium;
  const width = grid.clientWidth;
  if (!style || !width) {
    return;
  }
  const tall = aspect();
  const cell = tall < 1 ? style.cell * 0.72 : style.cell;
  columns = Math.max(1, Math.floor((width + style.gap) / (cell + style.gap)));
  const stage = (width - style.gap * (columns - 1)) / columns / tall;
  rowHeight = Math.round(stage + style.words + style.gap);
  if (
    shape.columns !== columns ||
    shape.density !== density() ||
    shape.aspect !== tall ||
    shape.width !== width
  ) {
    if (shape.columns !== columns || shape.density !== density()) {
      for (const card of cards.values()) {
        card.release(); // its still is drawn for the size that it had
      }
      cards.clear();
    }
    Object.assign(shape, { columns, density: density(), aspect: tall, width });
    grid.dataset.density = density();
    grid.style.setProperty("--columns", String(columns));
    grid.style.setProperty("--gap", `${style.gap}px`);
    grid.style.setProperty("--words", `${style.words}px`);
    grid.style.setProperty("--stage-height", `${stage.toFixed(2)}px`);
    grid.style.setProperty("--row", `${rowHeight}px`);
    grid.ariaColCount = String(columns);
    for (const row of rows.values()) {
      row.remove();
    }
    rows.clear();
  }
  const count = Math.ceil(list.length / columns);
  grid.ariaRowCount = String(count);
  grid.style.setProperty("height", `${count * rowHeight}px`);
}

/** The numbers of the rows that are to be in the document. */
function wanted() {
  const count = Math.ceil(list.length / columns);
  const { top } = grid.getBoundingClientRect();
  const ahead = innerHeight * AHEAD;
  const first = isPrinting ? 0 : Math.max(0, Math.floor((-top - ahead) / rowHeight));
  const last = isPrinting
    ? count - 1
    : Math.min(count - 1, Math.floor((innerHeight - top + ahead) / rowHeight));
  const needed = new Set();
  for (let row = first; row <= last; row += 1) {
    needed.add(row);
  }
  const place = places.get(current);
  if (place !== undefined) {
    needed.add(Math.floor(place / columns)); // it holds the focus, or is where Tab enters
  }
  return needed;
}

/** @param {boolean} isChanged whether entries may have changed, not only the place */
function draw(isChanged) {
  if (!places.has(current)) {
    current = list[0]?.post ?? "";
  }
  const needed = wanted();
  for (const [place, row] of rows) {
    if (!needed.has(place)) {
      row.remove();
      rows.delete(place);
    }
  }
  const there = new Set();
  for (const place of [...needed].sort((one, other) => one - other)) {
    const known = rows.get(place);
    const row = known ?? makeRow(place);
    if (!known || isChanged) {
      fillRow(row, place);
    }
    for (const post of list.slice(place * columns, (place + 1) * columns)) {
      there.add(post.post);
    }
  }
  for (const [post, card] of cards) {
    if (!there.has(post)) {
      card.release();
      cards.delete(post);
    }
  }
}

/** @param {number} place */
function makeRow(place) {
  const row = make("div", { class: "row", role: "row", "aria-rowindex": place + 1 });
  row.style.setProperty("top", `${place * rowHeight}px`);
  const next = [...rows.keys()].filter((each) => each > place);
  const before = next.length ? rows.get(Math.min(...next)) : null;
  grid.insertBefore(row, before ?? null);
  rows.set(place, row);
  return row;
}

/**
 * @param {HTMLElement} row
 * @param {number} place
 */
function fillRow(row, place) {
  const here = list.slice(place * columns, (place + 1) * columns).map((post) => {
    const card = cards.get(post.post) ?? new Card(post.post, { shown: () => clipsInOrder(), choose });
    cards.set(post.post, card);
    card.show(post, clipOf(post));
    reach(card, post.post === current);
    card.element.ariaSelected = String(selection.has(post.post));
    return card.element;
  });
  here.forEach((element, column) => {
    element.ariaColIndex = String(column + 1);
  });
  if (
    here.length !== row.children.length ||
    here.some((element, column) => row.children[column] !== element)
  ) {
    row.replaceChildren(...here);
  }
}

/**
 * Only the current card, and what can be pressed in it, are stops of the Tab key.
 * @param {Card} card
 * @param {boolean} isCurrent
 */
function reach(card, isCurrent) {
  card.element.classList.toggle("current", isCurrent);
  card.element.tabIndex = isCurrent ? 0 : -1;
  for (const each of card.element.querySelectorAll("button")) {
    each.tabIndex = isCurrent ? 0 : -1;
  }
}

/** @param {Post} post */
function clipOf(post) {
  return post.entries.find((each) => each.task === chosen.get(post.post)) ?? post.lead;
}

/** All clips that match, card by card. */
export function clipsInOrder() {
  return list.flatMap((post) => post.entries);
}

/** @param {string} post @param {string} task */
function choose(post, task) {
  chosen.set(post, task);
  current = post;
  draw(true);
}

function isInGrid() {
  return grid.contains(document.activeElement);
}

/** Whether keys are about a card: one has the focus, or nothing else has. */
export function isReady() {
  return (
    isShown &&
    list.length > 0 &&
    (isInGrid() || document.activeElement === document.body || document.activeElement === find("#work"))
  );
}

/** The clip that the current card shows. */
export function currentClip() {
  const post = list[places.get(current) ?? -1];
  return isShown && post ? clipOf(post) : null;
}

/** The clips that keys are about: of the selected cards, otherwise of the current one. */
export function clipsMeant() {
  const meant = list.filter((post) => selection.has(post.post)).map(clipOf);
  const alone = currentClip();
  return meant.length ? meant : alone ? [alone] : [];
}

/** Put the focus on the current card; return whether it was there, or nowhere else, before. */
export function enterGrid() {
  const wasThere = isInGrid();
  if (isShown && list.length) {
    focusPlace(places.get(current) ?? 0);
  }
  return wasThere;
}

/** The card that has the focus. */
export function currentCard() {
  return isShown ? cards.get(current)?.element : undefined;
}

/** @param {number} place */
function focusPlace(place) {
  const to = Math.min(Math.max(place, 0), list.length - 1);
  current = list[to]?.post ?? "";
  draw(false);
  for (const [post, card] of cards) {
    reach(card, post === current);
  }
  const card = cards.get(current);
  if (card) {
    const { top, bottom } = card.element.getBoundingClientRect();
    const head = find("#toolbar").getBoundingClientRect().bottom;
    const from = getComputedStyle(find("#toolbar")).position === "sticky" ? Math.max(head, 0) : 0;
    if (to < columns && top + scrollY + card.element.offsetHeight <= innerHeight) {
      scrollTo({ top: 0, behavior: "instant" });
    } else if (top < from + 4) {
      scrollBy({ top: top - from - 12, behavior: "instant" });
    } else if (bottom > innerHeight - 4) {
      scrollBy({ top: bottom - innerHeight + 12, behavior: "instant" });
    }
    draw(false);
    card.element.focus({ preventScroll: true });
  }
}

/**
 * Move the focus by cards and rows.
 * @param {{ columns?: number, rows?: number, screens?: number, end?: -1 | 1 }} by
 * @param {boolean} isSelecting
 */
export function move(by, isSelecting = false) {
  const from = places.get(current) ?? 0;
  if (!isInGrid() && !isSelecting && by.end === undefined) {
    focusPlace(from);
    return;
  }
  const page = Math.max(1, Math.floor((innerHeight - 140) / rowHeight));
  const step = (by.columns ?? 0) + ((by.rows ?? 0) + (by.screens ?? 0) * page) * columns;
  const to = by.end ? (by.end < 0 ? 0 : list.length - 1) : from + step;
  if (!by.screens && (to < 0 || to >= list.length)) {
    // From the row before the last one down: to the last card, where there is one below.
    if (!(step > 0 && Math.floor((list.length - 1) / columns) > Math.floor(from / columns))) {
      return;
    }
  }
  if (isSelecting) {
    anchor ||= current;
  } else {
    anchor = "";
  }
  focusPlace(to);
  if (isSelecting) {
    selectTo(current);
  }
}

/**
 * Show another clip of the current card.
 * @param {number} by
 * @param {number} nth counted from one, where it is a certain one
 */
export function changeClip(by, nth = 0) {
  const post = list[places.get(current) ?? -1];
  const place = post ? (nth ? nth - 1 : post.entries.indexOf(clipOf(post)) + by) : -1;
  const entry = post?.entries[place];
  if (post && entry) {
    choose(post.post, entry.task);
    focusPlace(places.get(current) ?? 0);
  }
  return entry ?? null;
}

/**
 * Where to go after a verdict: the next clip of the card of which nothing is said, otherwise the next
 * card. To be asked before the verdict, as that may take the card away.
 * @returns {() => Entry | null}
 */
export function onwards() {
  const place = places.get(current) ?? 0;
  const post = list[place];
  const here = post && clipOf(post);
  const left = post?.entries.find(
    (each, number) =>
      number > post.entries.indexOf(here ?? post.lead) && !each.verdict && each.status === "succeeded",
  );
  const next = list[place + 1]?.post;
  return () => {
    if (left && places.has(current) && list[places.get(current) ?? -1]?.entries.includes(left)) {
      chosen.set(current, left.task);
      draw(true);
      focusPlace(places.get(current) ?? 0);
    } else if (next) {
      focusPlace(places.get(next) ?? place);
    } else {
      focusPlace(place);
    }
    return currentClip();
  };
}

/**
 * Bring the card of a clip onto the screen, and show that clip.
 * @param {Entry} entry
 */
export function goTo(entry) {
  if (places.has(entry.post)) {
    chosen.set(entry.post, entry.task);
    current = entry.post;
    draw(true);
    focusPlace(places.get(entry.post) ?? 0);
  }
}

/** @param {string} post */
function selectTo(post) {
  const [one, other] = [places.get(anchor) ?? 0, places.get(post) ?? 0];
  selection.clear();
  for (const each of list.slice(Math.min(one, other), Math.max(one, other) + 1)) {
    selection.add(each.post);
  }
  draw(true);
  showSelection();
}

/** @returns {boolean} whether something was selected */
export function clearSelection() {
  const some = selection.size > 0;
  selection.clear();
  anchor = "";
  if (some) {
    draw(true);
    showSelection();
  }
  return some;
}

/** How many cards are selected. */
export function selectedCount() {
  return selection.size;
}

/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {() => void} told when the selection changes */
export function onSelection(told) {
  watchers.add(told);
}

function showSelection() {
  grid.classList.toggle("selecting", selection.size > 0);
  for (const told of watchers) {
    told();
  }
}

grid.addEventListener("pointerdown", (event) => {
  const card = event.target instanceof Element ? event.target.closest(".card") : null;
  const post = card instanceof HTMLElement ? card.dataset.post : undefined;
  if (post === undefined || (event.pointerType !== "mouse" && event.pointerType !== "pen")) {
    return;
  }
  if (event.shiftKey || event.ctrlKey || event.metaKey) {
    event.preventDefault();
    anchor = event.shiftKey ? anchor || current : post;
    if (!event.shiftKey) {
      if (!selection.size && current !== post && isInGrid()) {
        selection.add(current);
      }
      selection[selection.has(post) ? "delete" : "add"](post);
    }
    focusPlace(places.get(post) ?? 0);
    if (event.shiftKey) {
      selectTo(post);
    }
    draw(true);
    showSelection();
  }
});

// A click that selected is not one that plays or opens.
grid.addEventListener(
  "click",
  (event) => {
    if ((event.shiftKey || event.ctrlKey || event.metaKey) && event.detail > 0) {
      event.stopPropagation();
      event.preventDefault();
    }
  },
  { capture: true },
);

grid.addEventListener("focusin", (event) => {
  const card = event.target instanceof Element ? event.target.closest(".card") : null;
  if (card instanceof HTMLElement && card.dataset.post && card.dataset.post !== current) {
    current = card.dataset.post;
    for (const [post, each] of cards) {
      reach(each, post === current);
    }
  }
});

grid.addEventListener("click", (event) => {
  const card = event.target instanceof Element ? event.target.closest(".card") : null;
  if (
    card instanceof HTMLElement &&
    !(event.target instanceof Element && event.target.closest("button, video, audio"))
  ) {
    card.focus({ preventScroll: true });
  }
});

grid.addEventListener("dblclick", (event) => {
  const clip = currentClip();
  if (clip && !(event.target instanceof Element && event.target.closest(".words button, .judging"))) {
    openDetail(clip, clipsInOrder());
  }
});

function later() {
  if (isShown && !frame) {
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw(false);
    });
  }
}

addEventListener("scroll", later, { passive: true });
addEventListener("resize", later);

new ResizeObserver(() => {
  if (isShown && grid.clientWidth !== shape.width) {
    measure();
    draw(true);
  }
}).observe(grid);

/** On paper all clips are there: a contact sheet. @param {boolean} printing */
function setPrinting(printing) {
  if (isShown && printing !== isPrinting) {
    isPrinting = printing;
    draw(true);
  }
}

addEventListener("beforeprint", () => setPrinting(true));
addEventListener("afterprint", () => setPrinting(false));
matchMedia("print").addEventListener("change", ({ matches }) => setPrinting(matches));

/** The button that plays what is shown, one clip after the other. */
export function reelButton() {
  return button("Reel", () => playReel(), {
    class: "quiet",
    title: "Play what is shown, one after the other (v)",
  });
}

/** Play what is selected, otherwise all that is shown. */
export function playReel() {
  const meant = selection.size ? clipsMeant() : found;
  const clips = meant.filter((entry) => entry.status === "succeeded" && !entry.missing);
  if (clips.length) {
    stopPlaying();
    openReel(clips);
  }
}

/** What the selection is called, for the row that says it. */
export function selectionWords() {
  return `${number(selection.size)} ${selection.size === 1 ? "card" : "cards"} selected`;
}

/** @type {import("./views.js").View} */
export const gallery = { name: "gallery", label: "Clips", show: showGallery, hide: hideGallery };
