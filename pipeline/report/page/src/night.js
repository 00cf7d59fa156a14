// @ts-check
// The picture of the night: in flight, ended and balance over one axis of time.

import { data, draw, find, make } from "./dom.js";
import { CLOCK, DAY, lasting, MOMENT, money, number, STATUS } from "./words.js";

/** @typedef {import("./types").Night} Night */
/** @typedef {"succeeded" | "in_doubt" | "failed"} End */

/** @type {readonly End[]} */
const ENDS = ["succeeded", "in_doubt", "failed"];
const TICKS = [300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const PAD = { left: 2, right: 2 };
/** @type {Night[]} */
let all = data("nights") ?? [];
let chosen = all.length - 1;
let drawnWidth = 0;
let watched = false;

/**
 * Take other nights, as a page that is served hears of them; the last one is shown if it was before.
 * @param {Night[]} given
 */
export function setNights(given) {
  const last = chosen === all.length - 1;
  all = given;
  chosen = last ? all.length - 1 : Math.min(chosen, all.length - 1);
  if (watched) {
    showNights();
  }
}

function showNights() {
  const picture = find(".night-picture");
  if (!watched) {
    watched = true;
    start(picture);
  }
  const night = all[chosen];
  for (const part of [picture, find(".night-figures")]) {
    part.hidden = !night;
  }
  showChoice();
  if (night) {
    showNight(night);
  } else {
    find(".night-span").textContent = "";
    find(".night-reading").textContent =
      "Nothing was sent yet: the picture of the night begins with the first answer.";
  }
}

/** @param {HTMLElement} picture */
function start(picture) {
  find("#night-choice select").addEventListener("change", (event) => {
    chosen = Number(/** @type {HTMLSelectElement} */ (event.target).value);
    showNights();
  });
  new ResizeObserver(() => {
    const night = all[chosen];
    if (night && picture.clientWidth && Math.round(picture.clientWidth) !== drawnWidth) {
      drawNight(night);
    }
  }).observe(picture);
  picture.addEventListener("pointermove", (move) => readNight(move, picture));
  picture.addEventListener("pointerleave", () => point(-1));
}

function showChoice() {
  const select = /** @type {HTMLSelectElement} */ (find("#night-choice select"));
  const names = all.map(when);
  if (names.join() !== [...select.options].map((each) => each.textContent).join()) {
    select.replaceChildren(...names.map((name, place) => make("option", { value: place }, name)));
  }
  select.value = String(chosen);
  find("#night-choice").hidden = all.length < 2;
}

/** @param {Night} each */
function when(each) {
  const [from, to] = [new Date(each.start * 1000), new Date(each.end * 1000)];
  const far = DAY.format(from) !== DAY.format(to);
  return `${DAY.format(from)}, ${CLOCK.format(from)} – ${far && each.end - each.start > 86_400 ? `${DAY.format(to)}, ` : ""}${CLOCK.format(to)}`;
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** @param {Night} night */
function nightWords(night) {
  const [succeeded, doubt, failed] = [sum(night.succeeded), sum(night.in_doubt), sum(night.failed)];
  const told = known(night);
  return [
    `At most ${number(Math.max(...night.in_flight))} in flight`,
    `${number(succeeded)} finished`,
    failed ? `${number(failed)} failed` : "",
    doubt ? `${number(doubt)} in doubt` : "",
    told.length ? `balance from ${money(told[0] ?? 0)} to ${money(told.at(-1) ?? 0)}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** @param {Night} night the balances that are known */
function known(night) {
  return night.balance.filter((value) => value !== null);
}

/** @param {Night} night */
function showNight(night) {
  find(".night-span").textContent =
    `${all.length > 1 ? "" : `${when(night)} · `}${lasting(night.end - night.start)}`;
  find(".night-figures .scroll").replaceChildren(nightTable(night));
  drawNight(night);
}

/** @param {Night} night */
function drawNight(night) {
  const nightPicture = find(".night-picture");
  const width = Math.max(280, Math.round(nightPicture.clientWidth));
  drawnWidth = Math.round(nightPicture.clientWidth);
  const count = night.in_flight.length;
  const at = (/** @type {number} */ place) => PAD.left + (place / count) * (width - PAD.left - PAD.right);
  const told = night.balance.some((value) => value !== null);
  const height = told ? 250 : 196;
  const canvas = draw("svg", {
    width: "100%",
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `The night: ${nightWords(night)}.`,
  });
  canvas.append(
    ...axis(night, at, width, height),
    ...flights(night, at),
    ...endings(night, at),
    ...(told ? credits(night, at, width) : []),
    draw("line", { class: "pointer", y1: 0, y2: height - 22 }),
  );
  nightPicture.replaceChildren(canvas);
  point(-1);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {import("./dom.js").Attributes} attributes
 */
function label(x, y, words, attributes = {}) {
  return draw("text", { x, y, ...attributes }, words);
}

/** @param {Night} night @param {(place: number) => number} at @param {number} width @param {number} height */
function axis(night, at, width, height) {
  const step = TICKS.find((tick) => (night.end - night.start) / tick <= width / 90) ?? 2_592_000;
  const shift = new Date(night.start * 1000).getTimezoneOffset() * 60;
  const marks = [];
  const length = night.in_flight.length * night.step;
  for (
    let time = Math.ceil((night.start - shift) / step) * step + shift;
    time < night.start + length;
    time += step
  ) {
    const x = at((time - night.start) / night.step);
    marks.push(draw("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }));
    if (x < width - 18) {
      const name =
        step < 86_400
          ? CLOCK.format(new Date(time * 1000))
          : DAY.format(new Date(time * 1000)).replace(/ \d{4}$/, "");
      marks.push(label(Math.max(0, x), height - 5, name, { "text-anchor": x > 18 ? "middle" : "start" }));
    }
  }
  return marks;
}

/** @param {Night} night @param {(place: number) => number} at */
function flights(night, at) {
  const [top, base] = [24, 96];
  const most = Math.max(1, ...night.in_flight);
  let path = `M${at(0)} ${base}`;
  let line = "";
  night.in_flight.forEach((value, place) => {
    const y = base - (value / most) * (base - top);
    path += `V${y}H${at(place + 1)}`;
    line += `${place ? "V" : `M${at(0)} `}${y}H${at(place + 1)}`;
  });
  return [
    label(0, 12, `In flight, at most ${number(Math.max(...night.in_flight))}`, { class: "name" }),
    draw("path", { class: "flight-area", d: `${path}V${base}Z` }),
    draw("path", { class: "flight-line", d: line }),
  ];
}

/** @param {Night} night @param {(place: number) => number} at */
function endings(night, at) {
  const [top, base] = [128, 172];
  const sums = night.succeeded.map(
    (value, place) => value + (night.failed[place] ?? 0) + (night.in_doubt[place] ?? 0),
  );
  const most = Math.max(1, ...sums);
  const gap = Math.min(1.5, (at(1) - at(0)) * 0.25);
  /** @type {SVGElement[]} */
  const bars = [];
  sums.forEach((_, place) => {
    let y = base;
    for (const status of ENDS) {
      const value = night[status][place];
      if (value) {
        // A single failure among hundreds still has to be seen.
        const tall = Math.max(status === "succeeded" ? 1.5 : 4, (value / most) * (base - top));
        y -= tall;
        bars.push(
          draw("rect", {
            class: status,
            x: at(place) + gap / 2,
            y,
            width: Math.max(1.5, at(place + 1) - at(place) - gap),
            height: tall,
            rx: 1,
          }),
        );
      }
    }
  });
  const each = `each ${lasting(night.step)}`;
  return [label(0, 116, `Finished ${each}, at most ${number(most)}`, { class: "name" }), ...bars];
}

/** @param {Night} night @param {(place: number) => number} at @param {number} width */
function credits(night, at, width) {
  const [top, base] = [198, 224];
  const told = known(night);
  const [least, most] = [Math.min(...told), Math.max(...told)];
  let line = "";
  night.balance.forEach((value, place) => {
    if (value !== null) {
      const y = most === least ? (top + base) / 2 : base - ((value - least) / (most - least)) * (base - top);
      line += line ? `H${at(place)}V${y}` : `M${at(place)} ${y}`;
    }
  });
  return [
    label(0, 190, `Balance ${money(told[0] ?? 0)}`, { class: "name" }),
    label(width - 2, 190, money(told.at(-1) ?? 0), { class: "name", "text-anchor": "end" }),
    draw("path", { class: "balance-line", d: `${line}H${at(night.in_flight.length)}` }),
  ];
}

/** @param {PointerEvent} move @param {HTMLElement} picture */
function readNight(move, picture) {
  const box = picture.getBoundingClientRect();
  const count = all[chosen]?.in_flight.length ?? 0;
  const place = Math.floor(((move.clientX - box.left) / box.width) * count);
  point(Math.min(count - 1, Math.max(0, place)));
}

/** @param {number} place of the step to read out; -1 for the night as a whole */
function point(place) {
  const night = all[chosen];
  const line = document.querySelector(".night-picture .pointer");
  if (!night || !line) {
    return;
  }
  line.classList.toggle("off", place < 0);
  const x = String(((Math.max(place, 0) + 0.5) / night.in_flight.length) * Math.max(280, drawnWidth));
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  find(".night-reading").textContent = place < 0 ? `${nightWords(night)}.` : reading(night, place);
}

/** @param {Night} night @param {number} place */
function reading(night, place) {
  const balance = night.balance.slice(0, place + 1).findLast((value) => value !== null);
  const ended = ENDS.map((status) => {
    const count = night[status][place] ?? 0;
    return count
      ? `${number(count)} ${status === "succeeded" ? "finished" : String(STATUS[status]).toLowerCase()}`
      : "";
  });
  return [
    CLOCK.format(new Date((night.start + place * night.step) * 1000)),
    `${number(night.in_flight[place] ?? 0)} in flight`,
    ...ended,
    balance === undefined || balance === null ? "" : money(balance),
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {Night} night */
function nightTable(night) {
  const columns = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
  const every = Math.ceil(night.in_flight.length / 24);
  const body = make("tbody");
  for (let place = 0; place < night.in_flight.length; place += every) {
    /** @template T @param {T[]} values */
    const part = (values) => values.slice(place, place + every);
    const told = part(night.balance).findLast((value) => value !== null);
    const cells = [
      Math.max(...part(night.in_flight)),
      sum(part(night.succeeded)),
      sum(part(night.failed)),
      sum(part(night.in_doubt)),
    ].map(number);
    const from = MOMENT.format(new Date((night.start + place * night.step) * 1000));
    body.append(
      make(
        "tr",
        {},
        make("th", { scope: "row" }, from),
        ...[...cells, told === undefined || told === null ? "–" : money(told)].map((cell) =>
          make("td", {}, cell),
        ),
      ),
    );
  }
  return make(
    "table",
    { class: "figures-table" },
    make("caption", { class: "unseen" }, "The night in figures"),
    make("thead", {}, make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column)))),
    body,
  );
}

/** @type {import("./views.js").View} */
export const nights = { name: "night", label: "The night", show: showNights };
