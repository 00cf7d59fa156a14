// @ts-check
// The clips: rows of one height, each as wide as its shape, made a page at a time.

import { openDetail, takeOf } from "./detail.js";
import { button, find, make } from "./dom.js";
import { ask } from "./model.js";
import { letGo, picture, ratio } from "./media.js";
import { isFlagged } from "./model.js";
import { brief, lasting, money, named, number, spoken, titled } from "./words.js";

const PAGE = 48;
const AREA = 76_000; // CSS pixels of one clip on a wide screen
const TALLEST = 9 / 16;
const NARROWEST = 120; // CSS pixels: below that no prompt can be read under a clip
const MOST_GROWTH = 1.5;
const clips = find("#gallery .clips");
const moreClips = find("#gallery .more button");
let shown = [];
let made = 0;
let openRow = 0;
export let target = 0;

new IntersectionObserver(
  ([change]) => {
    if (change.isIntersecting && !moreClips.hidden) {
      addPage();
    }
  },
  { rootMargin: "900px 0px" },
).observe(moreClips);

let lastWidth = 0;
new ResizeObserver(() => {
  if (clips.clientWidth !== lastWidth) {
    lastWidth = clips.clientWidth;
    justify();
  }
}).observe(clips);

moreClips.addEventListener("click", () => {
  const first = clips.children.length;
  addPage();
  find("button", clips.children[first] ?? clips)?.focus();
});

function showGallery(entries) {
  letGo(clips);
  clips.replaceChildren();
  [shown, made] = [entries, 0];
  openRow = 0;
  target = rowHeight(entries);
  addPage();
}

// Wide clips get low rows and tall ones high rows, so that a clip has the same area in either.
function rowHeight(entries) {
  const some = entries.slice(0, 200);
  const sum = some.reduce((total, entry) => total + (ratio(entry) || 16 / 9), 0);
  return Math.sqrt(AREA / (some.length ? sum / some.length : 16 / 9));
}

function addPage() {
  const page = shown.slice(made, made + PAGE);
  made += page.length;
  clips.append(...page.map(card));
  const left = shown.length - made;
  justify(openRow);
  moreClips.hidden = left === 0;
  moreClips.textContent = `Show ${number(Math.min(PAGE, left))} more of ${number(left)}`;
}

function shape(entry) {
  return Math.max(ratio(entry) || 16 / 9, TALLEST);
}

// Each row ends where its height comes nearest to the one aimed at, and fills the width.
export function justify(from = 0) {
  const width = clips.clientWidth;
  const gap = parseFloat(getComputedStyle(clips).columnGap);
  const scale = Number(getComputedStyle(document.documentElement).getPropertyValue("--scale"));
  const aim = target * scale;
  const fitting = (sum, count) => (width - 1 - gap * (count - 1)) / sum;
  let [start, sum] = [from, 0];
  for (let place = from; place < made && width; place += 1) {
    const wider = sum + shape(shown[place]);
    const [now, then] = [fitting(sum, place - start), fitting(wider, place - start + 1)];
    const narrowest = then * Math.min(...shown.slice(start, place + 1).map(shape));
    if (place > start && (now * then <= aim * aim || narrowest < NARROWEST)) {
      setRow(start, place, Math.min(now, aim * MOST_GROWTH));
      [start, sum] = [place, shape(shown[place])];
    } else {
      sum = wider;
    }
  }
  setRow(start, made, Math.min(fitting(sum, made - start), aim));
  openRow = start;
}

function setRow(start, end, height) {
  for (let place = start; place < end; place += 1) {
    clips.children[place].style.setProperty("--height", `${height.toFixed(2)}px`);
  }
}

function card(entry) {
  const item = make("li", { class: `card ${entry.status}` });
  item.style.setProperty("--ratio", String(ratio(entry) || 16 / 9));
  const stage = make("div", { class: "stage" }, picture(entry, item));
  item.append(stage, words(entry));
  return item;
}

export function words(entry) {
  const details = button(
    "Details",
    () => {
      openDetail(entry, shown);
    },
    {
      class: "link",
      "aria-label": `Details: ${brief(titled(entry), 60)}`,
      "aria-haspopup": "dialog",
    },
  );
  return make(
    "div",
    { class: "words" },
    make(
      "h3",
      { title: titled(entry).length > 140 ? brief(titled(entry), 600) : null },
      brief(titled(entry), 400),
    ),
    make("p", { class: "params" }, parameters(entry)),
    make("p", { class: "line" }, ...line(entry), details),
  );
}

function parameters(entry) {
  const short = Object.entries(entry.params).map(([name, value]) => spoken(name, value));
  return short
    .filter((said) => said.length <= 32)
    .slice(0, 5)
    .join(" · ");
}

export function line(entry) {
  const said = [];
  if (entry.cost !== undefined) {
    said.push(make("span", {}, money(entry.cost)));
  }
  if (entry.duration_s !== undefined) {
    said.push(make("span", {}, lasting(entry.duration_s)));
  }
  if (takeOf(entry)) {
    said.push(
      button(
        `Take ${takeOf(entry)}`,
        () => {
          ask({ takes: entry.group, view: "" });
        },
        {
          class: "link",
          title: "Show these takes side by side",
        },
      ),
    );
  }
  if (isFlagged(entry)) {
    said.push(make("span", { class: "mark flag", title: entry.flags.join("; ") }, "Not as expected"));
  }
  if (entry.standing) {
    said.push(make("span", { class: "mark" }, named(entry.standing)));
  }
  return said;
}

/** @type {import("./views.js").View} */
export const gallery = { name: "gallery", label: "Clips", show: showGallery };
