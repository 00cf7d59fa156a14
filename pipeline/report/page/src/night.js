// @ts-check
// The picture of the night: in flight, ended and balance over one axis of time.

import { data, draw, find, make } from "./dom.js";
import { CLOCK, DAY, lasting, MOMENT, money, number, STATUS } from "./words.js";

const NIGHTS = data("nights");
const nightSection = document.getElementById("night");
const nightPicture = find(".night-picture");
const nightReading = find(".night-reading");
const ENDS = ["succeeded", "in_doubt", "failed"];
const TICKS = [300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];
const PAD = { left: 2, right: 2 };
let night = NIGHTS[NIGHTS.length - 1];
let drawnWidth = 0;

function startNight() {
  if (!night) {
    return;
  }
  nightSection.hidden = false;
  const choice = document.getElementById("night-choice");
  const select = find("select", choice);
  NIGHTS.forEach((each, place) => {
    select.append(make("option", { value: place }, when(each)));
  });
  select.value = String(NIGHTS.length - 1);
  choice.hidden = NIGHTS.length < 2;
  select.addEventListener("change", () => {
    night = NIGHTS[Number(select.value)];
    showNight();
  });
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.round(contentRect.width) !== drawnWidth) {
      drawNight();
    }
  }).observe(nightPicture);
  nightPicture.addEventListener("pointermove", readNight);
  nightPicture.addEventListener("pointerleave", () => {
    point(-1);
  });
  showNight();
}

export function when(each) {
  const [from, to] = [new Date(each.start * 1000), new Date(each.end * 1000)];
  const far = DAY.format(from) !== DAY.format(to);
  return `${DAY.format(from)}, ${CLOCK.format(from)} – ${far && each.end - each.start > 86_400 ? `${DAY.format(to)}, ` : ""}${CLOCK.format(to)}`;
}

export function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function nightWords() {
  const [succeeded, doubt, failed] = ENDS.map((status) => sum(night[status]));
  const told = night.balance.filter((value) => value !== null);
  return [
    `At most ${number(Math.max(...night.in_flight))} in flight`,
    `${number(succeeded)} finished`,
    failed ? `${number(failed)} failed` : "",
    doubt ? `${number(doubt)} in doubt` : "",
    told.length ? `balance from ${money(told[0])} to ${money(told[told.length - 1])}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function showNight() {
  find(".night-span").textContent =
    `${NIGHTS.length > 1 ? "" : `${when(night)} · `}${lasting(night.end - night.start)}`;
  find(".night-figures .scroll").replaceChildren(nightTable());
  drawNight();
}

function drawNight() {
  const width = Math.max(280, Math.round(nightPicture.clientWidth));
  drawnWidth = Math.round(nightPicture.clientWidth);
  const count = night.in_flight.length;
  const at = (place) => PAD.left + (place / count) * (width - PAD.left - PAD.right);
  const told = night.balance.some((value) => value !== null);
  const height = told ? 250 : 196;
  const canvas = draw("svg", {
    width: "100%",
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `The night: ${nightWords()}.`,
  });
  canvas.append(
    ...axis(at, width, height),
    ...flights(at),
    ...endings(at),
    ...(told ? credits(at, width) : []),
    draw("line", { class: "pointer", y1: 0, y2: height - 22 }),
  );
  nightPicture.replaceChildren(canvas);
  point(-1);
}

export function label(x, y, words, attributes = {}) {
  return draw("text", { x, y, ...attributes }, words);
}

function axis(at, width, height) {
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

function flights(at) {
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

function endings(at) {
  const [top, base] = [128, 172];
  const sums = night.succeeded.map((value, place) => value + night.failed[place] + night.in_doubt[place]);
  const most = Math.max(1, ...sums);
  const gap = Math.min(1.5, (at(1) - at(0)) * 0.25);
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

function credits(at, width) {
  const [top, base] = [198, 224];
  const told = night.balance.filter((value) => value !== null);
  const [least, most] = [Math.min(...told), Math.max(...told)];
  let line = "";
  night.balance.forEach((value, place) => {
    if (value !== null) {
      const y = most === least ? (top + base) / 2 : base - ((value - least) / (most - least)) * (base - top);
      line += line ? `H${at(place)}V${y}` : `M${at(place)} ${y}`;
    }
  });
  return [
    label(0, 190, `Balance ${money(told[0])}`, { class: "name" }),
    label(width - 2, 190, money(told[told.length - 1]), { class: "name", "text-anchor": "end" }),
    draw("path", { class: "balance-line", d: `${line}H${at(night.in_flight.length)}` }),
  ];
}

function readNight(move) {
  const box = nightPicture.getBoundingClientRect();
  const place = Math.floor(((move.clientX - box.left) / box.width) * night.in_flight.length);
  point(Math.min(night.in_flight.length - 1, Math.max(0, place)));
}

function point(place) {
  const line = find(".pointer", nightPicture);
  line.classList.toggle("off", place < 0);
  const x = ((Math.max(place, 0) + 0.5) / night.in_flight.length) * Math.max(280, drawnWidth);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  nightReading.textContent = place < 0 ? `${nightWords()}.` : reading(place);
}

function reading(place) {
  const from = CLOCK.format(new Date((night.start + place * night.step) * 1000));
  const ended = ENDS.map((status) => [
    night[status][place],
    status === "succeeded" ? "finished" : STATUS[status].toLowerCase(),
  ]);
  const balance = night.balance.slice(0, place + 1).findLast((value) => value !== null);
  return [
    from,
    `${number(night.in_flight[place])} in flight`,
    ...ended.filter(([value]) => value).map(([value, word]) => `${number(value)} ${word}`),
    balance === undefined ? "" : money(balance),
  ]
    .filter(Boolean)
    .join(" · ");
}

function nightTable() {
  const columns = ["From", "In flight, at most", "Finished", "Failed", "In doubt", "Balance"];
  const every = Math.ceil(night.in_flight.length / 24);
  const body = make("tbody");
  for (let place = 0; place < night.in_flight.length; place += every) {
    const part = (name) => night[name].slice(place, place + every);
    const told = part("balance").findLast((value) => value !== null);
    const cells = [
      Math.max(...part("in_flight")),
      sum(part("succeeded")),
      sum(part("failed")),
      sum(part("in_doubt")),
    ].map(number);
    const from = MOMENT.format(new Date((night.start + place * night.step) * 1000));
    body.append(
      make(
        "tr",
        {},
        make("th", { scope: "row" }, from),
        ...[...cells, told === undefined ? "–" : money(told)].map((cell) => make("td", {}, cell)),
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

let started = false;

/** @type {import("./views.js").View} */
export const nights = {
  name: "night",
  label: "The night",
  show: () => {
    if (!started) {
      started = true;
      startNight();
    }
  },
};
